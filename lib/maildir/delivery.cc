#include "maildir/delivery.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/text.h"
#include "maildir/body.h"
#include "maildir/delivery_log.h"
#include "maildir/errors.h"
#include "maildir/file_name.h"
#include "maildir/mailbox.h"
#include "maildir/root.h"
#include "maildir/scan.h"

namespace mta::maildir {
namespace {

constexpr std::size_t piece_size = 256ul * 1024;

// One delivery, from its look for an earlier copy to the name in new/.
class Attempt {
public:
    Attempt(const std::string& maildir, const Delivery& delivery, const std::string& id, DeliveryLog& log)
        : maildir_(maildir), delivery_(delivery), id_(id), log_(log)
    {
    }
    ~Attempt()
    {
        if (!left_.empty())
            ::unlink(left_.c_str());
    }
    Attempt(const Attempt&) = delete;

    // The copy of an earlier try, if there is one.
    Result<std::optional<Delivered>> find_earlier();
    Result<Delivered> run();

private:
    Result<std::optional<Delivered>> search();
    Result<bool> remove_leftover();
    Result<void> write_file();
    Result<void> copy_content(int fd, std::string piece);
    Result<void> give_name();

    const std::string& maildir_;
    const Delivery& delivery_;
    const std::string& id_;
    DeliveryLog& log_;
    std::string left_;  // the path of a file to be removed if we fail
    std::string name_;
    std::uint64_t size_ = 0, crlf_size_ = 0;
    bool after_cr_ = false;
};

Result<std::optional<Delivered>> Attempt::find_earlier()
{
    if (delivery_.is_first_try && !delivery_.has_sibling)
        return std::optional<Delivered>();
    const auto is_done = log_.has_done();
    if (!is_done)
        return is_done.error();
    if (*is_done)
        return std::optional(Delivered{"", true});
    if (delivery_.is_first_try)
        return std::optional<Delivered>();
    auto found = search();
    if (found && *found)
        if (auto done = log_.note_done(); !done)
            return done.error();
    return found;
}

// Looks for the file of a try that died at a place that we do not know.
Result<std::optional<Delivered>> Attempt::search()
{
    for (bool again = true; again;) {
        const auto found = scan(maildir_);
        if (!found)
            return found.error();
        const auto same = std::find_if(found->begin(), found->end(), [&](auto& file) { return id_of(file.name) == id_; });
        if (same != found->end()) {
            // It may have died before this.
            if (auto done = make_directory_durable(maildir_ + (same->is_new ? "/new" : "/cur")); !done)
                return done.error();
            return std::optional(Delivered{same->name, true});
        }
        auto removed = remove_leftover();
        if (!removed)
            return removed.error();
        again = !*removed;
    }
    // A session has seen it, and it is gone since.
    if (const auto list = read_file(maildir_ + "/buuta-uidlist"); list && list->find(cat('H', id_, '.')) != std::string::npos)
        return std::optional(Delivered{"", true});
    return std::optional<Delivered>();
}

// False if a file in tmp/ got its name in new/ just now.
Result<bool> Attempt::remove_leftover()
{
    const auto names = file_names(maildir_ + "/tmp");
    if (!names)
        return names.error();
    for (const auto& name : *names)
        if (id_of(name) == id_ && ::unlink(cat(maildir_, "/tmp/", name).c_str()) < 0) {
            if (errno == ENOENT)
                return false;
            return io_error(name);
        }
    return true;
}

Result<void> Attempt::copy_content(int fd, std::string piece)
{
    auto offset = static_cast<off_t>(delivery_.offset);
    auto left = delivery_.size;
    do {
        const auto start = piece.size();
        const auto wanted = std::min<std::uint64_t>(left, piece_size - std::min(piece_size - 1, start));
        piece.resize(start + wanted);
        const auto got = wanted ? ::pread(delivery_.content, piece.data() + start, wanted, offset) : 0;
        if (got < 0 && errno != EINTR)
            return io_error("read queue file");
        if (got == 0 && wanted)
            return failure("queue file is shorter than its size says");
        piece.resize(start + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        offset += std::max<ssize_t>(got, 0);
        left -= static_cast<std::uint64_t>(std::max<ssize_t>(got, 0));
        if (auto done = put(fd, piece, cat("write ", left_)); !done)
            return done;
        size_ += piece.size();
        crlf_size_ += count_crlf(piece, after_cr_);
        piece.clear();
    } while (left);
    return {};
}

Result<void> Attempt::write_file()
{
    const auto path = cat(maildir_, "/tmp/", make_base(std::time(nullptr), id_, delivery_.host, 0, std::nullopt));
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd)
        return errno == ENOENT ? Error{cat(maildir_, ": no tmp directory"), no_such_folder} : io_error(cat("create ", path));
    left_ = path;
    if (auto done = copy_content(fd.get(), delivery_.header); !done)
        return done;
    if (auto done = make_durable(fd.get(), cat("fsync ", path)); !done)
        return done;
    if (::close(fd.release()) < 0)
        return io_error(cat("close ", path));
    return {};
}

Result<void> Attempt::give_name()
{
    name_ = make_base(std::time(nullptr), id_, delivery_.host, size_, crlf_size_);
    const auto directory = maildir_ + "/new", path = cat(directory, '/', name_);
    if (::renameat2(AT_FDCWD, left_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) < 0)
        return errno == ENOENT ? Error{cat(maildir_, ": no new directory"), no_such_folder} : io_error(cat("rename ", left_));
    left_ = path;
    if (auto done = make_directory_durable(directory); !done)
        return done;
    left_.clear();
    return {};
}

Result<Delivered> Attempt::run()
{
    auto done = write_file();
    if (done)
        done = give_name();
    if (!done)
        return done.error();
    // Without this line a retry would search, and find.
    (void)log_.note_done();
    return Delivered{name_, false};
}

Result<Delivered> try_once(const std::string& maildir, const Delivery& delivery, const std::string& id)
{
    auto log = DeliveryLog::open(maildir, id);
    if (!log)
        return log.error();
    Attempt attempt(maildir, delivery, id, *log);
    auto earlier = attempt.find_earlier();
    if (!earlier)
        return earlier.error();
    if (*earlier)
        return **earlier;
    return attempt.run();
}

}  // namespace

Result<Delivered> deliver(const std::string& maildir, const Delivery& delivery)
{
    auto path = maildir;
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    const auto id = delivery_id(delivery.queue_id, delivery.recipient);
    auto delivered = try_once(path, delivery, id);
    if (delivered || delivered.error().status != no_such_folder)
        return delivered;
    if (auto done = make_maildir(path); !done)
        return done.error();
    delivered = try_once(path, delivery, id);
    if (!delivered && delivered.error().status == no_such_folder)
        return failure(delivered.error().text);
    return delivered;
}

}  // namespace mta::maildir
