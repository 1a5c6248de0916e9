#include "smtp/content.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/fd.h"
#include "smtp/downgrade.h"

namespace mta::smtpc {

namespace {

constexpr std::size_t chunk_bytes = 65536;

}  // namespace

void Encoder::add(std::string_view bytes, std::string& out)
{
    bool has_cr = after_cr_ || bytes.find('\r') != std::string_view::npos;  // most messages have none
    while (!bytes.empty()) {
        if (std::exchange(after_cr_, false) && bytes.front() != '\n')
            add_text(" ", out);
        auto end = std::min(has_cr ? bytes.find_first_of("\r\n") : bytes.find('\n'), bytes.size());
        add_text(bytes.substr(0, end), out);
        if (end == bytes.size())
            return;
        after_cr_ = bytes[end] == '\r';
        if (!after_cr_)
            end_line(out);
        bytes.remove_prefix(end + 1);
    }
}

void Encoder::end_line(std::string& out)
{
    out += "\r\n";
    column_ = 0;
}

void Encoder::add_text(std::string_view text, std::string& out)
{
    if (text.empty())
        return;
    if (column_ == 0 && text.front() == '.')
        out += '.';
    while (line_limit_ != 0 && column_ + text.size() > line_limit_) {
        auto part = line_limit_ - std::min(column_, line_limit_);
        out.append(text.substr(0, part)).append("\r\n ");
        text.remove_prefix(part);
        column_ = 1;
    }
    out += text;
    column_ += text.size();
}

void Encoder::finish(std::string& out)
{
    if (column_ != 0 || after_cr_)
        end_line(out);
    after_cr_ = false;
}

namespace {

std::string read_chunk(int message, std::uint64_t offset, std::uint64_t size)
{
    std::string chunk(std::min<std::uint64_t>(size, chunk_bytes), '\0');
    ssize_t count = -1;
    while ((count = ::pread(message, chunk.data(), chunk.size(), static_cast<off_t>(offset))) < 0 && errno == EINTR) {
    }
    if (count <= 0) {
        errno = count == 0 ? ENODATA : errno;
        throw_errno("read message");
    }
    chunk.resize(static_cast<std::size_t>(count));
    return chunk;
}

}  // namespace

void send_content(int message, std::uint64_t offset, std::uint64_t size, std::size_t line_limit, net::Stream& stream,
                  const std::function<void()>& progress)
{
    Encoder encoder(line_limit);
    std::string out;
    while (size > 0) {
        auto chunk = read_chunk(message, offset, size);
        offset += chunk.size();
        size -= chunk.size();
        out.clear();
        encoder.add(chunk, out);
        stream.write(out);
        progress();
    }
    out.clear();
    encoder.finish(out);
    stream.write(out);
}

void send_downgraded(int message, std::uint64_t offset, std::uint64_t size, std::size_t line_limit, const mime::Limits& limits, net::Stream& stream,
                     const std::function<void()>& progress)
{
    std::string whole;
    while (whole.size() < size)
        whole += read_chunk(message, offset + whole.size(), size - whole.size());
    whole = downgraded(whole, limits);
    Encoder encoder(line_limit);
    std::string out;
    for (std::size_t at = 0; at < whole.size(); at += chunk_bytes) {
        out.clear();
        encoder.add(std::string_view(whole).substr(at, chunk_bytes), out);
        stream.write(out);
        progress();
    }
    out.clear();
    encoder.finish(out);
    stream.write(out);
}

}  // namespace mta::smtpc
