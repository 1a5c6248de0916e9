#pragma once

#include <string>
#include <string_view>

namespace mta::dns {

// What may be asked for or believed at all: labels of 1 to 63 letters, digits, '-', '_' and '/' (RFC 2317), at most
// 253 characters; no final dot. Everything else in a packet is somebody's trick or mistake.
bool is_valid_name(std::string_view name);

// A name that can belong to a host: as above without '/', no label begins or ends with '-', not digits and dots only.
bool is_valid_hostname(std::string_view name);

// Each letter in upper or lower case by chance: a forger must guess the case, too.
std::string random_case(std::string_view name);

}  // namespace mta::dns
