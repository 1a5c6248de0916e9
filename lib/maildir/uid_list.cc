#include "maildir/uid_list.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/file.h"
#include "base/text.h"
#include "log/log.h"
#include "maildir/errors.h"
#include "maildir/scan.h"

namespace mta::maildir {
namespace {

constexpr Uid reservation = 64;
constexpr Uid last_uid = std::numeric_limits<Uid>::max() - 1'000'000;  // IMAP clients dislike the very end
// After damage inside the list (not a torn end) the last reservation may be among what is lost.
constexpr Uid jump_after_damage = 65536;

// What tells one run of the machine from the next.
const std::string& boot_id()
{
    static const std::string id = [] {
        if (auto text = read_file("/proc/sys/kernel/random/boot_id", 100); text && text->size() >= 8)
            return text->substr(0, 8);
        timespec now{}, up{};  // no /proc here: the time of the start does as well, if the clock is not set much
        ::clock_gettime(CLOCK_REALTIME, &now);
        ::clock_gettime(CLOCK_BOOTTIME, &up);
        return cat("t", (now.tv_sec - up.tv_sec) / 100);
    }();
    return id;
}

}  // namespace

Lock::Guard::~Guard()
{
    struct flock lock {};
    lock.l_type = F_UNLCK;
    if (fd_ >= 0)
        ::fcntl(fd_, F_OFD_SETLK, &lock);
}

Result<Lock::Guard> Lock::take()
{
    constexpr long step_ns = 1'000'000, longest_ns = 50'000'000, limit_ns = 60'000'000'000;
    if (!fd_)
        fd_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd_)
        return io_error(path_);
    long waited = 0;
    for (long wait = step_ns; waited < limit_ns; wait = std::min(wait * 2, longest_ns)) {
        struct flock lock {};
        lock.l_type = F_WRLCK;
        if (::fcntl(fd_.get(), F_OFD_SETLK, &lock) == 0)
            return Guard(fd_.get());
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return io_error(path_);
        const timespec pause{0, wait};
        ::nanosleep(&pause, nullptr);
        waited += wait;
    }
    return failure(cat(path_, ": locked by another process for a minute"));
}

UidList::UidList(std::string directory, NewUidValidity new_uid_validity)
    : directory_(std::move(directory)), path_(directory_ + "/buuta-uidlist"), new_uid_validity_(std::move(new_uid_validity)), boot_(boot_id())
{
}

bool UidList::is_current() const
{
    struct stat now {};
    if (is_in_memory_)
        return true;
    return fd_ && ::stat(path_.c_str(), &now) == 0 && now.st_ino == inode_ && now.st_dev == device_ &&
           static_cast<std::uint64_t>(now.st_size) == size_;
}

// A message takes longer than a nanosecond, so the next one that does this has UIDs behind all of these.
void UidList::keep_in_memory(std::uint32_t uid_validity)
{
    constexpr std::int64_t second_ns = 1'000'000'000;
    fd_.reset();
    state_ = {};
    state_.uid_validity = uid_validity;
    state_.next = state_.reserved = static_cast<Uid>(now_ns() % second_ns + 1);
    is_in_memory_ = true;
}

// Another file than before, or one with lines that ours should have come before.
Result<void> UidList::open(struct stat& now)
{
    constexpr int flags = O_APPEND | O_CLOEXEC | O_NOFOLLOW;
    fd_.reset(::open(path_.c_str(), O_RDWR | flags));
    is_read_only_ = !fd_ && errno == EROFS;
    if (is_read_only_)
        fd_.reset(::open(path_.c_str(), O_RDONLY | flags));
    if (!fd_ || ::fstat(fd_.get(), &now) < 0)
        return io_error(path_);
    inode_ = now.st_ino;
    device_ = now.st_dev;
    size_ = 0;
    state_ = {};
    unwritten_.clear();
    return {};
}

Result<void> UidList::load()
{
    struct stat now {};
    if (is_in_memory_)
        return {};
    if (::stat(path_.c_str(), &now) < 0) {
        if (errno != ENOENT)
            return io_error(path_);
        return renumber();
    }
    const bool is_same = fd_ && now.st_ino == inode_ && now.st_dev == device_ && static_cast<std::uint64_t>(now.st_size) >= size_;
    if (is_same && static_cast<std::uint64_t>(now.st_size) == size_)
        return {};
    if (!is_same || !unwritten_.empty())
        if (auto done = open(now); !done)
            return done;
    return read_from(size_);
}

// Whether the list is shorter than it was. The UIDs that may be among what is lost are not given again.
bool UidList::is_cut()
{
    const auto text = read_file(path_ + ".witness", 100);
    const auto words = text ? split_words(*text) : std::vector<std::string_view>();
    if (words.size() != 3 || parse_number<std::uint32_t>(words[0]) != state_.uid_validity)
        return false;
    const auto reserved = parse_number<Uid>(words[1]).value_or(0);
    if (reserved <= state_.reserved && parse_number<std::uint64_t>(words[2]).value_or(0) <= size_)
        return false;
    log::warning(path_, ": cut, some messages may get new UIDs");
    state_.reserved = std::max(state_.reserved, reserved);
    return true;
}

// Before the list is written. Without sync: after a crash of the machine all that was reserved counts as used. That there is no room
// is no Error.
void UidList::bear_witness(Uid reserved, std::uint64_t size)
{
    constexpr std::size_t line_bytes = 48;
    if (!witness_)
        witness_.reset(::open((path_ + ".witness").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    auto line = cat(state_.uid_validity, ' ', reserved, ' ', size);
    line.resize(line_bytes, ' ');
    line.back() = '\n';
    if (witness_ && ::pwrite(witness_.get(), line.data(), line.size(), 0) < 0)
        witness_.reset();
}

Result<void> UidList::read_from(std::uint64_t offset)
{
    struct stat now {};
    if (::fstat(fd_.get(), &now) < 0)
        return io_error(path_);
    auto text = read_at(fd_.get(), offset, static_cast<std::size_t>(now.st_size) - offset);
    if (!text)
        return text.error();
    const auto parsed = apply_lines(state_, *text, offset == 0, boot_);
    size_ = static_cast<std::uint64_t>(now.st_size);
    const bool is_damaged = parsed.is_damaged || (offset == 0 && !parsed.has_header);
    if (((offset == 0 || is_damaged) && is_cut()) || is_damaged)
        return repair(parsed);
    return {};
}

// What is readable is kept. Whatever UID may have been shown is not given again.
Result<void> UidList::repair(const ParsedList& parsed)
{
    if (state_.uid_validity == 0 || state_.next > last_uid) {
        log::warning(path_, ": damaged, all messages get new UIDs");
        return renumber();
    }
    state_.next = std::max(state_.next, state_.reserved);
    if (parsed.is_damaged_inside) {
        log::warning(path_, ": damaged, some messages may get new UIDs");
        state_.next += jump_after_damage;
    }
    state_.reserved = state_.next;
    state_.mark = {};
    return start_over();
}

Result<void> UidList::renumber()
{
    if (is_in_memory_)
        return failure(cat(path_, ": the UIDs of this session are used up"));
    auto uid_validity = new_uid_validity_();
    if (!uid_validity)
        return uid_validity.error();
    UidState anew;
    anew.uid_validity = *uid_validity;
    anew.keywords = state_.keywords;
    anew.records = state_.records;
    for (auto& record : anew.records)
        record.uid = anew.next++;
    anew.reserved = anew.next + reservation;
    state_ = std::move(anew);
    return start_over();
}

// Writes a state that is not that of the file.
Result<void> UidList::start_over()
{
    auto done = replace();
    if (!done)
        fd_.reset();  // the next load() reads everything
    return done;
}

// After an Error the file is what it was, or load() finds another one.
Result<void> UidList::replace()
{
    state_.purge();
    const auto lines = snapshot(state_, boot_);
    bear_witness(state_.reserved, lines.text().size());
    const auto temporary = path_ + ".tmp";  // one writer, by the lock
    Fd fd(::open(temporary.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd)
        return io_error(temporary);
    auto done = put(fd.get(), lines.text(), temporary);
    if (done)
        done = make_durable(fd.get(), temporary);
    struct stat now {};
    if (done && (::fstat(fd.get(), &now) < 0 || ::rename(temporary.c_str(), path_.c_str()) < 0))
        done = io_error(temporary);
    if (!done) {
        ::unlink(temporary.c_str());
        bear_witness(state_.reserved, size_);
        return done;
    }
    fd_.reset();
    if (done = make_directory_durable(directory_); !done)
        return done;
    fd_ = std::move(fd);
    inode_ = now.st_ino;
    device_ = now.st_dev;
    size_ = lines.text().size();
    unwritten_.clear();
    state_.lines = state_.records.size();
    return {};
}

Result<void> UidList::append(const Lines& lines, bool durable)
{
    if (lines.is_empty())
        return {};
    if (is_in_memory_) {
        apply_lines(state_, lines.text(), false, boot_);
        return {};
    }
    if (is_read_only_)
        return Error{cat(path_, ": the file system is read-only"), read_only_disk};
    const auto text = unwritten_ + lines.text();
    bear_witness(std::max(state_.reserved, lines.reserved()), size_ + text.size());
    auto done = put(fd_.get(), text, path_);
    if (done && durable && ::fdatasync(fd_.get()) < 0)
        done = io_error(path_);
    if (!done) {
        if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) < 0)
            fd_.reset();  // the next load() finds the torn end
        bear_witness(state_.reserved, size_);
        return done;
    }
    apply_lines(state_, lines.text(), false, boot_);
    size_ += text.size();
    unwritten_.clear();
    return {};
}

Result<void> UidList::note(const Lines& lines)
{
    auto done = append(lines, false);
    if (done || !lacks_room(done.error()) || !fd_)
        return done;
    apply_lines(state_, lines.text(), false, boot_);
    unwritten_ += lines.text();
    return {};
}

Result<void> UidList::sync()
{
    if (fd_ && ::fdatasync(fd_.get()) < 0)
        return io_error(path_);
    return {};
}

Result<void> UidList::compact()
{
    constexpr std::size_t spare_lines = 1000;
    if (is_in_memory_ || state_.lines < 2 * state_.records.size() + spare_lines)
        return {};
    return replace();
}

bool UidList::has_room(std::size_t count) const { return count < last_uid && state_.next < last_uid - count; }

void UidList::assign(std::vector<Record>& records, Lines& lines, bool& durable) const
{
    if (records.empty())
        return;
    Uid next = state_.next;
    const Uid end = next + static_cast<Uid>(records.size());
    if (end > state_.reserved) {
        lines.reserve(end + reservation, boot_);
        durable = true;
    }
    for (auto& record : records) {
        record.uid = next++;
        lines.add(record);
    }
}

}  // namespace mta::maildir
