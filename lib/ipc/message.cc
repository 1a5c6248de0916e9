#include "ipc/message.h"

#include <fcntl.h>

#include <algorithm>

namespace mta::ipc {

void Message::add(std::string_view name, std::string_view value)
{
    body_.append(name).push_back('\0');
    auto begin = body_.size();
    body_.append(value);
    std::replace(body_.begin() + static_cast<std::ptrdiff_t>(begin), body_.end(), '\0', '?');
    body_.push_back('\0');
}

std::optional<std::string_view> Message::find(std::string_view name) const
{
    rewind();
    return next(name);
}

std::optional<std::string_view> Message::next(std::string_view name) const
{
    for (auto at = cursor_; at < body_.size();) {
        auto name_end = body_.find('\0', at);
        auto value_end = body_.find('\0', name_end + 1);
        auto value = std::string_view(body_).substr(name_end + 1, value_end - name_end - 1);
        bool found = std::string_view(body_).substr(at, name_end - at) == name;
        at = value_end + 1;
        if (found) {
            cursor_ = at;
            return value;
        }
    }
    return std::nullopt;
}

Message Message::copy() const
{
    Message copy;
    copy.body_ = body_;
    if (fd)
        copy.fd.reset(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    return copy;
}

Result<std::size_t> Message::take(std::string_view bytes, Message& into, Progress& progress)
{
    auto& at = progress.at;
    while (at < bytes.size()) {
        auto end = bytes.find('\0', at);
        at = std::min(end, bytes.size());
        bool is_last = at == progress.begin && !progress.is_value;  // an empty name
        if (end == std::string_view::npos || is_last)
            break;
        progress = {end + 1, end + 1, !progress.is_value};
    }
    if (at > max_message_bytes || (at >= bytes.size() && bytes.size() > max_message_bytes))
        return failure("message of another daemon is too long");
    if (at >= bytes.size())
        return std::size_t{0};
    into.body_.assign(bytes.substr(0, at));
    into.cursor_ = 0;
    return at + 1;
}

// Attributes come in the order of their declaration, so the search goes on where the last one was found, and
// starts again from the front only for a sender with another order. After an error nothing is looked for any more: each search
// for what is not there goes through the whole message, and a count may announce ten thousand structs.
bool Unpacker::text(std::string_view name, std::string& value)
{
    if (error_)
        return false;
    auto found = message_.next(name);
    if (!found)
        found = message_.find(name);
    if (!found) {
        fail("missing attribute", name);
        return false;
    }
    value.assign(*found);
    return true;
}

std::size_t Unpacker::count(std::string_view name)
{
    std::string raw;
    if (!text(name, raw))
        return 0;
    constexpr std::size_t min_attribute_bytes = 3;  // a name of one letter and two NULs
    auto number = parse_number<std::size_t>(raw);
    if (!number || *number > message_.body().size() / min_attribute_bytes) {
        fail("bad count", name);
        return 0;
    }
    return *number;
}

void Unpacker::fail(std::string_view why, std::string_view name)
{
    if (!error_)
        error_ = failure(cat("bad message of another daemon: ", why, " ", name));
}

}  // namespace mta::ipc
