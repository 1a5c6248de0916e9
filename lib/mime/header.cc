#include "mime/header.h"

#include <algorithm>

#include "base/text.h"

namespace mta::mime {

namespace {

// The text up to and with the next LF from offset; empty only at the end.
std::string_view line_at(std::string_view text, std::size_t offset)
{
    auto end = text.find('\n', offset);
    return text.substr(offset, end == std::string_view::npos ? end : end + 1 - offset);
}

// "\r" is one whose LF is missing: it can only be the end of the text.
bool is_empty_line(std::string_view line) { return line == "\n" || line == "\r\n" || line == "\r"; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view without_line_end(std::string_view text)
{
    if (text.ends_with('\n'))
        text.remove_suffix(1);
    if (text.ends_with('\r'))
        text.remove_suffix(1);
    return text;
}

}  // namespace

bool Field::is(std::string_view wanted) const { return iequals(name, wanted); }

bool is_field_name(std::string_view name)
{
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > 32 && c < 127 && c != ':'; });
}

std::size_t header_size(std::string_view message)
{
    std::size_t offset = 0;
    while (offset < message.size()) {
        auto line = line_at(message, offset);
        offset += line.size();
        if (is_empty_line(line))
            break;
    }
    return offset;
}

void Header::Iterator::advance()
{
    field_ = {};
    if (next_ >= block_.size())
        return;
    auto line = line_at(block_, next_);
    if (is_empty_line(line))
        return;
    auto size = line.size();
    // A continuation of nothing at the top of the block is a line of its own.
    while (next_ + size < block_.size() && is_blank(block_[next_ + size]))
        size += line_at(block_, next_ + size).size();
    field_.raw = block_.substr(next_, size);
    field_.offset = next_;
    next_ += size;
    auto colon = line.find(':');
    auto name = line.substr(0, colon);
    while (!name.empty() && is_blank(name.back()))  // RFC 5322 section 4.5 allows white space before the colon
        name.remove_suffix(1);
    if (colon != std::string_view::npos && is_field_name(name)) {
        field_.name = name;
        field_.value = without_line_end(field_.raw.substr(colon + 1));
    } else {
        field_.value = without_line_end(field_.raw);
    }
}

std::optional<Field> Header::find(std::string_view name) const
{
    for (const Field& field : *this)
        if (field.is(name))
            return field;
    return std::nullopt;
}

std::optional<std::string> Header::value(std::string_view name) const
{
    auto field = find(name);
    if (!field)
        return std::nullopt;
    return std::string(trim(unfold(field->value)));
}

std::size_t Header::count(std::string_view name) const
{
    std::size_t number = 0;
    for (const Field& field : *this)
        number += field.is(name);
    return number;
}

std::vector<std::string_view> Header::missing(std::span<const std::string_view> names) const
{
    std::vector<std::string_view> left(names.begin(), names.end());
    for (const Field& field : *this)
        std::erase_if(left, [&](std::string_view name) { return field.is(name); });
    return left;
}

std::string unfold(std::string_view value)
{
    std::string out;
    out.reserve(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
        bool is_end = value[i] == '\n' || (value[i] == '\r' && i + 1 < value.size() && value[i + 1] == '\n');
        if (!is_end)
            out.push_back(value[i]);
    }
    return out;
}

Result<void> check_limits(std::string_view block, const HeaderLimits& limits)
{
    auto size = header_size(block);
    if (size > limits.block_bytes)
        return Error{cat("message header of ", size, " bytes is too large"), "5.3.4"};
    std::size_t count = 0;
    for (const Field& field : Header(block)) {
        if (field.raw.size() > limits.field_bytes)
            return Error{cat("header field ", printable(field.name.substr(0, 64)), " is too large"), "5.3.4"};
        if (++count > limits.fields)
            return Error{cat("more than ", limits.fields, " header fields"), "5.6.0"};
    }
    return {};
}

}  // namespace mta::mime
