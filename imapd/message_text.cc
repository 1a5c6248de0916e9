#include "imapd/message_text.h"

#include <algorithm>
#include <system_error>

#include "base/text.h"
#include "mime/header.h"

namespace mta::imapd {

namespace {

constexpr std::size_t first_bytes = 16ul * 1024;

// Whether the text holds the whole header: an empty line at its end.
bool is_header_complete(std::string_view text, std::size_t header_size)
{
    auto header = text.substr(0, header_size);
    return header == "\r\n" || header.ends_with("\n\r\n");
}

}  // namespace

std::string MessageText::read(std::uint64_t offset, std::size_t size)
{
    auto bytes = body_->read(offset, size);
    if (!bytes)
        throw std::system_error(EIO, std::generic_category(), bytes.error().text);
    if (bytes->size() != size)
        throw std::system_error(EIO, std::generic_category(), cat("message ", uid_, " is shorter than it was"));
    return std::move(*bytes);
}

std::string_view MessageText::whole()
{
    if (text_.size() < size())
        text_ += read(text_.size(), size() - text_.size());
    return text_;
}

std::string_view MessageText::header()
{
    while (!header_size_) {
        auto wanted = std::min<std::uint64_t>(size(), std::max(first_bytes, text_.size() * 4));
        if (text_.size() < wanted)
            text_ += read(text_.size(), wanted - text_.size());
        auto found = mime::header_size(text_);
        if (text_.size() == size() || is_header_complete(text_, found))
            header_size_ = found;
    }
    return std::string_view(text_).substr(0, *header_size_);
}

const mime::Part& MessageText::structure()
{
    if (!structure_)
        structure_ = mime::parse_structure(whole(), limits_);
    return *structure_;
}

}  // namespace mta::imapd
