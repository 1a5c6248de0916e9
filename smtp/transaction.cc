#include "smtp/transaction.h"

#include <algorithm>
#include <system_error>

#include "base/text.h"
#include "smtp/content.h"
#include "smtp/envelope.h"

namespace mta::smtpc {

using deliver::Action;
using deliver::Outcome;
using smtp::Reply;

namespace {

constexpr std::size_t max_pipelined = 100;  // unanswered RCPT commands: both directions must fit the socket buffers

}  // namespace

Transaction::Transaction(Session& session, deliver::Job& job, std::vector<std::size_t> recipients, bool is_last)
    : session_(session), job_(job), recipients_(std::move(recipients)), is_last_(is_last), is_decided_(recipients_.size(), false),
      is_asked_(recipients_.size(), false)
{
}

std::vector<Transaction::Left> Transaction::run()
{
    try {
        if (check_features()) {
            envelope();
            if (may_send_)
                content();
            else if (mail_accepted_ && !dot_sent_ && !is_last_)
                session_.reset();
        }
    } catch (const Shutdown& shutdown) {
        was_cut_ = true;
        rest(session_.outcome_of(shutdown.reply, shutdown.stage));
    } catch (const net::Lost& lost) {
        session_.abandon();
        was_cut_ = true;
        rest(session_.lost(lost), dot_sent_ && may_send_);
    } catch (const std::system_error& error) {
        session_.abandon();
        rest(session_.failed("4.3.0", cat("local data error while talking to ", session_.host().text(), ": ", error.what())), true);
    }
    session_.transaction_done();
    return std::move(left_);
}

// What this server cannot take at all.
bool Transaction::check_features()
{
    const auto& features = session_.features();
    const auto& request = job_.request();
    auto name = session_.host().text();
    if (needs_utf8(request) && !features.utf8) {
        rest(session_.failed("5.6.7", cat("SMTPUTF8 is required, but was not offered by host ", name)));
        return false;
    }
    if (features.size_limit != 0 && request.size > 0 && static_cast<std::uint64_t>(request.size) > features.size_limit) {
        rest(session_.failed("5.3.4", cat("message size ", request.size, " exceeds size limit ", features.size_limit, " of server ", name)));
        return false;
    }
    for (std::size_t place = 0; place < recipients_.size(); ++place)
        if (!is_sendable(job_.recipient(recipients_[place]).address))
            decide(place, session_.failed("5.1.3", "malformed recipient address"));
    if (!is_sendable(request.reverse_path))
        rest(session_.failed("5.1.7", "malformed reverse-path"));
    return std::find(is_decided_.begin(), is_decided_.end(), false) != is_decided_.end();
}

void Transaction::envelope()
{
    bool pipelined = session_.features().pipelining;
    session_.set_stage(stage::mail);
    session_.send(mail_command(job_.request(), session_.features()));
    if (!pipelined && !catch_up())
        return;
    while (sent_ < recipients_.size()) {
        auto place = sent_++;
        is_asked_[place] = !is_decided_[place];
        if (is_asked_[place])
            session_.send(rcpt_command(job_.recipient(recipients_[place]), session_.features()));
        if ((!pipelined || sent_ - answered_ >= max_pipelined) && !catch_up())
            return;
    }
    if (!pipelined && accepted_.empty())
        return;
    session_.send("DATA");
    catch_up();
    read_data();
}

// Reads the replies to what was sent; false if the mail was refused as a whole.
bool Transaction::catch_up()
{
    if (!mail_answered_)
        read_mail();
    while (answered_ < sent_)
        read_rcpt();
    return mail_accepted_;
}

void Transaction::read_mail()
{
    auto reply = session_.reply(stage::mail, session_.params().mail_timeout);
    mail_answered_ = true;
    mail_accepted_ = reply.is_positive();
    has_answers_ = true;
    if (!mail_accepted_)
        rest(session_.outcome_of(reply, stage::mail));
}

void Transaction::read_rcpt()
{
    auto place = answered_++;
    if (!is_asked_[place])
        return;
    auto reply = session_.reply(stage::rcpt, session_.params().rcpt_timeout);
    if (!mail_accepted_)
        return;
    if (reply.is_positive())
        return accepted_.push_back(place);
    auto outcome = session_.outcome_of(reply, stage::rcpt);
    if (reply.code == 552) {  // RFC 5321 section 4.5.3.1.10: too many recipients, as old servers say it
        outcome.action = Action::deferred;
        outcome.status.front() = '4';
    }
    decide(place, outcome);
}

void Transaction::read_data()
{
    auto reply = session_.reply(stage::data, session_.params().data_init_timeout);
    if (!reply.is_intermediate()) {
        for (auto place : accepted_)
            decide(place, session_.outcome_of(reply, stage::data));
        accepted_.clear();
        return;
    }
    may_send_ = !accepted_.empty();
    if (may_send_)
        return;
    session_.send(".");  // RFC 2920 section 3.1: the server took DATA without recipients; what it says does not matter
    dot_sent_ = true;
    session_.reply(stage::end, session_.params().data_done_timeout);
}

void Transaction::content()
{
    const auto& params = session_.params();
    const auto& request = job_.request();
    session_.set_stage(stage::body);
    session_.stream().set_write_limit(params.data_xfer_timeout);
    bool as_it_is = session_.features().eight_bit || request.body != "8BITMIME" || params.disable_mime_output_conversion;
    auto offset = static_cast<std::uint64_t>(request.offset), size = static_cast<std::uint64_t>(request.size);
    auto line_limit = static_cast<std::size_t>(std::max(params.line_length_limit(), 0L));
    auto progress = [this] { job_.progress(); };
    if (as_it_is)
        send_content(job_.message(), offset, size, line_limit, session_.stream(), progress);
    else
        send_downgraded(job_.message(), offset, size, line_limit, params.mime.limits(), session_.stream(), progress);
    session_.set_stage(stage::end);
    dot_sent_ = true;
    session_.send(".");
    if (is_last_ && session_.features().pipelining)
        session_.quit_with_last_command();
    session_.stream().flush(params.data_xfer_timeout);  // before a reply that came too early counts
    if (session_.is_lmtp())
        return lmtp_results();
    auto reply = session_.reply(stage::end, params.data_done_timeout);
    for (auto place : accepted_)
        accepted_by(place, reply);
}

// RFC 2033 section 4.2: a reply for each recipient that was accepted, in order.
void Transaction::lmtp_results()
{
    for (auto place : accepted_)
        accepted_by(place, session_.reply(stage::end, session_.params().data_done_timeout));
}

void Transaction::accepted_by(std::size_t place, const Reply& reply)
{
    if (!reply.is_positive())
        return decide(place, session_.outcome_of(reply, stage::end));
    Outcome sent = deliver::sent(reply.text(), reply.status);
    sent.mta = session_.host().name;
    sent.reply = sent.text;
    sent.is_relayed = !session_.features().dsn && !session_.is_lmtp();  // RFC 3461 section 5.2.2: nobody will say more
    decide(place, sent);
}

void Transaction::rest(const Outcome& outcome, bool is_final)
{
    for (std::size_t place = 0; place < recipients_.size(); ++place)
        if (!is_decided_[place])
            decide(place, outcome, is_final);
}

void Transaction::decide(std::size_t place, const Outcome& outcome, bool is_final)
{
    is_decided_[place] = true;
    if (outcome.action == Action::deferred)
        return left_.push_back({recipients_[place], outcome, is_final});
    auto uses = session_.uses() + 1;
    job_.report(recipients_[place], outcome, session_.host().text_with_port(), uses > 1 ? cat("conn_use=", uses) : "");
}

}  // namespace mta::smtpc
