#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maildir/mailbox.h"

// A view of a folder as bytes, for a session that waits elsewhere: what the client knows, in the order
//   version, name, read-only, UIDVALIDITY, UIDNEXT, keywords, runs of messages
// where a run is messages of successive UIDs with the same flags. Numbers have seven bits a byte, the lowest first.
namespace mta::maildir {

struct Remembered {
    std::string name;
    bool is_read_only = false;
    std::uint32_t uid_validity = 0;
    Uid uid_next = 1;
    std::vector<std::string> keywords;
    std::vector<Message> messages;  // without date and size
};

// Nothing if it takes more than max_bytes.
std::optional<std::string> encode(const Remembered& view, std::size_t max_bytes);
// Nothing if the bytes are not what encode() makes: they have been in other hands.
std::optional<Remembered> decode(std::string_view bytes);

}  // namespace mta::maildir
