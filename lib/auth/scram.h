#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side: the password itself is not needed.
namespace mta::auth {

constexpr long scram_iterations = 10000;  // RFC 7677 section 4 asks for at least 4096

// What is stored for a user, as Dovecot writes it: "iterations,salt,StoredKey,ServerKey", the last three in base64.
struct ScramKeys {
    long iterations = 0;
    std::string salt, stored_key, server_key;  // raw bytes

    static std::optional<ScramKeys> parse(std::string_view text);
    static ScramKeys derive(std::string_view password, std::string_view salt, long iterations);
    // For a user that does not exist: the same salt whenever the name comes, keys that fit nothing.
    static ScramKeys fake(std::string_view user, std::string_view secret);
    std::string text() const;
};

// One exchange. After take_first() the caller looks up the user's keys.
class ScramExchange {
public:
    // nonce: the server's part; empty: a random one.
    explicit ScramExchange(std::string nonce = "");

    // The client's first message: an Error for what is no such message, or asks for channel binding.
    Result<void> take_first(std::string_view message);
    const std::string& user() const { return user_; }              // as it was sent, prepared
    const std::string& authorization() const { return authorization_; }

    // The server's first message for the user's keys.
    std::string challenge(const ScramKeys& keys);

    // The client's last message: the server's last message if the client knows the password, nothing if not, an Error
    // if it is no such message.
    Result<std::optional<std::string>> finish(std::string_view message);

private:
    std::string nonce_, header_, first_bare_, server_first_, user_, authorization_;
    ScramKeys keys_;
};

}  // namespace mta::auth
