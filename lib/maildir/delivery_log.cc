#include "maildir/delivery_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "maildir/errors.h"
#include "maildir/mailbox.h"

namespace mta::maildir {
namespace {

constexpr std::string_view done_mark = " d\n";  // behind the ID
constexpr std::size_t id_size = 16, line_size = id_size + done_mark.size();
constexpr std::size_t kept_deliveries = 1000;
constexpr std::size_t long_bytes = 2 * kept_deliveries * line_size;  // as much again before we shorten
constexpr std::size_t most_bytes = 4 * long_bytes;                   // read at most so much of the end

// Each ID has its own byte to be locked, so that different deliveries do not wait for each other.
off_t lock_place(const std::string& id) { return static_cast<off_t>(parse_number<std::uint64_t>(id, 16).value_or(0) >> 2); }

int set_lock(int fd, short type, off_t start, off_t length, int command)
{
    struct flock lock {};
    lock.l_type = type;
    lock.l_start = start;
    lock.l_len = length;
    int done = 0;
    do
        done = ::fcntl(fd, command, &lock);
    while (done < 0 && errno == EINTR && command == F_OFD_SETLKW);
    return done;
}

// Whether a whole line of ours, of a delivery that was done, is at the place.
bool is_done_at(std::string_view text, std::size_t at)
{
    return (at == 0 || text[at - 1] == '\n') && text.substr(at + id_size).starts_with(done_mark);
}

Result<std::string> read_end(int fd)
{
    struct stat status {};
    if (::fstat(fd, &status) < 0)
        return io_error("delivery log");
    const auto size = static_cast<std::size_t>(status.st_size);
    const auto start = size > most_bytes ? size - most_bytes : 0;
    return read_at(fd, start, size - start);
}

}  // namespace

Result<DeliveryLog> DeliveryLog::open(const std::string& maildir, const std::string& id)
{
    const auto path = maildir + "/buuta-deliveries";
    Fd fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd && errno == ENOENT)
        return Error{cat(maildir, ": no such maildir"), no_such_folder};
    if (!fd)
        return io_error(path);
    if (set_lock(fd.get(), F_WRLCK, lock_place(id), 1, F_OFD_SETLKW) < 0)
        return io_error(path);
    return DeliveryLog(std::move(fd), id);
}

Result<bool> DeliveryLog::has_done()
{
    const auto text = read_end(fd_.get());
    if (!text)
        return text.error();
    was_long_ = text->size() > long_bytes;
    for (auto at = text->find(id_); at != std::string::npos; at = text->find(id_, at + 1))
        if (is_done_at(*text, at))
            return true;
    return false;
}

Result<void> DeliveryLog::note_done()
{
    auto done = put(fd_.get(), cat(id_, done_mark), "delivery log");
    if (done && is_long())
        shorten();
    return done;
}

// Those who have not read it look at its size now and then.
bool DeliveryLog::is_long() const
{
    struct stat status {};
    return was_long_ || (id_.ends_with("00") && ::fstat(fd_.get(), &status) == 0 && static_cast<std::size_t>(status.st_size) > long_bytes);
}

// In place, so that all who have it open go on with the same file; only when nobody else is at work. A crash in the
// middle leaves old lines behind the new ones, which does no harm.
void DeliveryLog::shorten()
{
    set_lock(fd_.get(), F_UNLCK, 0, 0, F_OFD_SETLK);
    if (set_lock(fd_.get(), F_WRLCK, 0, 0, F_OFD_SETLK) < 0)
        return;
    const auto text = read_end(fd_.get());
    if (!text)
        return;
    const auto kept_bytes = kept_deliveries * line_size;
    auto start = text->size() > kept_bytes ? text->find('\n', text->size() - kept_bytes - 1) : std::string::npos;
    if (start == std::string::npos)
        return;
    const auto kept = std::string_view(*text).substr(start + 1);
    ::fcntl(fd_.get(), F_SETFL, 0);  // without O_APPEND, which would send every write to the end
    if (::pwrite(fd_.get(), kept.data(), kept.size(), 0) == static_cast<ssize_t>(kept.size()))
        (void)!::ftruncate(fd_.get(), static_cast<off_t>(kept.size()));
    was_long_ = false;
}

}  // namespace mta::maildir
