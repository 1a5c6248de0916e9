#include "base/checksum.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include "base/fd.h"

namespace mta {

namespace {

constexpr std::uint32_t castagnoli = 0x82f63b78;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables tables = [] {
    Tables t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit)
            crc = crc & 1 ? crc >> 1 ^ castagnoli : crc >> 1;
        t[0][i] = crc;
    }
    for (std::size_t i = 0; i < 256; ++i)
        for (std::size_t k = 1; k < 8; ++k)
            t[k][i] = t[k - 1][i] >> 8 ^ t[0][t[k - 1][i] & 0xff];
    return t;
}();

std::string digest(const EVP_MD* type, std::string_view bytes)
{
    std::string out(static_cast<std::size_t>(EVP_MD_get_size(type)), '\0');
    if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, type, nullptr) != 1)
        throw std::runtime_error("EVP_Digest failed");
    return out;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc)
{
    crc = ~crc;
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    while (bytes.size() >= 8) {  // eight bytes a step, one table each
        std::uint32_t low = crc ^ (byte(0) | byte(1) << 8 | byte(2) << 16 | static_cast<std::uint32_t>(byte(3)) << 24);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^
              tables[3][byte(4)] ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^ tables[0][byte(7)];
        bytes.remove_prefix(8);
    }
    for (char c : bytes)
        crc = crc >> 8 ^ tables[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
    return ~crc;
}

std::string sha256(std::string_view bytes) { return digest(EVP_sha256(), bytes); }
std::string sha1(std::string_view bytes) { return digest(EVP_sha1(), bytes); }
std::string md5(std::string_view bytes) { return digest(EVP_md5(), bytes); }

std::string hmac_sha256(std::string_view key, std::string_view bytes)
{
    std::string out(32, '\0');
    unsigned length = 0;
    if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
              bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &length))
        throw std::runtime_error("HMAC failed");
    return out;
}

std::string random_bytes(std::size_t count)
{
    std::string out(count, '\0');
    for (std::size_t done = 0; done < count;) {
        auto got = ::getrandom(out.data() + done, count - done, 0);
        if (got < 0 && errno != EINTR)
            throw_errno("getrandom");
        done += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b)
{
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace mta
