#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "maildir/mailbox.h"
#include "mime/structure.h"

namespace mta::imapd {

// One message's text in CRLF form, read as far as it is asked for. Once open it can be read to its end, whoever
// expunges it meanwhile. It may be the header alone.
class MessageText {
public:
    MessageText(maildir::Uid uid, maildir::Body body, const mime::Limits& limits) : uid_(uid), limits_(limits), body_(std::move(body)) {}
    MessageText(maildir::Uid uid, std::string header, const mime::Limits& limits)
        : uid_(uid), limits_(limits), text_(std::move(header)), header_size_(text_.size())
    {
    }

    maildir::Uid uid() const { return uid_; }
    const mime::Limits& limits() const { return limits_; }
    bool has_body() const { return body_.has_value(); }
    std::uint64_t size() const { return body_->size(); }

    // These throw std::system_error if the file cannot be read.
    std::string_view header();
    std::string_view whole();
    const mime::Part& structure();
    // Exactly size bytes from offset, which must be there.
    std::string read(std::uint64_t offset, std::size_t size);

private:
    maildir::Uid uid_;
    mime::Limits limits_;
    std::optional<maildir::Body> body_;
    std::string text_;  // from the beginning
    std::optional<std::size_t> header_size_;
    std::optional<mime::Part> structure_;
};

}  // namespace mta::imapd
