#include "front/smtp.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "front/connection.h"
#include "front/server.h"
#include "log/log.h"
#include "net/limit_hits.h"

namespace mta::front {

namespace {

constexpr std::size_t max_auth_line_bytes = 12288;  // RFC 4954 section 4.4
constexpr std::size_t max_helo_bytes = 255;

}  // namespace

struct Smtp::Command {
    std::string_view verb;
    void (Smtp::*run)(std::string_view argument);
    bool before_tls;   // may be said before STARTTLS where TLS is a must
    bool ends_group;   // RFC 2920 section 3.1: nothing may be sent behind it before its reply
    bool is_junk;      // costs us something and brings no mail
};

const Smtp::Command* Smtp::find(std::string_view verb)
{
    static const std::array<Command, 14> commands{{{"HELO", &Smtp::helo, true, true, true},
                                                   {"EHLO", &Smtp::ehlo, true, true, true},
                                                   {"STARTTLS", &Smtp::starttls, true, true, false},
                                                   {"AUTH", &Smtp::auth, false, true, false},
                                                   {"MAIL", &Smtp::work, false, false, false},
                                                   {"RCPT", &Smtp::rcpt, false, false, false},
                                                   {"DATA", &Smtp::data, false, false, false},
                                                   {"RSET", &Smtp::rset, false, false, true},
                                                   {"NOOP", &Smtp::noop, true, true, true},
                                                   {"VRFY", &Smtp::work, false, true, true},
                                                   {"EXPN", &Smtp::absent, false, true, true},
                                                   {"ETRN", &Smtp::absent, false, false, true},
                                                   {"HELP", &Smtp::work, false, true, true},
                                                   {"QUIT", &Smtp::quit, true, false, false}}};
    auto found = std::find_if(commands.begin(), commands.end(), [&](const Command& command) { return iequals(command.verb, verb); });
    return found == commands.end() ? nullptr : &*found;
}

Smtp::Smtp(Server& server, Connection& connection, service::Session& session) : Dialog(server, connection, session)
{
    session.protocol = "smtp";
}

std::size_t Smtp::max_line_bytes(std::string_view begin) const
{
    bool is_login = is_logging_in() || istarts_with(begin, "AUTH ");
    return is_login ? max_auth_line_bytes : std::max<std::size_t>(static_cast<std::size_t>(server_.settings().common.line_length_limit()), 512);
}

void Smtp::greet()
{
    if (!connection_.has_tls() && server_.settings().smtp.session.forbid_unauth_pipelining && connection_.has_input() && is_out_of_step("CONNECT"))
        return;
    reply(cat("220 ", server_.settings().clients.banner()));
}

// True if the client went on without waiting for the reply, and was sent away for it.
bool Smtp::is_out_of_step(std::string_view verb)
{
    log::info("improper command pipelining after ", verb, " from ", connection_.peer(), ": ", printable(connection_.input().substr(0, 100)));
    if (!server_.settings().smtp.session.forbid_unauth_pipelining)
        return false;
    if (verb != "CONNECT")
        counters_.count(verb, false);
    connection_.reply("554 5.5.0 Error: SMTP protocol synchronization\r\n");
    connection_.close(End::refused);
    return true;
}

void Smtp::take(std::string line)
{
    if (is_logging_in()) {
        if (line != "*")
            return answer_challenge(line);
        cancel_login();
        log::warning(connection_.peer(), ": SASL ", mechanism_, " authentication aborted");
        return refuse("501 5.7.0 Authentication aborted");
    }
    line_ = std::move(line);
    auto text = trim(line_);
    auto space = std::find_if(text.begin(), text.end(), [](char c) { return is_space(c) || c == ':'; });
    auto verb = text.substr(0, static_cast<std::size_t>(space - text.begin()));
    auto argument = trim(text.substr(verb.size()));
    obey(verb, argument);
    line_ = std::string();
}

void Smtp::obey(std::string_view verb, std::string_view argument)
{
    const auto& settings = server_.settings();
    const auto* command = find(verb);
    where_ = command ? std::string(command->verb) : "UNKNOWN";
    const auto& forbidden = settings.smtp.forbidden_commands();
    if (std::any_of(forbidden.begin(), forbidden.end(), [&](const std::string& word) { return iequals(word, verb); })) {
        log::warning("non-SMTP command from ", connection_.peer(), ": ", printable(line_.substr(0, 100)));
        counters_.count("unknown", false);
        connection_.reply("221 2.7.0 Error: I can break rules, too. Goodbye.\r\n");
        return connection_.close(End::refused);
    }
    bool needs_tls = settings.tls.level() == tls::Level::encrypt && !connection_.has_tls() && command && !command->before_tls;
    is_refused_ = false;
    if (!command)
        refuse_unknown();
    else if (command->ends_group && connection_.has_input() && is_out_of_step(where_))
        is_refused_ = true;
    else if (needs_tls)
        refuse("530 5.7.0 Must issue a STARTTLS command first");
    else {
        if (command->is_junk && ++junk_ > settings.smtp.session.junk_command_limit && ++errors_ >= settings.smtp.session.hard_error_limit)
            return refuse("");
        (this->*command->run)(argument);
    }
    // refuse() counts errors, a login counts when it is over, and a worker counts what it obeys.
    bool counts_itself = !command || command->run == &Smtp::auth || command->run == &Smtp::work || command->run == &Smtp::quit;
    if (!is_refused_ && !counts_itself)
        counters_.count(where_, true);
    session_.counters = counters_.text();
}

void Smtp::reply(std::string_view text)
{
    connection_.reply(cat(text, "\r\n"));
}

// Postfix's discipline: replies get slow after some errors, then the client is sent away.
void Smtp::refuse(std::string_view text)
{
    const auto& smtp = server_.settings().smtp;
    is_refused_ = true;
    counters_.count(where_, false);
    session_.errors = ++errors_;
    if (errors_ >= smtp.session.hard_error_limit)
        return send_away("smtpd_hard_error_limit", errors_, "too many errors");
    reply(text);
    if (errors_ >= smtp.session.soft_error_limit)
        connection_.resume_later(smtp.session.error_sleep_time());
}

// Whoever tries commands until one works has no mail for us.
void Smtp::refuse_unknown()
{
    if (static_cast<std::uint64_t>(++unknown_) >= server_.settings().smtp.session.unknown_command_limit().number() && !is_known_client()) {
        is_refused_ = true;
        counters_.count(where_, false);
        return send_away("smtpd_unknown_command_limit", unknown_, "too many unknown commands");
    }
    refuse("502 5.5.2 Error: command not recognized");
}

void Smtp::send_away(std::string_view limit, long value, std::string_view text)
{
    net::limit_hit(limit, connection_.address(), cat(value));
    connection_.reply(cat("421 4.7.0 ", server_.settings().common.myhostname(), " Error: ", text, "\r\n"));
    connection_.close(End::too_many_errors);
}

void Smtp::refuse_long_line()
{
    if (is_logging_in())
        cancel_login();
    where_ = "UNKNOWN";
    net::limit_hit("line_length_limit", connection_.address(), cat(">", server_.settings().common.line_length_limit()));
    refuse("500 5.5.6 Error: line too long");
}

bool Smtp::is_discarded(std::string_view keyword) const
{
    const auto& words = server_.settings().smtp.discard_ehlo_keywords();
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return iequals(word, keyword); });
}

bool Smtp::offers_starttls() const
{
    return server_.tls() && !connection_.has_tls() && !is_discarded("starttls");
}

bool Smtp::takes_plaintext() const
{
    const auto& smtp = server_.settings().smtp;
    const auto& words = connection_.has_tls() ? smtp.sasl_tls_security_options() : smtp.sasl_security_options();
    return std::none_of(words.begin(), words.end(), [](const std::string& word) { return iequals(word, "noplaintext"); });
}

bool Smtp::offers_auth() const
{
    const auto& settings = server_.settings();
    if (!server_.auth() || is_discarded("auth") || (settings.tls.auth_only && !connection_.has_tls()))
        return false;
    return !server_.is_excepted_from_sasl(connection_.address());
}

// A worker may know more of mynetworks than this.
bool Smtp::is_known_client() const { return session_.is_authenticated() || server_.is_in_mynetworks(connection_.address()); }

// RFC 9422.
std::string Smtp::announced_limits() const
{
    const auto& smtp = server_.settings().smtp;
    bool is_known = is_known_client();
    auto mails = is_known ? smtp.session.message_limit() : smtp.session.anonymous_message_limit();
    auto recipients = static_cast<std::uint64_t>(std::max(smtp.session.recipient_limit(), 0L));
    if (!is_known)
        recipients = std::min(recipients, smtp.session.anonymous_recipient_limit().number());
    return cat("LIMITS", mails.is_none() ? "" : cat(" MAILMAX=", mails.number()), " RCPTMAX=", recipients);
}

std::string Smtp::extensions() const
{
    const auto& settings = server_.settings();
    std::vector<std::string> lines;
    auto add = [&](std::string_view keyword, const std::string& line) {
        if (!is_discarded(keyword))
            lines.push_back(line);
    };
    add("pipelining", "PIPELINING");
    auto size_limit = settings.common.message_size_limit();
    add("size", size_limit > 0 ? cat("SIZE ", size_limit) : std::string("SIZE"));
    if (!settings.smtp.session.disable_vrfy_command)
        add("vrfy", "VRFY");
    if (offers_starttls())
        lines.emplace_back("STARTTLS");
    if (offers_auth()) {
        auto names = mechanisms("", takes_plaintext());
        if (!names.empty())
            lines.push_back(cat("AUTH ", names));
        if (!names.empty() && settings.smtp.broken_sasl_auth_clients)
            lines.push_back(cat("AUTH=", names));
    }
    add("enhancedstatuscodes", "ENHANCEDSTATUSCODES");
    add("8bitmime", "8BITMIME");
    add("dsn", "DSN");
    add("limits", announced_limits());
    std::string text = cat("250-", settings.common.myhostname(), "\r\n");
    for (std::size_t i = 0; i < lines.size(); ++i)
        text += cat(i + 1 == lines.size() ? "250 " : "250-", lines[i], i + 1 == lines.size() ? "" : "\r\n");
    return lines.empty() ? cat("250 ", settings.common.myhostname()) : text;
}

void Smtp::hello(std::string_view argument, bool extended)
{
    if (argument.empty() || argument.size() > max_helo_bytes)
        return refuse(cat("501 Syntax: ", where_, " hostname"));
    session_.helo = printable(argument);
    session_.esmtp = extended;
    reply(extended ? extensions() : cat("250 ", server_.settings().common.myhostname()));
}

void Smtp::starttls(std::string_view argument)
{
    if (!argument.empty())
        return refuse("501 5.5.4 Syntax: STARTTLS");
    if (connection_.has_tls())
        return refuse("554 5.5.1 Error: TLS already active");
    if (!server_.tls() && server_.settings().tls.is_on())  // RFC 3207 section 4
        return refuse("454 4.7.0 TLS not available due to local problem");
    if (!offers_starttls())
        return refuse("502 5.5.1 Error: command not implemented");
    reply("220 2.0.0 Ready to start TLS");
    connection_.start_tls();
}

// RFC 3207 section 4.2: what was said without protection is forgotten.
void Smtp::tls_started()
{
    session_.helo.clear();
    session_.esmtp = false;
}

void Smtp::auth(std::string_view argument)
{
    auto words = split_words(argument);
    if (session_.helo.empty())
        return refuse("503 5.5.1 Error: send HELO/EHLO first");
    if (!offers_auth()) {
        bool wants_tls = server_.auth() && server_.settings().tls.auth_only && !connection_.has_tls();
        return refuse(wants_tls ? "538 5.7.11 Encryption required for requested authentication mechanism"
                                : "503 5.5.1 Error: authentication not enabled");
    }
    if (session_.is_authenticated())
        return refuse("503 5.5.1 Error: already authenticated");
    if (words.empty() || words.size() > 2)
        return refuse("501 5.5.4 Syntax: AUTH mechanism");
    auto offered = mechanisms("", takes_plaintext());
    auto names = split_words(offered);
    mechanism_ = upper(words[0]);
    if (std::none_of(names.begin(), names.end(), [&](std::string_view name) { return iequals(name, words[0]); })) {
        log::warning(connection_.peer(), ": SASL ", printable(mechanism_), " authentication failed: Invalid authentication mechanism");
        return refuse("504 5.5.4 Error: authentication failed: Invalid authentication mechanism");
    }
    // RFC 4954 section 4: "=" is an empty initial response
    std::optional<std::string> initial;
    if (words.size() == 2)
        initial = words[1] == "=" ? std::string() : std::string(words[1]);
    begin_login(mechanism_, initial);
}

void Smtp::say_challenge(const std::string& base64) { reply(cat("334 ", base64)); }

void Smtp::logged_in(const auth::Client::Reply& answer)
{
    session_.sasl_method = mechanism_;
    session_.sasl_username = answer.user;
    counters_.count("auth", true);
    session_.counters = counters_.text();
    reply("235 2.7.0 Authentication successful");
}

void Smtp::login_failed(const auth::Client::Reply& answer)
{
    std::string reason = answer.reason.empty() ? "authentication failure" : answer.reason;
    log::warning(connection_.peer(), ": SASL ", mechanism_, " authentication failed: ", printable(reason),
                 answer.user.empty() ? "" : ", sasl_username=", printable(answer.user));
    if (answer.code == "limit")
        return refuse(cat("450 4.7.1 Error: ", printable(reason), " from ", session_.client_address));
    if (answer.temporary)
        return refuse(cat("454 4.7.0 Temporary authentication failure: ", printable(reason)));
    if (answer.code == "invalid_base64")
        return refuse("501 5.5.2 Error: authentication failed: invalid base64");
    refuse(cat("535 5.7.8 Error: authentication failed: ", printable(reason)));
}

void Smtp::noop(std::string_view) { reply("250 2.0.0 Ok"); }
void Smtp::rset(std::string_view) { reply("250 2.0.0 Ok"); }
void Smtp::rcpt(std::string_view) { refuse("503 5.5.1 Error: need MAIL command"); }
void Smtp::data(std::string_view) { refuse("503 5.5.1 Error: need RCPT command"); }
void Smtp::absent(std::string_view) { refuse("502 5.5.1 Error: command not implemented"); }

void Smtp::quit(std::string_view)
{
    counters_.count("quit", true);
    reply("221 2.0.0 Bye");
    connection_.close(End::quit);
}

// The worker gets the line that needs it, and what came behind it.
void Smtp::work(std::string_view)
{
    connection_.push_back_line(line_);
    connection_.hand_over();
}

void Smtp::came_back()
{
    counters_ = service::Counters(session_.counters);
    errors_ = session_.errors;
    where_ = "END-OF-MESSAGE";
}

void Smtp::say_timeout()
{
    connection_.reply(cat("421 4.4.2 ", server_.settings().common.myhostname(), " Error: timeout exceeded\r\n"));
}

void Smtp::say_unavailable(std::string_view why)
{
    connection_.reply(cat("421 4.7.0 ", server_.settings().common.myhostname(), " Error: ", why, "\r\n"));
}

void Smtp::log_end(End end)
{
    auto peer = connection_.peer();
    if (end == End::lost || end == End::closed)
        log::info("lost connection after ", where_, " from ", peer);
    else if (end == End::timeout)
        log::info("timeout after ", where_, " from ", peer);
    else if (end == End::too_many_errors)
        log::info("too many errors after ", where_, " from ", peer);
    log::info("disconnect from ", peer, " ", counters_.summary());
}

}  // namespace mta::front
