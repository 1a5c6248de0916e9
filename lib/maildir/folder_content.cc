// FolderView: what reads messages or carries them elsewhere.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "maildir/errors.h"
#include "maildir/file_name.h"
#include "maildir/folder_view.h"
#include "maildir/upload.h"
#include "mime/crlf.h"
#include "mime/header.h"
#include "net/stream.h"

namespace mta::maildir {
namespace {

// A copy of the bytes, for targets on another file system.
Result<ino_t> copy_file(const std::string& from, const std::string& to, std::time_t date)
{
    const Fd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!source)
        return io_error(from);
    const Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!target)
        return io_error(to);
    std::string piece(128ul * 1024, '\0');
    while (true) {
        const auto got = ::read(source.get(), piece.data(), piece.size());
        if (got < 0)
            return io_error(from);
        if (got == 0)
            break;
        if (auto done = put(target.get(), std::string_view(piece).substr(0, static_cast<std::size_t>(got)), to); !done)
            return done.error();
    }
    const timespec times[2] = {{date, 0}, {date, 0}};
    struct stat status {};
    if (::futimens(target.get(), times) < 0 || ::fsync(target.get()) < 0 || ::fstat(target.get(), &status) < 0)
        return io_error(to);
    return status.st_ino;
}

// Counts the octets with CRLF line ends.
Result<std::uint64_t> count_file(int fd, std::uint64_t size)
{
    std::string piece(std::clamp<std::uint64_t>(size, 1, 128ul * 1024), '\0');
    std::uint64_t count = 0;
    off_t at = 0;
    for (bool after_cr = false;;) {
        const auto got = ::pread(fd, piece.data(), piece.size(), at);
        if (got < 0)
            return io_error("read message");
        if (got == 0)
            return count;
        count += count_crlf(std::string_view(piece).substr(0, static_cast<std::size_t>(got)), after_cr);
        at += got;
    }
}

}  // namespace

std::vector<std::string> FolderView::keyword_names(Keywords bits) const
{
    std::vector<std::string> names;
    const auto& all = store_.state().keywords;
    for (std::size_t bit = 0; bit < all.size(); ++bit)
        if (bits >> bit & 1)
            names.push_back(all[bit]);
    return names;
}

// Makes a second name for the message's file among the arrivals; false if the message is gone.
Result<bool> FolderView::link(Uid uid, Arrivals& arrivals)
{
    static const std::string host = net::host_name();
    auto& arrival = arrivals.add(unique_id());
    const auto to = arrivals.path_of(arrival);
    bool is_linked = false;
    for (int attempt = 0; attempt < patience && !is_linked; ++attempt) {
        if (attempt > 0) {  // another program may have renamed it
            const auto guard = store_.lock();
            if (!guard)
                return guard.error();
            if (auto done = catch_up(true); !done)
                return done.error();
            if (auto done = store_.look_up_facts(); !done)
                return done.error();
        }
        const auto* record = store_.state().find(uid);
        if (!record) {
            arrivals.messages().pop_back();
            return false;
        }
        if (!record->facts)
            continue;
        arrival.record = *record;
        const auto from = store_.path_of(*record);
        if (::link(from.c_str(), to.c_str()) == 0) {
            is_linked = true;
        } else if (errno == EXDEV || errno == EPERM || errno == EMLINK) {
            auto inode = copy_file(from, to, record->facts->date);
            if (!inode)
                return inode.error();
            arrival.record.inode = *inode;
            is_linked = true;
        } else if (errno != ENOENT) {
            return io_error(to);
        }
    }
    if (!is_linked)
        return failure("another program keeps renaming the message");
    auto& record = arrival.record;
    arrival.keywords = keyword_names(record.keywords);
    const auto suffix = split_name(record.name).suffix;
    const auto& facts = *record.facts;
    record.name = make_base(facts.date, unique_id(), host, facts.size, facts.crlf_size) + (suffix.empty() ? ":2," : std::string(suffix));
    record.is_new = false;
    return true;
}

Result<Copied> FolderView::copy(const std::vector<Uid>& uids, std::string_view target)
{
    auto directory = root_.find(target);
    if (!directory)
        return directory.error();
    look_up_facts();
    Arrivals arrivals(*directory);
    std::vector<Uid> linked;
    for (Uid uid : uids) {
        auto done = link(uid, arrivals);
        if (!done)
            return done.error();
        if (*done)
            linked.push_back(uid);
    }
    auto copied = arrivals.install([owner = root_] { return owner.new_uid_validity(); });
    if (copied)
        for (std::size_t i = 0; i < linked.size(); ++i)
            copied->uids[i].first = linked[i];
    return copied;
}

Result<Copied> FolderView::move(const std::vector<Uid>& uids, std::string_view target)
{
    auto copied = copy(uids, target);
    if (!copied)
        return copied;
    std::vector<Uid> moved;
    for (const auto& [from, to] : copied->uids)
        moved.push_back(from);
    if (auto done = expunge(moved); !done)
        return done.error();
    return copied;
}

Result<Fd> FolderView::open_file(Uid uid)
{
    for (int attempt = 0; attempt < patience; ++attempt) {
        if (attempt > 0) {
            const auto guard = store_.lock();
            if (!guard)
                return guard.error();
            if (auto done = catch_up(true); !done)
                return done.error();
        }
        const auto* record = store_.state().find(uid);
        if (!record)
            return Error{"the message has been expunged", message_gone};
        Fd fd(::open(store_.path_of(*record).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (fd)
            return fd;
        if (errno != ENOENT)
            return io_error(record->path());
    }
    return failure("another program keeps renaming the message");
}

void FolderView::remember_facts(Uid uid, const Facts& facts)
{
    const auto guard = store_.lock();
    if (!guard || !catch_up())
        return;
    Lines lines;
    lines.facts(uid, facts);
    (void)store_.note(lines);
}

void FolderView::look_up_facts()
{
    const auto& records = store_.state().records;
    if (has_looked_up_ || std::all_of(records.begin(), records.end(), [](const auto& record) { return record.facts.has_value(); }))
        return;
    const auto guard = store_.lock();
    if (!guard || !catch_up())
        return;
    has_looked_up_ = !store_.look_up_facts();
}

Result<Body> FolderView::open(Uid uid)
{
    auto fd = open_file(uid);
    if (!fd)
        return fd.error();
    struct stat status {};
    if (::fstat(fd->get(), &status) < 0)
        return io_error("stat message");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    const auto* record = store_.state().find(uid);
    if (record && record->facts && record->facts->size == size && record->facts->crlf_size)
        return Body(std::move(*fd), size, *record->facts->crlf_size);
    auto count = count_file(fd->get(), size);
    if (!count)
        return count.error();
    if (record) {
        auto facts = record->facts ? *record->facts : facts_of(record->name, status);
        facts.size = size;
        facts.crlf_size = *count;
        remember_facts(uid, facts);
    }
    return Body(std::move(*fd), size, *count);
}

Result<std::string> FolderView::header(Uid uid)
{
    auto fd = open_file(uid);
    if (!fd)
        return fd.error();
    constexpr std::size_t first_bytes = 4096;
    std::string header, piece;
    mime::CrlfWriter writer;
    for (off_t at = 0;;) {
        piece.resize(std::max(first_bytes, header.size()));
        const auto got = ::pread(fd->get(), piece.data(), piece.size(), at);
        if (got < 0)
            return io_error("read message");
        writer.add(std::string_view(piece).substr(0, static_cast<std::size_t>(got)), header);
        const auto size = mime::header_size(header);
        if (size < header.size() || got == 0) {
            header.resize(size);
            return header;
        }
        at += got;
    }
}

Result<std::time_t> FolderView::internal_date(Uid uid)
{
    const auto* record = store_.state().find(uid);
    if (record && !record->facts) {
        look_up_facts();
        record = store_.state().find(uid);
    }
    if (record && record->facts)
        return record->facts->date;
    auto fd = open_file(uid);
    struct stat status {};
    if (!fd)
        return fd.error();
    if (::fstat(fd->get(), &status) < 0)
        return io_error("stat message");
    return status.st_mtime;
}

Result<std::uint64_t> FolderView::crlf_size(Uid uid)
{
    const auto* record = store_.state().find(uid);
    if (record && !record->facts) {
        look_up_facts();
        record = store_.state().find(uid);
    }
    if (record && record->facts && record->facts->crlf_size)
        return *record->facts->crlf_size;
    auto body = open(uid);
    if (!body)
        return body.error();
    return body->size();
}

}  // namespace mta::maildir
