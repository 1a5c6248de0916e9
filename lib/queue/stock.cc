#include "queue/stock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "log/log.h"
#include "queue/id.h"

namespace mta::queue {

namespace {

constexpr std::size_t most_files = 8;
constexpr std::string_view prefix = ".p";
constexpr long empty_seconds = 60;  // longer than anyone takes from making a file to locking it

}  // namespace

Stock::~Stock()
{
    for (const auto& file : files_)
        ::unlinkat(directory_->fd(State::incoming), file.name.c_str(), 0);
}

std::optional<Stock::File> Stock::make() const
{
    File file{cat(prefix, new_id()), Fd()};
    int incoming = directory_->fd(State::incoming);
    file.fd.reset(::openat(incoming, file.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.fd)
        return std::nullopt;
    if (::flock(file.fd.get(), LOCK_EX | LOCK_NB) == 0)
        return file;
    ::unlinkat(incoming, file.name.c_str(), 0);
    return std::nullopt;
}

void Stock::refill()
{
    if (!files_.empty())
        return;
    std::vector<File> made;
    while (made.size() < next_count_) {
        auto file = make();
        if (!file)
            break;
        made.push_back(*std::move(file));
    }
    next_count_ = std::min(next_count_ * 2, most_files);
    files_ = std::move(made);
    if (files_.empty() || directory_->sync(State::incoming))
        return;
    for (const auto& file : files_)
        ::unlinkat(directory_->fd(State::incoming), file.name.c_str(), 0);
    files_.clear();
}

std::optional<Stock::File> Stock::take()
{
    if (files_.empty())
        return std::nullopt;
    auto file = std::move(files_.back());
    files_.pop_back();
    return file;
}

// Nobody has the file any more. Complete, it may have been acknowledged: then it is a mail; else its writer has died before.
void Directory::settle_prepared(const std::string& name)
{
    Fd file(::openat(fd(State::incoming), name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    struct stat status {};
    if (!file || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 || ::fstat(file.get(), &status) != 0 || status.st_nlink == 0)
        return;
    auto mail = status.st_size > 0 ? read(file.get()) : Result<Mail>(Error{"empty", "5.3.0"});
    if (!mail && mail.error().status.starts_with('4'))
        return log::warning("incoming/", name, ": ", mail.error().text);
    auto remove = [&] { ::unlinkat(fd(State::incoming), name.c_str(), 0); };
    if (!mail || !is_id(mail->envelope.queue_id))
        return status.st_mtime < std::time(nullptr) - empty_seconds ? remove() : void();
    const auto& id = mail->envelope.queue_id;
    auto elsewhere = find(id);
    if (!elsewhere)
        return log::warning("incoming/", name, ": ", elsewhere.error().text);
    if (*elsewhere)
        return remove();
    auto whole = verify_content(file.get(), *mail);
    if (!whole && whole.error().status.starts_with('4'))
        return log::warning("incoming/", name, ": ", whole.error().text);
    if (!whole)
        log::warning(id, ": damaged queue file: ", whole.error().text);
    auto target = whole ? State::incoming : State::corrupt;
    if (::renameat2(fd(State::incoming), name.c_str(), fd(target), id.c_str(), RENAME_NOREPLACE) != 0)
        log::warning(errno_error(cat("rename incoming/", name, " to ", name_of(target), "/", id)).text);
}

bool Directory::is_prepared(std::string_view name) { return name.starts_with(prefix) && is_id(name.substr(prefix.size())); }

std::optional<Writer> Directory::write_prepared(const Envelope& envelope, Stock& stock)
{
    auto file = stock.take();
    if (!file)
        return std::nullopt;
    return Writer(*this, envelope, std::move(file->fd), State::incoming, std::move(file->name), true);
}

}  // namespace mta::queue
