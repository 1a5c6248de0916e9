#include <algorithm>

#include "base/text.h"
#include "net/limit_hits.h"
#include "smtpd/session.h"

// What a session allows its client: more to those whom we know.
namespace mta::smtpd {

void Session::hit(std::string_view limit, std::string_view value) const
{
    net::limit_hit(limit, net::Address::parse(client_.facts.client_address).value_or(net::Address()), value);
}

// Somebody who has logged in, or is in mynetworks. Who cannot be looked up now is a stranger.
bool Session::is_known_client()
{
    if (client_.facts.is_authenticated())
        return true;
    if (!is_in_mynetworks_) {
        auto found = environment_.policy.is_in_mynetworks(client_);
        is_in_mynetworks_ = found && *found;
    }
    return *is_in_mynetworks_;
}

bool Session::has_room(std::uint64_t announced) const
{
    auto limit = static_cast<std::uint64_t>(std::max(environment_.common.message_size_limit(), 0L));
    auto minfree = static_cast<std::uint64_t>(std::max(environment_.common.queue_minfree(), 0L));
    return smtpd::has_room(environment_.space(), {std::max(limit, announced), minfree});
}

// RFC 9422 section 4: MAILMAX.
bool Session::has_sent_enough()
{
    bool is_known = is_known_client();
    const auto& limit = is_known ? params_.session.message_limit() : params_.session.anonymous_message_limit();
    auto sent = static_cast<std::uint64_t>(counters_.done("mail"));
    if (!limit.is_exceeded_by(sent + 1))
        return false;
    hit(is_known ? "smtpd_session_message_limit" : "smtpd_anonymous_session_message_limit", cat(sent + 1));
    return true;
}

// RFC 5321 section 4.5.3.1.10; true if one more is too many.
bool Session::has_all_recipients()
{
    auto next = transaction_->recipients.size() + 1;
    if (next > static_cast<std::uint64_t>(std::max(params_.session.recipient_limit(), 0L))) {
        hit("smtpd_recipient_limit", cat(next));
        return true;
    }
    if (is_known_client() || !params_.session.anonymous_recipient_limit().is_exceeded_by(next))
        return false;
    hit("smtpd_anonymous_recipient_limit", cat(next));
    return true;
}

// False if there is no memory for one more.
bool Session::keep(service::MailRecipient recipient)
{
    bool is_known = is_known_client();
    budget_.set_limit(params_.memory.limit_for(is_known).number());
    auto bytes = sizeof recipient + recipient.address.size() + recipient.orig_address.size() + recipient.orcpt.size() + recipient.notify.size();
    if (!transaction_->held.grow(bytes)) {
        hit(is_known ? "authenticated_client_memory_limit" : "client_memory_limit", cat(budget_.used() + bytes));
        return false;
    }
    transaction_->recipients.push_back(std::move(recipient));
    return true;
}

// The client sends the rest in another mail; recipients that are deferred are no errors of its at first.
void Session::defer_recipient()
{
    constexpr long overshoot_limit = 1000;
    if (++transaction_->refused_recipients <= overshoot_limit)
        --errors_;
    refuse("452 4.5.3 Error: too many recipients");
}

}  // namespace mta::smtpd
