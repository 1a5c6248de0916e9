#include "front/pop3.h"

#include <algorithm>

#include "base/encode.h"
#include "base/text.h"
#include "front/connection.h"
#include "front/server.h"

namespace mta::front {

Pop3::Pop3(Server& server, Connection& connection, service::Session& session) : LoginDialog(server, connection, session)
{
    session.protocol = "pop3";
}

void Pop3::reply(std::string_view text) { connection_.reply(cat(text, "\r\n")); }

void Pop3::refuse(std::string_view text, Fault fault)
{
    reply(cat("-ERR ", text));
    if (is_last(fault))
        connection_.close(End::too_many_errors);
}

void Pop3::greet() { reply(cat("+OK ", server_.settings().clients.banner())); }

void Pop3::take(std::string line)
{
    if (is_logging_in()) {
        if (line != "*")
            return answer_challenge(line);
        cancel_login();
        return refuse("Authentication aborted");
    }
    // A password may begin or end with a space: only the first one separates.
    auto space = std::min(line.find(' '), line.size());
    auto verb = upper(std::string_view(line).substr(0, space));
    obey(verb, std::string_view(line).substr(std::min(space + 1, line.size())));
}

void Pop3::obey(std::string_view verb, std::string_view argument)
{
    if (verb == "CAPA")
        capa();
    else if (verb == "USER")
        user(argument);
    else if (verb == "PASS")
        pass(argument);
    else if (verb == "AUTH")
        auth(argument);
    else if (verb == "STLS")
        stls();
    else if (verb == "NOOP")
        reply("+OK");
    else if (verb == "QUIT") {
        reply("+OK Logging out");
        connection_.close(End::quit);
    } else if (verb == "GET" || verb == "POST" || verb == "HEAD" || verb == "CONNECT")
        connection_.close(End::refused);
    else
        refuse("Unknown command.", Fault::unknown_command);
}

void Pop3::capa()
{
    std::string text = "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n";
    if (offers_starttls())
        text += "STLS\r\n";
    if (takes_passwords()) {
        text += "USER\r\n";
        if (auto names = mechanisms("", true); !names.empty())
            text += cat("SASL ", names, "\r\n");
    }
    reply(text + ".");
}

void Pop3::stls()
{
    if (connection_.has_tls())
        return refuse("TLS is already active.");
    if (!offers_starttls())
        return refuse("TLS support isn't enabled.");
    if (connection_.has_input()) {
        reply("-ERR STLS must be the last command of a group.");
        return connection_.close(End::refused);
    }
    reply("+OK Begin TLS negotiation now.");
    name_.clear();
    connection_.start_tls();
}

void Pop3::user(std::string_view name)
{
    if (!takes_passwords())
        return refuse("[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.");
    if (name.empty())
        return refuse("Missing user name.");
    name_ = name;
    reply("+OK");
}

void Pop3::pass(std::string_view password)
{
    if (name_.empty())
        return refuse("No username given.");
    if (password.find('\0') != std::string_view::npos)
        return refuse("NUL characters are not allowed.");
    begin_login("PLAIN", base64_encode(cat('\0', name_, '\0', password)));
    name_.clear();
}

// RFC 5034; without an argument: the list, as some old clients ask for it.
void Pop3::auth(std::string_view argument)
{
    auto words = split_words(argument);
    auto offered = takes_passwords() ? mechanisms("", true) : std::string();
    auto names = split_words(offered);
    if (words.empty()) {
        std::string text = "+OK\r\n";
        for (auto name : names)
            text += cat(name, "\r\n");
        return reply(text + ".");
    }
    if (!takes_passwords())
        return refuse("[AUTH] Authentication disallowed on non-secure (SSL/TLS) connections.");
    if (words.size() > 2 || std::none_of(names.begin(), names.end(), [&](std::string_view name) { return iequals(name, words[0]); }))
        return refuse("Unsupported authentication mechanism.");
    std::optional<std::string> initial;
    if (words.size() == 2)
        initial = words[1] == "=" ? std::string() : std::string(words[1]);
    begin_login(std::string(words[0]), initial);
}

void Pop3::say_challenge(const std::string& base64) { reply(cat("+ ", base64)); }

void Pop3::logged_in(const auth::Client::Reply& answer)
{
    session_.sasl_method = mechanism_;
    session_.sasl_username = answer.user;
    session_.ticket = answer.ticket;
    log_login(answer);
    reply("+OK Logged in.");
    connection_.hand_over();
}

void Pop3::login_failed(const auth::Client::Reply& answer)
{
    note_failure(answer);
    if (answer.code == "limit")
        reply(cat("-ERR [SYS/TEMP] ", printable(answer.reason), " from your address."));
    else if (answer.temporary)
        reply("-ERR [SYS/TEMP] Temporary authentication failure.");
    else
        reply("-ERR [AUTH] Authentication failed.");
    if (!answer.temporary && is_last(Fault::failed_login))
        connection_.close(End::too_many_errors);
}

void Pop3::refuse_long_line()
{
    if (is_logging_in())
        cancel_login();
    refuse("Line too long.");
}

void Pop3::say_timeout() { reply("-ERR Disconnected for inactivity."); }
void Pop3::say_unavailable(std::string_view why) { reply(cat("-ERR [SYS/TEMP] ", why)); }

}  // namespace mta::front
