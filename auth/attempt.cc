#include "auth/attempt.h"

#include "base/encode.h"
#include "base/text.h"
#include "log/log.h"
#include "net/limit_hits.h"

namespace mta::auth {

using namespace std::chrono_literals;

namespace {

constexpr auto client_time_limit = 150s;  // for one answer of the client
constexpr long max_in_hand = 50;          // attempts of one client at once

bool wants_account(const std::string& service) { return service == "imap" || service == "pop3" || service == "sieve"; }

}  // namespace

Attempt::Attempt(Shared& shared, const WireLine& line, Send send)
    : shared_(shared), id_(line.id), service_(line.find("service").value_or("")), address_(line.find("rip").value_or("")),
      client_(Penalty::client_of(address_)), send_(std::move(send)), timer_(shared.loop, [this] { when_due_(); })
{
    ++shared_.in_hand[client_];
}

Attempt::~Attempt()
{
    if (question_ != 0)
        shared_.workers.cancel(question_);
    if (auto found = shared_.in_hand.find(client_); --found->second == 0)
        shared_.in_hand.erase(found);
}

void Attempt::begin(const WireLine& line)
{
    mechanism_ = line.fields.empty() ? nullptr : make_mechanism(line.fields.front());
    if (!mechanism_)
        return fail("unsupported mechanism", "", false, false);
    if (shared_.in_hand[client_] > max_in_hand)
        return fail("too many logins at once", "temp_fail", true, false);
    auto response = line.find("resp");
    auto decoded = response ? base64_decode(*response) : std::optional<std::string>{};
    if (response && !decoded)
        return fail("invalid base64", "invalid_base64", false, false);
    obey(mechanism_->start(decoded));
}

void Attempt::go_on(const WireLine& line)
{
    if (!waiting_for_client_)
        return fail("no answer was asked for", "", false, false);
    waiting_for_client_ = false;
    timer_.stop();
    auto decoded = base64_decode(line.fields.empty() ? "" : line.fields.front());
    if (!decoded)
        return fail("invalid base64", "invalid_base64", false, false);
    obey(mechanism_->respond(*decoded));
}

void Attempt::obey(Step step)
{
    switch (step.kind) {
    case Step::Kind::challenge:
        waiting_for_client_ = true;
        when_due_ = [this] { fail("no answer in time", "", false, false); };
        timer_.start(client_time_limit);
        return send_(cat("CONT\t", id_, "\t", base64_encode(step.data), "\n"), false);
    case Step::Kind::password:
    case Step::Kind::keys:
        return ask(std::move(step));
    case Step::Kind::success:
        return succeed();
    case Step::Kind::failure:
        return fail(step.data, "", false, !step.malformed);
    }
}

// Who has failed before waits first; nothing is looked up for them meanwhile.
void Attempt::ask(Step step)
{
    pending_ = std::move(step);
    when_due_ = [this] {
        CheckRequest request;
        bool is_password = pending_.kind == Step::Kind::password;
        request.kind = is_password ? "password" : "keys";
        request.user = mechanism_->user();
        if (is_password)
            request.password = std::move(pending_.data);
        request.address = address_;
        question_ = -1;
        auto number = shared_.workers.ask(std::move(request), [this](const CheckReply& reply) { answered(reply); });
        if (number != 0)  // else it was answered at once, and this may be gone
            question_ = number;
    };
    if (auto exceeded = shared_.penalty.exceeded(address_, mechanism_->user(), Penalty::Clock::now())) {
        net::limit_hit(exceeded->limit, net::Address::parse(address_).value_or(net::Address()), cat(exceeded->failures));
        return fail("too many failed logins", "limit", true, false);
    }
    auto delay = shared_.penalty.delay(address_, mechanism_->user(), shared_.in_hand[client_] - 1, Penalty::Clock::now());
    if (delay > 0ms)
        timer_.start(delay);
    else
        when_due_();
}

void Attempt::answered(const CheckReply& reply)
{
    question_ = 0;
    account_ = reply;
    if (reply.result == "error")
        return fail("cannot tell now", "temp_fail", true, false);
    if (pending_.kind == Step::Kind::password)
        return obey(mechanism_->checked(reply.result != "no"));
    auto keys = ScramKeys::parse(reply.keys);
    if (!keys)
        return fail("cannot tell now", "temp_fail", true, false);
    obey(mechanism_->found(*keys));
}

void Attempt::succeed()
{
    // Whoever came here knows the password: that the account is closed is no secret.
    if (account_.result != "yes")
        return fail("login is disabled", "user_disabled", false, true);
    const auto& user = mechanism_->user();
    std::vector<std::string> fields{"OK", cat(id_), cat("user=", user)};
    auto now = Penalty::Clock::now();
    if (wants_account(service_)) {
        if (!account_.trouble.empty()) {
            log::warning("user ", user, ": ", account_.trouble);
            return fail("no mailbox", "temp_fail", true, false);
        }
        fields.push_back(cat("ticket=", shared_.tickets.issue({service_, user, account_.uid, account_.gid, account_.home, account_.mail}, now)));
    }
    shared_.penalty.succeeded(address_, user, now);
    send_(wire_line(fields), true);
}

void Attempt::fail(std::string_view reason, std::string_view code, bool temporary, bool counts)
{
    std::vector<std::string> fields{"FAIL", cat(id_)};
    std::string user = mechanism_ ? mechanism_->user() : "";
    if (!user.empty())
        fields.push_back(cat("user=", user));
    if (temporary)
        fields.emplace_back("temp");
    if (!code.empty())
        fields.push_back(cat("code=", code));
    if (temporary || !code.empty())
        fields.push_back(cat("reason=", reason));
    if (log::verbose())
        log::debug("login from ", address_, " as ", user, " failed: ", reason);
    if (!counts)
        return send_(wire_line(fields), true);
    shared_.penalty.failed(address_, user, Penalty::Clock::now());
    when_due_ = [this, line = wire_line(fields)] { auto send = send_; send(line, true); };
    timer_.start(shared_.failure_delay);
}

}  // namespace mta::auth
