#include "net/hit_counts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <map>

#include "base/file.h"
#include "base/text.h"

namespace mta::net {

namespace {

constexpr unsigned seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// A limit takes the first place that is free. Two processes may do so for the same one at the same time: then it has two.
struct Place {
    enum State : std::uint32_t { free, taken, named };  // taken: somebody writes the name, or has died while he did

    bool is_for(std::string_view limit) const { return text() == limit.substr(0, sizeof name); }
    std::string_view text() const { return {name, ::strnlen(name, sizeof name)}; }

    std::atomic<std::uint32_t> state;
    char name[52];
    std::atomic<std::uint64_t> hits;
};
using Places = std::array<Place, max_counted_limits>;
static_assert(sizeof(Place) == 64 && std::atomic<std::uint64_t>::is_always_lock_free);

Places*& places()
{
    static Places* shared = nullptr;
    return shared;
}

bool is_memory(int fd)
{
    struct stat status {};
    int found = ::fcntl(fd, F_GET_SEALS);
    return found >= 0 && static_cast<unsigned>(found) == seals && ::fstat(fd, &status) == 0 && status.st_size == sizeof(Places);
}

// Whether the place is the limit's, by now.
bool take(Place& place, std::string_view limit)
{
    std::uint32_t state = Place::free;
    if (place.state.compare_exchange_strong(state, Place::taken, std::memory_order_acquire)) {
        limit.copy(place.name, sizeof place.name);
        place.state.store(Place::named, std::memory_order_release);
        return true;
    }
    return state == Place::named && place.is_for(limit);
}

}  // namespace

Result<Fd> make_hit_counts()
{
    Fd fd(::memfd_create("limit-hits", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd)
        return errno_error("memfd_create");
    // Written, so that the memory is there: who wants it later, and there is none, would be killed.
    if (auto written = write_all(fd.get(), std::string(sizeof(Places), '\0')); !written)
        return written.error();
    if (::fcntl(fd.get(), F_ADD_SEALS, seals) != 0)
        return errno_error("F_ADD_SEALS");
    return fd;
}

bool share_hit_counts(int fd)
{
    if (!is_memory(fd))
        return false;
    void* memory = ::mmap(nullptr, sizeof(Places), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return false;
    places() = static_cast<Places*>(memory);
    return true;
}

void count_hit(std::string_view limit)
{
    if (auto* shared = places())
        for (auto& place : *shared)
            if (take(place, limit))
                return void(place.hits.fetch_add(1, std::memory_order_relaxed));
}

std::vector<std::pair<std::string, std::uint64_t>> hit_counts()
{
    std::map<std::string, std::uint64_t> found;
    if (const auto* shared = places())
        for (const auto& place : *shared)
            if (auto hits = place.hits.load(std::memory_order_relaxed); hits > 0 && place.state.load(std::memory_order_acquire) == Place::named)
                found[std::string(place.text())] += hits;
    return {found.begin(), found.end()};
}

}  // namespace mta::net
