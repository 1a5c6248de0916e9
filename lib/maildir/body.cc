#include "maildir/body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "maildir/errors.h"
#include "maildir/mailbox.h"

namespace mta::maildir {
namespace {

constexpr std::size_t piece_size = 128ul * 1024;

}  // namespace

std::uint64_t count_crlf(std::string_view bytes, bool& after_cr)
{
    std::uint64_t count = bytes.size();
    for (std::size_t at = 0; (at = bytes.find('\n', at)) != std::string_view::npos; ++at)
        count += !(at ? bytes[at - 1] == '\r' : after_cr);
    if (!bytes.empty())
        after_cr = bytes.back() == '\r';
    return count;
}

// mime::CrlfText has the same rule: no literal of IMAP may contain NUL.
void Body::show_nul()
{
    for (std::size_t at = 0; (at = window_.find('\0', at)) != std::string::npos; ++at)
        window_[at] = '\x80';
}

Result<void> Body::advance()
{
    window_start_ += window_.size();
    window_.clear();
    std::string piece(std::min<std::uint64_t>(piece_size, stored_size_ - std::min(stored_size_, stored_at_)), '\0');
    ssize_t got = 0;
    do
        got = ::pread(fd_.get(), piece.data(), piece.size(), static_cast<off_t>(stored_at_));
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return io_error("read message");
    piece.resize(static_cast<std::size_t>(got));
    stored_at_ += piece.size();
    if (is_verbatim()) {
        window_ = std::move(piece);
        show_nul();
        return {};
    }
    window_.reserve(piece.size() + piece.size() / 32);
    for (std::size_t from = 0; from < piece.size();) {
        const auto lf = piece.find('\n', from);
        window_.append(piece, from, lf == std::string::npos ? lf : lf - from);
        if (lf == std::string::npos)
            break;
        const bool has_cr = lf ? piece[lf - 1] == '\r' : after_cr_;
        window_ += has_cr ? "\n" : "\r\n";
        from = lf + 1;
    }
    if (!piece.empty())
        after_cr_ = piece.back() == '\r';
    show_nul();
    return {};
}

Result<std::string> Body::read(std::uint64_t offset, std::size_t size)
{
    if (offset < window_start_) {
        window_.clear();
        window_start_ = stored_at_ = 0;
        after_cr_ = false;
    }
    if (is_verbatim() && offset >= window_start_ + window_.size()) {
        window_.clear();
        window_start_ = stored_at_ = offset;
    }
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, crlf_size_ - std::min(crlf_size_, offset)));
    std::string bytes;
    while (offset < crlf_size_ && bytes.size() < size) {
        if (offset < window_start_ + window_.size()) {
            const auto got = std::string_view(window_).substr(offset - window_start_, size - bytes.size());
            bytes += got;
            offset += got.size();
        } else {
            const auto before = stored_at_;
            if (auto done = advance(); !done)
                return done.error();
            if (stored_at_ == before)  // somebody has cut the file
                return Error{"message is shorter than it was", message_gone};
        }
    }
    return bytes;
}

}  // namespace mta::maildir
