#include "smtpd/session.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/text.h"
#include "log/log.h"
#include "smtp/server_reply.h"
#include "smtpd/received.h"

namespace mta::smtpd {

using namespace std::chrono_literals;

namespace {

constexpr long max_long_line_pieces = 64;            // of line_length_limit bytes, until a client is sent away
constexpr std::size_t max_pending_bytes = 16384;     // that go back to front with a session
constexpr std::size_t min_line_bytes = 512;          // RFC 5321 section 4.5.3.1.4
constexpr std::size_t line_end_bytes = 2;            // that do not count
constexpr auto linger_limit = 1s;

}  // namespace

struct Session::Verb {
    std::string_view name;
    void (Session::*run)(const smtp::Command& command);
    bool ends_group;                                 // RFC 2920 section 3.1: nothing may be sent behind it before its reply
    bool is_junk;                                    // costs us something and brings no mail
};

const Session::Verb* Session::find(std::string_view name)
{
    static constexpr std::array<Verb, 15> verbs{{{"MAIL", &Session::mail, false, false},
                                                 {"RCPT", &Session::rcpt, false, false},
                                                 {"DATA", &Session::data, true, false},
                                                 {"RSET", &Session::rset, false, true},
                                                 {"NOOP", &Session::noop, true, true},
                                                 {"VRFY", &Session::vrfy, true, true},
                                                 {"HELP", &Session::help, true, true},
                                                 {"QUIT", &Session::quit, false, false},
                                                 {"EHLO", &Session::hand_back, true, false},
                                                 {"HELO", &Session::hand_back, true, false},
                                                 {"STARTTLS", &Session::hand_back, true, false},
                                                 {"AUTH", &Session::auth, true, false},
                                                 {"EXPN", &Session::absent, true, true},
                                                 {"ETRN", &Session::absent, false, true},
                                                 {"BDAT", &Session::absent, false, false}}};
    auto verb = std::find_if(verbs.begin(), verbs.end(), [&](const Verb& v) { return v.name == name; });
    return verb == verbs.end() ? nullptr : &*verb;
}

Session::Session(const Environment& environment, service::Session facts, Fd client)
    : environment_(environment), params_(environment.params), client_{std::move(facts), "", false}, stream_(std::move(client)),
      counters_(client_.facts.counters), errors_(client_.facts.errors)
{
    auto& known = client_.facts;
    client_.peer = cat(known.client_name, "[", known.client_address, "]");
    if (params_.session.client_port_logging)
        client_.peer += cat(":", known.client_port);
    known.helo = neuter(known.helo);
    stream_.unread(known.pending);
    known.pending.clear();
    stream_.set_write_limit(params_.timeout);
    stream_.set_waiter(environment_.wait);
    bare_newline_ = environment_.policy.bare_newline_for(client_);
}

bool Session::run()
{
    bool was_verbose = log::verbose();
    log::set_verbose(was_verbose || environment_.policy.is_debugged(client_));
    try {
        converse();
    } catch (const net::Lost& lost) {
        log_lost(lost);
    } catch (const std::exception& error) {
        log::warning(queue_id(), ": session with ", client_.peer, ": ", error.what());
        throw;
    }
    if (!handed_back_)
        log::info("disconnect from ", client_.peer, " ", counters_.summary());
    log::set_verbose(was_verbose);
    return handed_back_;
}

void Session::converse()
{
    while (!done_) {
        if (errors_ >= params_.session.hard_error_limit)
            return send_away("smtpd_hard_error_limit", errors_, "too many errors");
        if (!wait_for_command())
            return hand_back({});
        if (auto line = read_command())
            obey(*line);
    }
}

// False if there is nothing to do for this client, so that it may be front's again.
bool Session::wait_for_command()
{
    if (transaction_ || stream_.has_buffered())
        return true;
    return !environment_.stopping() && stream_.wait_readable(params_.worker_idle_time);
}

// A line without its end; nothing if it was refused.
std::optional<std::string> Session::read_command()
{
    auto limit = std::max(static_cast<std::size_t>(environment_.common.line_length_limit()), min_line_bytes);
    line_ = stream_.raw_line(params_.timeout, limit + line_end_bytes);
    if (line_.empty() || line_.back() != '\n') {
        if (skip_long_line())
            refuse("500 5.5.6 Error: line too long");
        return std::nullopt;
    }
    bool has_crlf = line_.ends_with("\r\n");
    if (!has_crlf && bare_newline_ == smtp::BareNewline::reject) {
        where_ = "UNKNOWN";
        counters_.count("unknown", false);
        log::info(queue_id(), ": reject: bare <LF> received from ", client_.peer);
        refuse("550 5.5.2 Error: bare <LF> received");
        return std::nullopt;
    }
    if (!has_crlf && bare_newline_ == smtp::BareNewline::note)
        log::info(queue_id(), ": bare <LF> received after ", where_, " from ", client_.peer);
    return line_.substr(0, line_.size() - (has_crlf ? 2 : 1));
}

// False if the line has no end.
bool Session::skip_long_line()
{
    auto deadline = std::chrono::steady_clock::now() + params_.timeout();
    where_ = "UNKNOWN";
    counters_.count("unknown", false);
    hit("line_length_limit", cat(">", environment_.common.line_length_limit()));
    for (long piece = 0; piece < max_long_line_pieces && std::chrono::steady_clock::now() < deadline; ++piece)
        if (stream_.raw_line(params_.timeout, min_line_bytes).ends_with('\n'))
            return true;
    disconnect(cat("421 4.7.0 ", environment_.common.myhostname(), " Error: line too long"));
    return false;
}

void Session::obey(const std::string& line)
{
    log::debug("< ", client_.peer, ": ", line);
    auto command = smtp::parse_command(line);
    const auto* verb = command ? find(command->verb) : nullptr;
    if (verb)
        return run_verb(*verb, *command);
    where_ = "UNKNOWN";
    counters_.count("unknown", false);
    refuse_unknown(command ? "502 5.5.2 Error: command not recognized" : command.error().text);
}

void Session::run_verb(const Verb& verb, const smtp::Command& command)
{
    where_ = verb.name;
    refused_ = false;
    if (stream_.has_buffered() && (verb.ends_group || !client_.facts.esmtp) && is_out_of_step(verb))
        return;
    if (verb.is_junk && ++junk_ > params_.session.junk_command_limit)
        ++errors_;
    (this->*verb.run)(command);
    if (!handed_back_)
        counters_.count(verb.name, !refused_);
}

// True if the client went on without waiting for the reply, and was sent away for it.
bool Session::is_out_of_step(const Verb& verb)
{
    constexpr std::size_t shown = 100;
    if (!client_.is_out_of_step)
        log::info("improper command pipelining after ", verb.name, " from ", client_.peer, ": ",
                  printable(stream_.peek(1s).substr(0, shown)));
    client_.is_out_of_step = true;
    if (!params_.session.forbid_unauth_pipelining)
        return false;
    counters_.count(verb.name, false);
    disconnect("554 5.5.0 Error: SMTP protocol synchronization");
    return true;
}

// RFC 5321 section 3.3: MAIL opens a transaction and names its reverse-path.
void Session::mail(const smtp::Command& command)
{
    if (transaction_)
        return refuse("503 5.5.1 Error: nested MAIL command");
    if (params_.helo_required && client_.facts.helo.empty())
        return refuse("503 5.5.1 Error: send HELO/EHLO first");
    smtp::Rules rules{params_.strict_envelopes, static_cast<std::uint64_t>(std::max(environment_.common.message_size_limit(), 0L))};
    auto mail = smtp::parse_mail_from(command.argument, rules);
    if (!mail)
        return mail.error().status == "5.3.4" ? reject(mail.error().text, nullptr) : refuse(mail.error().text);
    if (has_sent_enough())
        return disconnect(cat("421 4.7.0 ", environment_.common.myhostname(), " Error: too many messages in this session"));
    if (!has_room(mail->size.value_or(0)))
        return reject("452 4.3.1 Insufficient system storage", nullptr);
    transaction_.emplace(*std::move(mail), budget_);
    reply("250 2.1.0 Ok");
}

void Session::rcpt(const smtp::Command& command)
{
    if (!transaction_)
        return refuse("503 5.5.1 Error: need MAIL command");
    if (has_all_recipients())
        return defer_recipient();
    auto rcpt = smtp::parse_rcpt_to(command.argument, {params_.strict_envelopes, 0});
    if (!rcpt)
        return refuse(rcpt.error().text);
    const auto& address = rcpt->forward_path;
    auto verdict = environment_.policy.check_recipient(client_, transaction_->mail.reverse_path, address, services());
    if (is_refused(verdict, &address))
        return;
    if (transaction_->queue_id.empty())
        begin_mail();
    auto original = address.internal();
    bool differs = !iequals(original, verdict.recipient);
    if (!keep({verdict.recipient, differs ? original : "", rcpt->orcpt, rcpt->notify}))
        return defer_recipient();
    if (transaction_->only_recipient())
        transaction_->first_recipient = address;
    reply("250 2.1.5 Ok");
}

void Session::rset(const smtp::Command& command)
{
    if (!command.argument.empty())
        return refuse("501 5.5.4 Syntax: RSET");
    transaction_.reset();
    reply("250 2.0.0 Ok");
}

void Session::noop(const smtp::Command&) { reply("250 2.0.0 Ok"); }

// RFC 5321 section 3.5.1. Tells no more than RCPT would.
void Session::vrfy(const smtp::Command& command)
{
    if (params_.session.disable_vrfy_command)
        return refuse("502 5.5.1 VRFY command is disabled");
    if (command.argument.empty())
        return refuse("501 5.5.4 Syntax: VRFY address");
    auto address = mail::parse_path(command.argument, {false, false});
    if (!address || address->is_null())
        return refuse("501 5.1.3 Bad recipient address syntax");
    auto verdict = environment_.policy.check_recipient(client_, {}, *address, services());
    if (!verdict.reply.empty())
        return reject(verdict.reply, &*address);
    reply(cat("252 2.0.0 ", address->external()));
}

void Session::help(const smtp::Command&)
{
    reply("214 2.0.0 Commands: HELO EHLO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT\nSee RFC 5321");
}

void Session::quit(const smtp::Command&)
{
    reply("221 2.0.0 Bye");
    stream_.flush(params_.timeout);
    transaction_.reset();
    done_ = true;
}

void Session::absent(const smtp::Command&) { refuse("502 5.5.1 Error: command not implemented"); }

void Session::auth(const smtp::Command& command)
{
    if (transaction_)  // RFC 4954 section 4
        return refuse("503 5.5.1 Error: MAIL transaction in progress");
    hand_back(command);
}

// The command that made us do it goes back with the session; no command: the client is silent.
void Session::hand_back(const smtp::Command& command)
{
    transaction_.reset();
    if (!command.verb.empty())
        stream_.unread(line_);
    auto pending = stream_.take_buffered();
    if (pending.size() > max_pending_bytes)
        return disconnect("554 5.5.0 Error: SMTP protocol synchronization");
    stream_.flush(params_.timeout);
    client_.facts.pending = std::move(pending);
    client_.facts.counters = counters_.text();
    client_.facts.errors = errors_;
    client_.facts.state = "idle";
    handed_back_ = done_ = true;
}

void Session::reply(std::string_view text)
{
    log::debug("> ", client_.peer, ": ", text);
    stream_.write(smtp::format_reply(text));
}

void Session::refuse(std::string_view text)
{
    refused_ = true;
    if (++errors_ >= params_.session.soft_error_limit && errors_ < params_.session.hard_error_limit) {
        stream_.flush(params_.timeout);
        std::this_thread::sleep_for(params_.session.error_sleep_time());
    }
    std::string softened(text);
    if (params_.soft_bounce && softened.starts_with('5')) {
        softened[0] = '4';
        if (softened.size() > 5 && softened.compare(3, 3, " 5.") == 0)
            softened[4] = '4';
    }
    reply(softened);
}

// Whoever tries commands until one works has no mail for us.
void Session::refuse_unknown(std::string_view text)
{
    if (static_cast<std::uint64_t>(++unknown_) >= params_.session.unknown_command_limit().number() && !is_known_client())
        return send_away("smtpd_unknown_command_limit", unknown_, "too many unknown commands");
    refuse(text);
}

void Session::send_away(std::string_view limit, long value, std::string_view why)
{
    hit(limit, cat(value));
    log::info("too many errors after ", where_, " from ", client_.peer);
    disconnect(cat("421 4.7.0 ", environment_.common.myhostname(), " Error: ", why));
}

void Session::reject(std::string_view text, const mail::Address* recipient)
{
    log_verdict("reject", text, recipient);
    refuse(text);
}

void Session::log_verdict(std::string_view what, std::string_view text, const mail::Address* recipient) const
{
    const auto& facts = client_.facts;
    auto line = cat(queue_id(), ": ", what, ": ", where_, " from ", client_.peer, ": ", text, ";");
    if (transaction_)
        line += cat(" from=<", transaction_->mail.reverse_path.external(), ">");
    if (recipient)
        line += cat(" to=<", recipient->external(), ">");
    line += cat(" proto=", client_.protocol());
    if (!facts.helo.empty())
        line += cat(" helo=<", facts.helo, ">");
    if (facts.is_authenticated())
        line += cat(" sasl_method=", facts.sasl_method, " sasl_username=", facts.sasl_username);
    log::info(line);
}

// The filters of Debian's fail2ban know these lines without a queue ID, except within DATA.
void Session::log_lost(const net::Lost& lost) const
{
    bool is_timeout = lost.kind == net::Lost::Kind::timeout, is_stop = lost.kind == net::Lost::Kind::stopped;
    auto what = is_timeout ? "timeout" : is_stop ? "server stopped" : "lost connection";
    auto amount = in_message_ ? cat(" (", message_bytes_, " bytes)") : std::string();
    log::info(in_message_ ? cat(queue_id(), ": ") : std::string(), what, " after ", where_, amount, " from ", client_.peer);
    if (!is_timeout && !is_stop)
        return;
    if (is_timeout && !in_message_)
        hit("smtpd_timeout", cat(params_.timeout().count(), "s"));
    // The client may still read; nothing waits for it.
    auto words = smtp::format_reply(cat(is_stop ? "421 4.3.2 " : "421 4.4.2 ", environment_.common.myhostname(),
                                        is_stop ? " Error: the server stops" : " Error: timeout exceeded"));
    ::send(stream_.fd(), words.data(), words.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Session::disconnect(std::string_view last_words)
{
    refused_ = true;
    reply(last_words);
    end_politely();
}

// Closing with unread input would reset the connection, and the client might lose our last words with it.
void Session::end_politely()
{
    done_ = true;
    transaction_.reset();
    stream_.flush(params_.timeout);
    ::shutdown(stream_.fd(), SHUT_WR);
    auto deadline = std::chrono::steady_clock::now() + linger_limit;
    stream_.discard_buffered();
    char bytes[4096];
    while (net::wait_ready(stream_.fd(), POLLIN, deadline) && ::recv(stream_.fd(), bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
}

}  // namespace mta::smtpd
