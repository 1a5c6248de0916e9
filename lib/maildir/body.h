#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace mta::maildir {

// The bytes of one stored message, as IMAP and POP3 show them: a bare LF becomes CRLF, a bare CR stays, NUL becomes 0x80. Offsets
// and sizes count the message in this form; it is never changed on disk. Reading forwards costs one pass; going back starts anew.
class Body {
public:
    Body(Fd fd, std::uint64_t stored_size, std::uint64_t crlf_size)
        : fd_(std::move(fd)), stored_size_(stored_size), crlf_size_(crlf_size)
    {
    }

    std::uint64_t size() const { return crlf_size_; }
    // Up to size bytes from offset; less at the end, nothing after it.
    Result<std::string> read(std::uint64_t offset, std::size_t size);
    Result<std::string> read_all() { return read(0, crlf_size_); }

    // Whether there is no line end to complete.
    bool is_verbatim() const { return stored_size_ == crlf_size_; }

private:
    Fd fd_;
    std::uint64_t stored_size_, crlf_size_;
    void show_nul();
    Result<void> advance();          // one piece of the file into window_
    std::string window_;             // converted bytes...
    std::uint64_t window_start_ = 0; // ...from here
    std::uint64_t stored_at_ = 0;    // how far the file is read
    bool after_cr_ = false;
};

// The number of octets that bytes have with CRLF line ends; after_cr carries a CR over to the next piece.
std::uint64_t count_crlf(std::string_view bytes, bool& after_cr);

}  // namespace mta::maildir
