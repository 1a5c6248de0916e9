#pragma once

#include <optional>
#include <string>
#include <string_view>

// RFC 3461: what a client may ask about delivery status notifications. Values travel between our processes as they stood
// in the command; these types check them and tell what they mean.
namespace mta::mail {

// NOTIFY: when the sender wants to hear of a recipient. Nothing asked means failure (and perhaps delay).
struct Notify {
    bool never = false, success = false, failure = false, delay = false;

    // "NEVER", or a list of SUCCESS, FAILURE, DELAY, in any case; nothing if it is not that.
    static std::optional<Notify> parse(std::string_view text);
    std::string text() const;  // "SUCCESS,FAILURE"; empty if nothing was asked
    // For the copies that an alias makes: that it was expanded is told once, for the alias itself (RFC 3461 section 5.2.7).
    Notify for_copies() const;
    bool was_asked() const { return never || success || failure || delay; }
    bool wants_success() const { return success; }
    bool wants_failure() const { return failure || !was_asked(); }
    bool wants_delay() const { return delay || !was_asked(); }
};

enum class Ret { unspecified, full, headers };
// "FULL" or "HDRS" in any case.
std::optional<Ret> parse_ret(std::string_view text);
std::string_view text_of(Ret ret);  // "FULL", "HDRS", ""

// ENVID: xtext of at most 100 characters, which must decode to printable text. True if the text is that.
bool is_envid(std::string_view text);

// ORCPT: "rfc822;user+40example.com". The address is decoded.
struct OriginalRecipient {
    std::string type;
    std::string address;

    static std::optional<OriginalRecipient> parse(std::string_view text);
    std::string text() const;  // encoded, as in the command
};

}  // namespace mta::mail
