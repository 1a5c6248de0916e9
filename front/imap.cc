#include "front/imap.h"

#include <algorithm>

#include "base/encode.h"
#include "base/text.h"
#include "front/connection.h"
#include "front/parked.h"
#include "front/server.h"

namespace mta::front {

namespace {

constexpr std::size_t max_command_bytes = 8192, max_literal_bytes = 4096, absurd_bytes = 1u << 30;

// "{5}" or "{5+}" at the end of a line announces so many bytes behind it.
struct Literal {
    std::size_t bytes = 0;
    bool waits = true;       // for our "+"
};
std::optional<Literal> announced_literal(std::string_view line)
{
    auto brace = line.rfind('{');
    if (!line.ends_with('}') || brace == std::string_view::npos)
        return std::nullopt;
    auto digits = line.substr(brace + 1, line.size() - brace - 2);
    Literal literal;
    if (digits.ends_with('+')) {
        literal.waits = false;
        digits.remove_suffix(1);
    }
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit))
        return std::nullopt;
    literal.bytes = std::min(parse_number<std::size_t>(digits).value_or(absurd_bytes), absurd_bytes);
    return literal;
}

// A quoted string behind its first quote; nothing if it does not end.
std::optional<std::string> quoted(std::string_view text, std::size_t& at)
{
    std::string out;
    while (at < text.size() && text[at] != '"') {
        if (text[at] == '\\' && at + 1 < text.size())
            ++at;
        if (text[at] == '\r' || text[at] == '\n')
            return std::nullopt;
        out.push_back(text[at++]);
    }
    if (at >= text.size())
        return std::nullopt;
    ++at;
    return out;
}

std::optional<std::string> literal_at(std::string_view text, std::size_t& at)
{
    auto end = text.find("\r\n", at);
    auto literal = end == std::string_view::npos ? std::nullopt : announced_literal(text.substr(at, end - at));
    if (!literal || text.size() - end - 2 < literal->bytes)
        return std::nullopt;
    at = end + 2 + literal->bytes;
    return std::string(text.substr(end + 2, literal->bytes));
}

std::string list_at(std::string_view text, std::size_t& at)
{
    auto begin = at;
    for (int depth = 0; at < text.size(); ++at) {
        if (text[at] == '"') {
            ++at;
            if (!quoted(text, at))
                break;
            --at;
        } else if (text[at] == '(') {
            ++depth;
        } else if (text[at] == ')' && --depth == 0) {
            ++at;
            break;
        }
    }
    return std::string(text.substr(begin, at - begin));
}

bool is_tag(std::string_view text)
{
    for (char c : text)
        if (c <= ' ' || c >= 0x7f || std::string_view("(){%*\"\\+").find(c) != std::string_view::npos)
            return false;
    return !text.empty() && text.size() <= 64;
}

// What stands before the first space, if it can be a tag; else nothing.
std::string tag_of(std::string_view command)
{
    auto tag = command.substr(0, command.find(' '));
    return is_tag(tag) ? std::string(tag) : "";
}

}  // namespace

std::optional<std::vector<std::string>> imap_words(std::string_view text)
{
    std::vector<std::string> words;
    std::size_t at = 0;
    while (at < text.size()) {
        if (!words.empty() && (text[at] != ' ' || ++at >= text.size()))
            return std::nullopt;
        if (text[at] == '"') {
            auto word = quoted(text, ++at);
            if (!word)
                return std::nullopt;
            words.push_back(*std::move(word));
        } else if (text[at] == '{') {
            auto word = literal_at(text, at);
            if (!word)
                return std::nullopt;
            words.push_back(*std::move(word));
        } else if (text[at] == '(') {
            words.push_back(list_at(text, at));
        } else {
            auto end = std::min(text.find(' ', at), text.size());
            if (end == at)
                return std::nullopt;
            words.emplace_back(text.substr(at, end - at));
            at = end;
        }
    }
    return words;
}

Imap::Imap(Server& server, Connection& connection, service::Session& session) : LoginDialog(server, connection, session)
{
    session.protocol = "imap";
}

std::string Imap::capabilities() const
{
    std::string text = "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE";
    if (offers_starttls())
        text += " STARTTLS";
    if (!takes_passwords())
        text += " LOGINDISABLED";
    else if (auto names = mechanisms("AUTH=", true); !names.empty())
        text += cat(" ", names);
    return text;
}

void Imap::greet()
{
    connection_.reply(cat("* OK [CAPABILITY ", capabilities(), "] ", server_.settings().clients.banner(), "\r\n"));
}

void Imap::tagged(std::string_view text) { connection_.reply(cat(tag_.empty() ? "*" : tag_, " ", text, "\r\n")); }

void Imap::bad(std::string_view text, Fault fault)
{
    tagged(cat("BAD ", text));
    if (!is_last(fault))
        return;
    connection_.reply("* BYE Too many invalid IMAP commands.\r\n");
    connection_.close(End::too_many_errors);
}

void Imap::take(std::string line)
{
    if (is_logging_in()) {
        if (line != "*")
            return answer_challenge(line);
        cancel_login();
        return bad("Authentication aborted by client.");
    }
    auto literal = announced_literal(line);
    if (command_.size() + line.size() + (literal ? literal->bytes : 0) > max_command_bytes || (literal && literal->bytes > max_literal_bytes)) {
        tag_ = tag_of(command_.empty() ? line : command_);
        command_.clear();
        // Nobody can tell where the next command begins behind a literal that is sent without asking.
        if (literal && !literal->waits) {
            connection_.reply("* BYE Command too long.\r\n");
            return connection_.close(End::refused);
        }
        return bad("[TOOBIG] Command too long.");
    }
    command_ += line;
    if (literal) {
        command_ += "\r\n";
        if (literal->waits)
            connection_.reply("+ OK\r\n");
        if (literal->bytes > 0)
            connection_.expect_literal(literal->bytes);
        return;
    }
    auto words = imap_words(command_);
    tag_ = tag_of(command_);
    command_ = std::string();
    if (tag_.empty() || !words || words->size() < 2)
        return bad("Error in IMAP command received by server.");
    obey(*words);
}

void Imap::take_literal(std::string literal) { command_ += literal; }

void Imap::obey(const std::vector<std::string>& words)
{
    auto name = upper(words[1]);
    if (words.size() == 2 && (name == "GET" || name == "POST" || words[0] == "GET" || words[0] == "POST"))
        return connection_.close(End::refused);
    if (name == "CAPABILITY" && words.size() == 2) {
        connection_.reply(cat("* CAPABILITY ", capabilities(), "\r\n"));
        tagged("OK Pre-login capabilities listed, post-login capabilities have more.");
    } else if (name == "NOOP" && words.size() == 2) {
        tagged("OK NOOP completed.");
    } else if (name == "ID" && words.size() == 3) {
        connection_.reply(cat("* ID (\"name\" \"", server_.settings().common.mail_name(), "\")\r\n"));
        tagged("OK ID completed.");
    } else if (name == "LOGOUT" && words.size() == 2) {
        connection_.reply("* BYE Logging out\r\n");
        tagged("OK Logout completed.");
        connection_.close(End::quit);
    } else if (name == "STARTTLS" && words.size() == 2) {
        starttls();
    } else if (name == "LOGIN" && words.size() == 4) {
        login(words);
    } else if (name == "AUTHENTICATE" && (words.size() == 3 || words.size() == 4)) {
        authenticate(words);
    } else {
        bad(words[0] == "GET" || words[0] == "POST" ? "This is no web server." : "Unknown command, wrong arguments, or login needed first.",
            Fault::unknown_command);
    }
}

void Imap::starttls()
{
    if (connection_.has_tls())
        return bad("TLS is already active.");
    if (!offers_starttls())
        return bad("TLS support isn't enabled.");
    if (connection_.has_input()) {  // RFC 9051 section 6.2.1: nothing may be sent before our answer
        connection_.reply("* BYE STARTTLS must be the last command of a group.\r\n");
        return connection_.close(End::refused);
    }
    tagged("OK Begin TLS negotiation now.");
    connection_.start_tls();
}

void Imap::login(const std::vector<std::string>& words)
{
    if (!takes_passwords())
        return tagged("NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.");
    begin_login("PLAIN", base64_encode(cat('\0', words[2], '\0', words[3])));
}

void Imap::authenticate(const std::vector<std::string>& words)
{
    if (!takes_passwords())
        return tagged("NO [PRIVACYREQUIRED] Authentication disallowed on non-secure (SSL/TLS) connections.");
    auto offered = mechanisms("", true);
    auto names = split_words(offered);
    if (std::none_of(names.begin(), names.end(), [&](std::string_view name) { return iequals(name, words[2]); }))
        return tagged("NO Unsupported authentication mechanism.");
    std::optional<std::string> initial;  // RFC 4959: "=" is an empty one
    if (words.size() == 4)
        initial = words[3] == "=" ? std::string() : words[3];
    begin_login(words[2], initial);
}

void Imap::say_challenge(const std::string& base64) { connection_.reply(cat("+ ", base64, "\r\n")); }

void Imap::logged_in(const auth::Client::Reply& reply)
{
    session_.sasl_method = mechanism_;
    session_.sasl_username = reply.user;
    session_.ticket = reply.ticket;
    session_.tag = tag_;
    log_login(reply);
    tagged("OK Logged in");
    connection_.hand_over();
}

void Imap::login_failed(const auth::Client::Reply& reply)
{
    note_failure(reply);
    if (reply.code == "limit")
        tagged(cat("NO [LIMIT] ", printable(reply.reason), " from your address."));
    else if (reply.temporary)
        tagged("NO [UNAVAILABLE] Temporary authentication failure.");
    else if (reply.code == "invalid_base64")
        tagged("BAD Invalid base64 data.");
    else
        tagged("NO [AUTHENTICATIONFAILED] Authentication failed.");
    if (reply.temporary || !is_last(Fault::failed_login))
        return;
    connection_.reply("* BYE Too many failed logins.\r\n");
    connection_.close(End::too_many_errors);
}

void Imap::refuse_long_line()
{
    if (is_logging_in())
        cancel_login();
    command_ = std::string();
    tag_.clear();
    bad("[TOOBIG] Line too long.");
}

std::unique_ptr<Dialog> Imap::successor() { return std::make_unique<Parked>(server_, connection_, session_); }

void Imap::say_timeout() { connection_.reply("* BYE Disconnected for inactivity.\r\n"); }
void Imap::say_unavailable(std::string_view why) { connection_.reply(cat("* BYE [UNAVAILABLE] ", why, "\r\n")); }

}  // namespace mta::front
