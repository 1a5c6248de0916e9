#include "sendmail/input.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.h"

namespace mta::sendmail {

namespace {

constexpr std::size_t buffer_bytes = 65536;

// "From sender date", quoted or not, that programs leave in front of a message taken from a mailbox file.
bool is_separator(std::string_view line)
{
    line.remove_prefix(std::min(line.find_first_not_of('>'), line.size()));
    return line.starts_with("From ");
}

}  // namespace

void Filter::add(std::string_view bytes, std::string& out)
{
    while (!bytes.empty() && !finished_) {
        auto end = bytes.find('\n');
        line_.append(bytes.substr(0, end));
        if (end == std::string_view::npos) {
            if (line_.size() > max_kept_bytes)
                release(out);
            return;
        }
        bytes.remove_prefix(end + 1);
        end_line(out);
    }
}

void Filter::finish(std::string& out)
{
    if (!finished_ && (line_began_ || !line_.empty()))
        end_line(out);
    finished_ = true;
}

// A part of a long line, but not a CR that may belong to its end.
void Filter::release(std::string& out)
{
    bool keeps_cr = line_.back() == '\r';
    if (keeps_cr)
        line_.pop_back();
    skipping_ = skipping_ || (!line_began_ && at_start_ && is_separator(line_));
    if (!skipping_)
        out += line_;
    line_began_ = true;
    line_.assign(keeps_cr ? 1 : 0, '\r');
}

void Filter::end_line(std::string& out)
{
    if (fix_line_endings_ && !line_.empty() && line_.back() == '\r')
        line_.pop_back();
    if (dot_ends_ && !line_began_ && line_ == ".") {
        finished_ = true;
    } else if (!skipping_ && (line_began_ || !at_start_ || !is_separator(line_))) {
        out += line_;
        out += '\n';
        at_start_ = false;
    }
    line_began_ = skipping_ = false;
    line_.clear();
}

Spool::Spool() : file_(std::tmpfile())
{
    if (!file_)
        throw_errno("create temporary file");
}

Result<void> Spool::write(std::string_view bytes)
{
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
        return errno_error("write temporary file");
    size_ += static_cast<long>(bytes.size());
    return {};
}

Result<void> Spool::read(const std::function<void(std::string_view)>& each)
{
    if (std::fflush(file_.get()) != 0)
        return errno_error("write temporary file");
    std::rewind(file_.get());
    std::array<char, buffer_bytes> buffer;
    while (auto count = std::fread(buffer.data(), 1, buffer.size(), file_.get()))
        each(std::string_view(buffer.data(), count));
    if (std::ferror(file_.get()))
        return errno_error("read temporary file");
    return {};
}

Result<void> read_message(int fd, Filter& filter, Spool& spool, long max_bytes)
{
    std::array<char, buffer_bytes> buffer;
    std::string out;
    while (!filter.is_finished()) {
        auto count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno_error("read standard input");
        out.clear();
        if (count > 0)
            filter.add(std::string_view(buffer.data(), static_cast<std::size_t>(count)), out);
        else
            filter.finish(out);
        if (auto written = spool.write(out); !written)
            return written;
        if (max_bytes > 0 && spool.size() > max_bytes)
            return Error{cat("message file too big: the limit is ", max_bytes, " bytes"), "5.3.4"};
    }
    return {};
}

}  // namespace mta::sendmail
