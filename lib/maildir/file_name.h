#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

// The names of message files: "1700000000.M123456H0123456789abcdef.host,S=5000,W=5100:2,FS". What stands before
// ":2," is the base name, which is the message's for ever; then flag letters in ASCII order, perhaps a comma and more.
namespace mta::maildir {

struct NameParts {
    std::string_view base;
    std::string_view suffix;  // from ":2," on, or nothing; ';' and '!' instead of ':' on foreign systems
};
NameParts split_name(std::string_view name);

// Between flag letters and flags (mailbox.h). Letters that are not ours and what follows a comma are kept.
std::uint8_t flags_of(std::string_view suffix);
std::string with_flags(std::string_view suffix, std::uint8_t flags);

// What a base name tells.
struct NameFacts {
    std::optional<std::time_t> date;              // only in names of our making
    std::optional<std::uint64_t> size, crlf_size;  // ",S=" and ",W="
};
NameFacts facts_of(std::string_view base);

// A base name of our making. The id is 16 hexadecimal digits: unique_id(), or for deliveries delivery_id().
std::string make_base(std::time_t date, std::string_view id, std::string_view host, std::uint64_t size,
                      std::optional<std::uint64_t> crlf_size);
std::string unique_id();
std::string delivery_id(std::string_view queue_id, std::string_view recipient);
// The id in a name of our making; nothing in others.
std::string_view id_of(std::string_view name);

// Whether the file can be a message that we can handle: no dot in front, no control characters.
bool is_message_name(std::string_view name);

}  // namespace mta::maildir
