#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mta {

// CRC-32C (Castagnoli); start with 0, or go on from an earlier result.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

// Digests and random bytes of OpenSSL, as raw bytes.
std::string sha256(std::string_view bytes);
std::string sha1(std::string_view bytes);
std::string md5(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string random_bytes(std::size_t count);

// True if equal; takes the same time wherever the difference is.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace mta
