#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// What POP3 and IMAP show of a message on disk: every line end is CRLF. This one rule serves sizes, whole texts
// and parts of them: a bare LF becomes CRLF, a bare CR stays, NUL (which no literal may contain) becomes 0x80.
namespace mta::mime {

// The size of the CRLF form.
std::uint64_t crlf_size(std::string_view raw);

// Converts a text that comes in pieces; `out` grows by the CRLF form of the piece.
class CrlfWriter {
public:
    void add(std::string_view piece, std::string& out);

private:
    bool after_cr_ = false;
};

// The CRLF form as one text. Refers to the raw text when that is in this form already, else owns a copy.
class CrlfText {
public:
    explicit CrlfText(std::string_view raw);
    CrlfText(const CrlfText&) = delete;
    CrlfText& operator=(const CrlfText&) = delete;

    std::string_view view() const { return is_copy_ ? std::string_view(copy_) : raw_; }
    std::size_t size() const { return view().size(); }

private:
    std::string_view raw_;
    std::string copy_;
    bool is_copy_ = false;
};

}  // namespace mta::mime
