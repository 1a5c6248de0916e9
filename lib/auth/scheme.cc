#include "auth/scheme.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "auth/scram.h"
#include "base/checksum.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/text.h"

namespace mta::auth {

namespace {

// RFC 9106 section 4 asks for more memory; this is OWASP's minimum, so that a few logins at once fit a small host.
constexpr std::uint32_t argon2_kibibytes = 19456, argon2_passes = 2;
constexpr std::size_t argon2_salt_bytes = 16, argon2_hash_bytes = 32, salt_bytes = 16;
constexpr std::string_view pbkdf2_prefix = "$1$";

Error unusable(std::string_view why) { return failure(cat("stored password cannot be used: ", why)); }

// A digest with its name, its variants with salt being "S" and the name.
struct Digest {
    std::string_view name;
    const EVP_MD* (*function)();
};
constexpr std::array<Digest, 7> digests{{{"SHA", EVP_sha1}, {"SHA1", EVP_sha1}, {"SHA256", EVP_sha256}, {"SHA512", EVP_sha512},
                                         {"MD5", EVP_md5}, {"LDAP-MD5", EVP_md5}, {"PLAIN-MD5", EVP_md5}}};

std::string digest(const EVP_MD* type, std::string_view bytes)
{
    std::string out(static_cast<std::size_t>(EVP_MD_get_size(type)), '\0');
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, type, nullptr);
    return out;
}

struct DigestScheme {
    const EVP_MD* type;
    bool salted, hex;
};

std::optional<DigestScheme> digest_scheme(std::string_view scheme)
{
    bool hex = scheme == "PLAIN-MD5";
    if (scheme.ends_with(".HEX") || scheme.ends_with(".B64")) {
        hex = scheme.ends_with(".HEX");
        scheme.remove_suffix(4);
    }
    for (const auto& candidate : digests) {
        if (scheme == candidate.name)
            return DigestScheme{candidate.function(), false, hex};
        if (scheme.starts_with('S') && scheme.substr(1) == candidate.name)
            return DigestScheme{candidate.function(), true, hex};
    }
    return std::nullopt;
}

Result<bool> verify_digest(const DigestScheme& scheme, std::string_view value, std::string_view password)
{
    auto raw = scheme.hex ? hex_decode(lower(value)) : base64_decode(value);
    auto size = static_cast<std::size_t>(EVP_MD_get_size(scheme.type));
    if (!raw || raw->size() < size || (!scheme.salted && raw->size() != size))
        return unusable("bad digest");
    auto salt = std::string_view(*raw).substr(size);
    return equal_in_constant_time(digest(scheme.type, cat(password, salt)), std::string_view(*raw).substr(0, size));
}

Result<bool> verify_crypt(std::string_view value, std::string_view password)
{
    if (value.empty() || value == "x" || value.front() == '*' || value.front() == '!')
        return false;  // locked, as in shadow(5)
    auto data = std::make_unique<crypt_data>();
    const std::string setting(value), phrase(password);
    const char* made = ::crypt_r(phrase.c_str(), setting.c_str(), data.get());
    if (!made || made[0] == '*')
        return unusable("crypt(3) does not know its method");
    return equal_in_constant_time(made, value);
}

Result<bool> verify_argon2(std::string_view value, std::string_view password)
{
    const std::string encoded(value);
    auto type = value.starts_with("$argon2id$") ? Argon2_id : value.starts_with("$argon2i$") ? Argon2_i : Argon2_d;
    int result = ::argon2_verify(encoded.c_str(), password.data(), password.size(), type);
    if (result == ARGON2_OK || result == ARGON2_VERIFY_MISMATCH)
        return result == ARGON2_OK;
    return unusable(::argon2_error_message(result));
}

// Dovecot's {PBKDF2}: $1$salt$rounds$hash, with SHA-1, the salt as it stands and the hash in hexadecimal.
Result<bool> verify_pbkdf2(std::string_view value, std::string_view password)
{
    auto parts = split(value, '$');
    if (!value.starts_with(pbkdf2_prefix) || parts.size() != 5)
        return unusable("bad PBKDF2");
    auto rounds = parse_number<int>(parts[3]);
    auto hash = hex_decode(lower(parts[4]));
    if (!rounds || *rounds < 1 || !hash || hash->empty())
        return unusable("bad PBKDF2");
    std::string made(hash->size(), '\0');
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), reinterpret_cast<const unsigned char*>(parts[2].data()),
                      static_cast<int>(parts[2].size()), *rounds, EVP_sha1(), static_cast<int>(made.size()),
                      reinterpret_cast<unsigned char*>(made.data()));
    return equal_in_constant_time(made, *hash);
}

Result<bool> verify_scram(std::string_view value, std::string_view password)
{
    auto keys = ScramKeys::parse(value);
    if (!keys)
        return unusable("bad SCRAM-SHA-256 keys");
    auto made = ScramKeys::derive(password, keys->salt, keys->iterations);
    return equal_in_constant_time(made.stored_key, keys->stored_key);
}

bool is_crypt(std::string_view scheme)
{
    return scheme == "CRYPT" || scheme == "BLF-CRYPT" || scheme == "SHA512-CRYPT" || scheme == "SHA256-CRYPT" ||
           scheme == "MD5-CRYPT" || scheme == "DES-CRYPT";
}

bool is_plain(std::string_view scheme) { return scheme == "PLAIN" || scheme == "CLEAR" || scheme == "CLEARTEXT"; }

Result<std::string> make_crypt(const char* prefix, std::string_view password)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!::crypt_gensalt_rn(prefix, 0, nullptr, 0, setting, sizeof setting))
        return errno_error("crypt_gensalt");
    auto data = std::make_unique<crypt_data>();
    const char* made = ::crypt_r(std::string(password).c_str(), setting, data.get());
    if (!made || made[0] == '*')
        return errno_error("crypt");
    return std::string(made);
}

Result<std::string> make_argon2(std::string_view password)
{
    auto salt = random_bytes(argon2_salt_bytes);
    std::string encoded(::argon2_encodedlen(argon2_passes, argon2_kibibytes, 1, argon2_salt_bytes, argon2_hash_bytes, Argon2_id), '\0');
    int result = ::argon2id_hash_encoded(argon2_passes, argon2_kibibytes, 1, password.data(), password.size(), salt.data(),
                                         salt.size(), argon2_hash_bytes, encoded.data(), encoded.size());
    if (result != ARGON2_OK)
        return failure(cat("argon2: ", ::argon2_error_message(result)));
    encoded.resize(encoded.find('\0'));
    return encoded;
}

Result<std::string> make_value(std::string_view scheme, std::string_view password)
{
    if (scheme == "ARGON2ID")
        return make_argon2(password);
    if (scheme == "SCRAM-SHA-256")
        return ScramKeys::derive(password, random_bytes(salt_bytes), scram_iterations).text();
    if (scheme == "CRYPT")
        return make_crypt("$y$", password);
    if (scheme == "BLF-CRYPT")
        return make_crypt("$2y$", password);
    if (scheme == "SHA512-CRYPT")
        return make_crypt("$6$", password);
    if (scheme == "SHA256-CRYPT")
        return make_crypt("$5$", password);
    if (scheme == "PLAIN")
        return std::string(password);
    auto known = digest_scheme(scheme);
    if (!known || !known->salted)
        return Error{cat("unknown password scheme ", scheme, "; there are ", join(password_schemes(), " ")), "5.3.5"};
    auto salt = random_bytes(salt_bytes);
    return base64_encode(digest(known->type, cat(password, salt)) + salt);
}

}  // namespace

const std::vector<std::string>& password_schemes()
{
    static const std::vector<std::string> names{"SCRAM-SHA-256", "ARGON2ID", "CRYPT", "BLF-CRYPT", "SHA512-CRYPT",
                                                "SHA256-CRYPT", "SSHA512", "SSHA256", "SSHA", "PLAIN"};
    return names;
}

Stored split_scheme(std::string_view stored)
{
    auto end = stored.find('}');
    if (!stored.starts_with('{') || end == std::string_view::npos)
        return {"CRYPT", std::string(stored)};
    return {upper(stored.substr(1, end - 1)), std::string(stored.substr(end + 1))};
}

Result<bool> verify_password(std::string_view stored, std::string_view password)
{
    if (password.find('\0') != std::string_view::npos)
        return false;  // crypt(3) would see only a part of it
    auto [scheme, value] = split_scheme(stored);
    if (value.starts_with("$argon2") && (scheme == "CRYPT" || scheme == "ARGON2ID" || scheme == "ARGON2I" || scheme == "ARGON2"))
        return verify_argon2(value, password);
    if (is_crypt(scheme))
        return verify_crypt(value, password);
    if (is_plain(scheme))
        return equal_in_constant_time(value, password);
    if (scheme == "SCRAM-SHA-256")
        return verify_scram(value, password);
    if (scheme == "PBKDF2")
        return verify_pbkdf2(value, password);
    if (auto known = digest_scheme(scheme))
        return verify_digest(*known, value, password);
    return unusable(cat("unknown scheme ", printable(scheme)));
}

Result<std::string> make_password(std::string_view scheme, std::string_view password)
{
    if (password.empty() || password.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
        return Error{"a password cannot be empty or have line ends", "5.3.5"};
    auto name = upper(scheme);
    if (name == "PLAIN" && password.find(':') != std::string_view::npos)
        return Error{"a password with a colon cannot be stored as PLAIN", "5.3.5"};
    auto value = make_value(name, password);
    if (!value)
        return value.error();
    return cat("{", name, "}", *value);
}

}  // namespace mta::auth
