#include "smtp/session.h"

#include <algorithm>

#include "base/text.h"
#include "log/log.h"

namespace mta::smtpc {

using deliver::Action;
using deliver::Outcome;
using smtp::Reply;

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t max_line_bytes = 100000;  // far more than any server has a reason to say
constexpr std::uint16_t smtp_port = 25;

// RFC 3463 class 4 for what was refused now and may be accepted elsewhere or later.
std::string as_temporary(std::string status)
{
    status.front() = '4';
    return status;
}

}  // namespace

namespace {

// RFC 9422 section 4.1: "MAILMAX=100" among the parameters; 0 if there is none.
long mail_limit(const std::vector<std::string>& parameters)
{
    constexpr std::string_view name = "MAILMAX=";
    for (const auto& parameter : parameters)
        if (parameter.starts_with(name))
            return std::max(parse_number<long>(std::string_view(parameter).substr(name.size())).value_or(0), 0L);
    return 0;
}

}  // namespace

Features parse_features(const Reply& reply, const std::vector<std::string>& discarded)
{
    Features features;
    auto is_discarded = [&](const std::string& keyword) {
        return std::any_of(discarded.begin(), discarded.end(), [&](const std::string& word) { return iequals(word, keyword); });
    };
    for (const auto& extension : smtp::parse_extensions(reply)) {
        const auto& keyword = extension.keyword;
        if (is_discarded(keyword))
            continue;
        features.pipelining = features.pipelining || keyword == "PIPELINING";
        features.eight_bit = features.eight_bit || keyword == "8BITMIME";
        features.starttls = features.starttls || keyword == "STARTTLS";
        features.dsn = features.dsn || keyword == "DSN";
        features.utf8 = features.utf8 || keyword == "SMTPUTF8";
        if (keyword == "SIZE") {
            features.size = true;
            features.size_limit = extension.parameters.empty() ? 0 : parse_number<std::uint64_t>(extension.parameters[0]).value_or(0);
        }
        if (keyword == "LIMITS")
            features.mail_limit = mail_limit(extension.parameters);
        if (keyword == "AUTH")
            features.auth.insert(features.auth.end(), extension.parameters.begin(), extension.parameters.end());
    }
    return features;
}

Session::Session(const Params& params, Host host, bool is_lmtp, net::Stream stream)
    : params_(params), host_(std::move(host)), is_lmtp_(is_lmtp), stream_(std::move(stream))
{
}

void Session::send(std::string_view line)
{
    log::debug("> ", host_.text(), ": ", line);
    send_secret(line);
}

void Session::send_secret(std::string_view line)
{
    stream_.write(line);
    stream_.write("\r\n");
}

std::string Session::line(net::Transport::Deadline deadline)
{
    std::string line;
    while (line.empty() || line.back() != '\n') {
        auto left = std::chrono::ceil<Seconds>(deadline - Clock::now());
        if (left <= 0s)  // a server that always sends a little more has no more time than others
            throw net::Lost(net::Lost::Kind::timeout, "timeout");
        line += stream_.raw_line(left, 8192);
        if (line.size() > max_line_bytes)
            throw net::Lost(net::Lost::Kind::error, "line too long");
    }
    line.pop_back();
    if (!line.empty() && line.back() == '\r')
        line.pop_back();
    return line;
}

Reply Session::reply(const Stage& stage, Seconds limit)
{
    stage_ = stage;
    auto deadline = Clock::now() + limit;
    smtp::ReplyParser parser;
    while (true) {
        auto text = line(deadline);
        log::debug("< ", host_.text(), ": ", text);
        auto reply = parser.add(text);
        if (!reply) {
            garbage_ = reply.error().text;
            throw net::Lost(net::Lost::Kind::error, garbage_);
        }
        if (!*reply)
            continue;
        if ((*reply)->code == 421) {
            dead_ = true;
            throw Shutdown{**reply, stage};
        }
        return **reply;
    }
}

std::optional<Outcome> Session::greet()
{
    auto greeting = reply(stage::greeting, params_.helo_timeout);
    if (!greeting.is_positive())
        return refused(greeting);
    if (is_myself(greeting))
        return loop();
    return say_hello();
}

std::optional<Outcome> Session::say_hello()
{
    features_ = Features();
    const auto& hello = is_lmtp_ ? stage::lhlo : stage::ehlo;
    send(cat(is_lmtp_ ? "LHLO " : "EHLO ", params_.helo_name()));
    auto answer = reply(hello, params_.helo_timeout);
    if (answer.is_positive()) {
        features_ = parse_features(answer, params_.discard_ehlo_keywords);
    } else if (!is_lmtp_) {  // RFC 5321 section 3.2: an old server
        send(cat("HELO ", params_.helo_name()));
        answer = reply(stage::helo, params_.helo_timeout);
    }
    if (!answer.is_positive())
        return refused(answer);
    if (is_myself(answer))
        return loop();
    return std::nullopt;
}

// The first word of a greeting is the server's name.
bool Session::is_myself(const Reply& reply) const
{
    if (is_lmtp_ || host_.endpoint.port != smtp_port)
        return false;
    auto words = split_words(reply.lines.front());
    return !words.empty() && iequals(words.front(), params_.helo_name());
}

Outcome Session::loop() const
{
    log::warning("host ", host_.text_with_port(), " greeted me with my own hostname ", params_.helo_name());
    return failed(host_.is_best ? "5.4.6" : "4.4.6", cat("mail for ", host_.domain, " loops back to myself"));
}

Outcome Session::failed(std::string status, std::string text) const
{
    auto action = status.starts_with('5') ? Action::bounced : Action::deferred;
    return {action, std::move(status), std::move(text), host_.name, ""};
}

Outcome Session::outcome_of(const Reply& reply, const Stage& stage) const
{
    auto text = reply.text();
    auto status = reply.is_permanent() ? reply.status : as_temporary(reply.status);
    auto outcome = failed(status, cat("host ", host_.text(), " said: ", text, " (in reply to ", stage.command, ")"));
    outcome.reply = text;
    return outcome;
}

Outcome Session::refused(const Reply& reply) const
{
    auto text = reply.text();
    bool is_final = reply.is_permanent() && !params_.skip_5xx_greeting;
    auto outcome = failed(is_final ? reply.status : as_temporary(reply.status), cat("host ", host_.text(), " refused to talk to me: ", text));
    outcome.reply = text;
    return outcome;
}

Outcome Session::lost(const net::Lost& lost) const
{
    auto name = host_.text();
    if (!garbage_.empty())
        return failed("4.5.0", cat("Protocol error: host ", name, " sent ", garbage_, " while ", stage_.activity));
    if (lost.kind == net::Lost::Kind::timeout)
        return failed("4.4.2", cat("conversation with ", name, " timed out while ", stage_.activity));
    return failed("4.4.2", cat("lost connection with ", name, " while ", stage_.activity));
}

void Session::reset()
{
    try {
        send("RSET");
        if (!reply(stage::rset, params_.rset_timeout).is_positive())
            dead_ = true;
    } catch (const net::Lost&) {
        dead_ = true;
    } catch (const Shutdown&) {
    }
}

void Session::quit_with_last_command()
{
    send("QUIT");
    quit_sent_ = true;
}

void Session::quit()
{
    if (dead_)
        return;
    dead_ = true;
    try {
        if (!quit_sent_)
            send("QUIT");
        if (params_.skip_quit_response)
            stream_.flush(1s);
        else
            reply(stage::quit, params_.quit_timeout);
    } catch (const net::Lost&) {
    } catch (const Shutdown&) {
    }
}

bool Session::is_usable()
{
    bool is_young = Clock::now() - opened_ < params_.connection_reuse_time_limit();
    bool may_go_on = params_.connection_reuse_count_limit() <= 0 || uses_ < params_.connection_reuse_count_limit();
    may_go_on = may_go_on && (features_.mail_limit == 0 || uses_ < features_.mail_limit);
    return !dead_ && !quit_sent_ && is_young && may_go_on && !stream_.wait_readable(0ms);
}

}  // namespace mta::smtpc
