#include <ctime>

#include "base/text.h"
#include "daemon/wait.h"
#include "log/log.h"
#include "mail/status.h"
#include "queue/id.h"
#include "smtpd/received.h"
#include "smtpd/session.h"

// The part of a session that begins with DATA.
namespace mta::smtpd {

// The first good recipient makes it a mail with a name.
void Session::begin_mail()
{
    const auto& facts = client_.facts;
    transaction_->queue_id = queue::new_id();
    auto line = cat(transaction_->queue_id, ": client=", client_.peer);
    if (facts.is_authenticated())
        line += cat(", sasl_method=", facts.sasl_method, ", sasl_username=", facts.sasl_username);
    if (facts.is_authenticated() && !transaction_->mail.auth.value_or("").empty())
        line += cat(", sasl_sender=", *transaction_->mail.auth);
    log::info(line);
}

service::Mail Session::mail_record() const
{
    const auto& facts = client_.facts;
    const auto& from = transaction_->mail;
    service::Mail mail;
    mail.queue_id = transaction_->queue_id;
    mail.reverse_path = from.reverse_path.internal();
    mail.origin = "smtp";
    mail.client_name = facts.client_name;
    mail.client_address = facts.client_address;
    mail.helo = facts.helo;
    mail.protocol = client_.protocol();
    mail.sasl_method = facts.sasl_method;
    mail.sasl_username = facts.sasl_username;
    mail.body = from.body;
    mail.envid = from.envid;
    mail.ret = mail::text_of(from.ret);
    mail.size_hint = static_cast<long>(from.size.value_or(0));
    return mail;
}

std::string Session::trace_field() const
{
    const auto& common = environment_.common;
    Trace trace{client_, common.myhostname(), common.mail_name(), transaction_->queue_id, "", std::time(nullptr)};
    if (const auto* only = transaction_->only_recipient())
        trace.recipient = only->external();
    trace.with_tls = params_.tls_received_header;
    trace.with_user = params_.sasl_authenticated_header;
    return received_field(trace);
}

void Session::data(const smtp::Command& command)
{
    if (!command.argument.empty())
        return refuse("501 5.5.4 Syntax: DATA");
    if (!transaction_)
        return refuse("503 5.5.1 Error: need RCPT command");
    if (transaction_->recipients.empty())
        return refuse("554 5.5.1 Error: no valid recipients");
    if (is_refused(environment_.policy.check_data(client_, transaction_->mail.reverse_path, services()), nullptr))
        return;
    if (environment_.outlet.begin(mail_record(), transaction_->recipients)) {
        reply("354 End data with <CR><LF>.<CR><LF>");
        receive_message();
    } else {
        refuse("451 4.3.0 Error: queue file write error");
    }
    transaction_.reset();
}

// True if rules refused; what is to be said has been said.
bool Session::is_refused(const Policy::Verdict& verdict, const mail::Address* recipient)
{
    for (const auto& warning : verdict.warnings)
        log_verdict("reject_warning", warning, recipient);
    if (verdict.reply.empty())
        return false;
    reject(verdict.reply, recipient);
    return true;
}

Receiver::Result Session::receive_by(Receiver& receiver)
{
    in_message_ = true;
    auto waiter = stream_.set_waiter(daemon::wait_for_message);
    try {
        auto result = receiver.receive(trace_field());
        stream_.set_waiter(waiter);
        in_message_ = false;
        return result;
    } catch (const net::Lost& lost) {
        if (lost.kind == net::Lost::Kind::timeout) {
            auto [limit, value] = receiver.overrun();
            hit(limit, value);
        }
        throw;
    }
}

void Session::receive_message()
{
    const auto& common = environment_.common;
    Receiver::Limits limits;
    limits.bytes = static_cast<std::uint64_t>(std::max(common.message_size_limit(), 0L));
    limits.hops = params_.hopcount_limit;
    limits.time = params_.timeout;
    limits.bytes_per_second = params_.min_data_rate;
    limits.grace = params_.data_grace_time;
    limits.total_time = params_.data_time_limit;
    Receiver receiver(stream_, environment_.outlet, bare_newline_, limits, message_bytes_);
    auto result = receive_by(receiver);
    const auto* only = transaction_->only_recipient();
    where_ = "END-OF-MESSAGE";
    if (bare_newline_ == smtp::BareNewline::note && receiver.has_bare_newline())
        log::info(queue_id(), ": bare <LF> received after DATA from ", client_.peer);
    if (!result.refusal.empty()) {
        if (!result.limit.empty())
            hit(result.limit, cat(message_bytes_));
        reject(result.refusal, only);
        if (result.must_disconnect)
            end_politely();
        return;
    }
    if (is_refused(environment_.policy.check_end_of_data(client_, transaction_->mail.reverse_path, services()), only))
        return environment_.outlet.cancel();
    auto answer = environment_.outlet.finish();
    if (answer.ok) {
        errors_ = junk_ = unknown_ = 0;
        return reply(cat("250 2.0.0 Ok: queued as ", transaction_->queue_id));
    }
    auto status = mail::is_status(answer.status) ? answer.status : "4.3.0";
    refuse(cat(mail::reply_code(status), " ", status, " Error: ", answer.text));
}

}  // namespace mta::smtpd
