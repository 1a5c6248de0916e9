#include "maildir/upload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "maildir/errors.h"
#include "maildir/file_name.h"
#include "net/stream.h"

namespace mta::maildir {
namespace {

constexpr std::size_t buffer_size = 256ul * 1024;

}  // namespace

Arrivals::~Arrivals()
{
    for (const auto& message : messages_)
        ::unlink(path_of(message).c_str());
}

Incoming& Arrivals::add(std::string temporary)
{
    messages_.push_back({std::move(temporary), {}, {}});
    return messages_.back();
}

Result<Copied> Arrivals::install(UidList::NewUidValidity new_uid_validity)
{
    FolderStore store(directory_, std::move(new_uid_validity));
    auto copied = store.install(messages_);
    if (copied)
        messages_.clear();
    return copied;
}

FileUpload::FileUpload(std::string directory, UidList::NewUidValidity new_uid_validity)
    : directory_(directory), new_uid_validity_(std::move(new_uid_validity)), arrivals_(std::move(directory))
{
}

Result<void> FileUpload::add(std::uint8_t flags, std::vector<std::string> keywords, std::optional<std::time_t> date)
{
    if (auto done = finish_message(); !done)
        return done;
    auto& message = arrivals_.add(unique_id());
    message.keywords = std::move(keywords);
    const auto path = arrivals_.path_of(message);
    fd_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd_)
        return io_error(path);
    flags_ = flags;
    date_ = date;
    before_cr_ = last_ = 0;
    after_cr_ = false;
    size_ = crlf_size_ = 0;
    return {};
}

// Appends to out_, with LF for CRLF; but CR CR LF stays, or the CR that is left would look like a part of the line end.
void FileUpload::convert(std::string_view bytes)
{
    for (std::size_t at = 0; at < bytes.size();) {
        if (last_ == '\r' && (bytes[at] != '\n' || before_cr_ == '\r'))
            out_ += '\r';
        const auto cr = std::min(bytes.find('\r', at), bytes.size());
        out_ += bytes.substr(at, cr - at);
        if (cr == bytes.size()) {
            last_ = bytes.back();
            return;
        }
        before_cr_ = cr > at ? bytes[cr - 1] : last_;
        last_ = '\r';
        at = cr + 1;
    }
}

Result<void> FileUpload::flush()
{
    auto done = put(fd_.get(), out_, "write message");
    size_ += out_.size();
    crlf_size_ += count_crlf(out_, after_cr_);
    out_.clear();
    return done;
}

Result<void> FileUpload::write(std::string_view bytes)
{
    convert(bytes);
    if (out_.size() < buffer_size)
        return {};
    return flush();
}

Result<void> FileUpload::finish_message()
{
    if (!fd_)
        return {};
    if (last_ == '\r')
        out_ += '\r';
    if (auto done = flush(); !done)
        return done;
    const auto date = date_.value_or(std::time(nullptr));
    const timespec times[2] = {{date, 0}, {date, 0}};
    struct stat status {};
    if (::futimens(fd_.get(), times) < 0 || ::fstat(fd_.get(), &status) < 0)
        return io_error("date of message");
    if (auto done = make_durable(fd_.get(), "write message"); !done)
        return done;
    if (::close(fd_.release()) < 0)
        return io_error("write message");
    static const std::string host = net::host_name();
    auto& record = arrivals_.messages().back().record;
    record.inode = status.st_ino;
    record.facts = Facts{date, size_, crlf_size_};
    record.name = make_base(date, unique_id(), host, size_, crlf_size_) + with_flags({}, flags_);
    return {};
}

Result<Copied> FileUpload::commit()
{
    if (auto done = finish_message(); !done)
        return done.error();
    return arrivals_.install(new_uid_validity_);
}

}  // namespace mta::maildir
