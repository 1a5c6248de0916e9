#include "auth/scram.h"

#include <openssl/evp.h>

#include "auth/saslprep.h"
#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"

namespace mta::auth {

namespace {

constexpr std::size_t salt_bytes = 16, nonce_bytes = 18, key_bytes = 32, max_name_bytes = 1024;
constexpr long max_iterations = 10'000'000;

Error malformed(std::string_view what) { return Error{cat("malformed SCRAM message: ", what), "5.5.2"}; }

// RFC 5802 section 5.1: a name writes "," as "=2C" and "=" as "=3D".
std::optional<std::string> decode_name(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '=') {
            out.push_back(text[i]);
            continue;
        }
        auto code = text.substr(i, 3);
        if (code != "=2C" && code != "=3D")
            return std::nullopt;
        out.push_back(code == "=2C" ? ',' : '=');
        i += 2;
    }
    return out;
}

std::optional<std::string_view> attribute(std::string_view part, char name)
{
    if (part.size() < 2 || part[0] != name || part[1] != '=')
        return std::nullopt;
    return part.substr(2);
}

bool is_printable_nonce(std::string_view nonce)
{
    for (char c : nonce)
        if (c < 0x21 || c > 0x7e || c == ',')
            return false;
    return !nonce.empty();
}

std::string exclusive_or(std::string_view a, std::string_view b)
{
    std::string out(a);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<char>(out[i] ^ b[i]);
    return out;
}

}  // namespace

std::optional<ScramKeys> ScramKeys::parse(std::string_view text)
{
    auto parts = split(text, ',');
    if (parts.size() != 4)
        return std::nullopt;
    auto iterations = parse_number<long>(parts[0]);
    auto salt = base64_decode(parts[1]), stored = base64_decode(parts[2]), server = base64_decode(parts[3]);
    if (!iterations || *iterations < 1 || *iterations > max_iterations || !salt || salt->empty() || !stored ||
        stored->size() != key_bytes || !server || server->size() != key_bytes)
        return std::nullopt;
    return ScramKeys{*iterations, *salt, *stored, *server};
}

// RFC 5802 section 3
ScramKeys ScramKeys::derive(std::string_view password, std::string_view salt, long iterations)
{
    auto prepared = prepare_password(password);
    std::string salted(key_bytes, '\0');
    PKCS5_PBKDF2_HMAC(prepared.data(), static_cast<int>(prepared.size()), reinterpret_cast<const unsigned char*>(salt.data()),
                      static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(), static_cast<int>(salted.size()),
                      reinterpret_cast<unsigned char*>(salted.data()));
    return {iterations, std::string(salt), sha256(hmac_sha256(salted, "Client Key")), hmac_sha256(salted, "Server Key")};
}

ScramKeys ScramKeys::fake(std::string_view user, std::string_view secret)
{
    return {scram_iterations, hmac_sha256(secret, user).substr(0, salt_bytes), random_bytes(key_bytes), random_bytes(key_bytes)};
}

std::string ScramKeys::text() const
{
    return cat(iterations, ",", base64_encode(salt), ",", base64_encode(stored_key), ",", base64_encode(server_key));
}

ScramExchange::ScramExchange(std::string nonce) : nonce_(nonce.empty() ? base64_encode(random_bytes(nonce_bytes)) : std::move(nonce)) {}

// RFC 5802 section 7: gs2-header "n,a=authzid," then "n=name,r=nonce" and extensions.
Result<void> ScramExchange::take_first(std::string_view message)
{
    auto parts = split(message, ',');
    if (parts.size() < 4)
        return malformed("too short");
    if (parts[0].starts_with("p="))
        return Error{"SCRAM with channel binding is not supported", "5.7.4"};
    if (parts[0] != "n" && parts[0] != "y")
        return malformed("no GS2 header");
    if (!parts[1].empty()) {
        auto name = attribute(parts[1], 'a');
        auto decoded = name ? decode_name(*name) : std::nullopt;
        if (!decoded)
            return malformed("bad authorization identity");
        authorization_ = *decoded;
    }
    header_ = cat(parts[0], ",", parts[1], ",");
    first_bare_ = std::string(message.substr(header_.size()));
    if (parts[2].starts_with("m="))
        return malformed("unknown mandatory extension");
    auto name = attribute(parts[2], 'n'), nonce = attribute(parts[3], 'r');
    auto decoded = name ? decode_name(*name) : std::nullopt;
    auto prepared = decoded && decoded->size() <= max_name_bytes ? saslprep(*decoded) : std::nullopt;
    if (!prepared || prepared->empty())
        return malformed("bad user name");
    if (!nonce || !is_printable_nonce(*nonce))
        return malformed("bad nonce");
    user_ = *prepared;
    nonce_ = cat(*nonce, nonce_);
    return {};
}

std::string ScramExchange::challenge(const ScramKeys& keys)
{
    keys_ = keys;
    server_first_ = cat("r=", nonce_, ",s=", base64_encode(keys.salt), ",i=", keys.iterations);
    return server_first_;
}

Result<std::optional<std::string>> ScramExchange::finish(std::string_view message)
{
    auto proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos)
        return malformed("no proof");
    auto without_proof = message.substr(0, proof_at);
    auto proof = base64_decode(message.substr(proof_at + 3));
    auto parts = split(without_proof, ',');
    if (!proof || proof->size() != key_bytes || parts.size() < 2)
        return malformed("bad proof");
    auto binding = attribute(parts[0], 'c'), nonce = attribute(parts[1], 'r');
    if (!binding || !nonce)
        return malformed("channel binding or nonce is missing");
    if (base64_decode(*binding) != header_ || !equal_in_constant_time(*nonce, nonce_))
        return std::optional<std::string>{};
    auto text = cat(first_bare_, ",", server_first_, ",", without_proof);
    auto client_key = exclusive_or(*proof, hmac_sha256(keys_.stored_key, text));
    if (!equal_in_constant_time(sha256(client_key), keys_.stored_key))
        return std::optional<std::string>{};
    return std::optional<std::string>(cat("v=", base64_encode(hmac_sha256(keys_.server_key, text))));
}

}  // namespace mta::auth
