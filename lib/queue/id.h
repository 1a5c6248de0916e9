#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mta::queue {

// A new queue ID in Postfix's long form: 6 characters of seconds and 4 of microseconds (base 52), 'z', and 5
// random ones (base 51): sortable by time, unique for ever, independent of the inode.
std::string new_id();
std::string new_id(std::int64_t microseconds, std::uint64_t random);

// True for any text that may be a queue ID of ours; only such a text may become part of a path.
bool is_id(std::string_view text);

// True if any mail system of this tradition could have it as a queue ID: commands take it, though it may belong to no mail here.
bool may_be_id(std::string_view text);

// Microseconds since 1970, now.
std::int64_t now();

}  // namespace mta::queue
