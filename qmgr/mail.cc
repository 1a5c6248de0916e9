#include "qmgr/mail.h"

#include "base/text.h"

namespace mta::qmgr {

namespace {

bool wants_success(const std::string& notify) { return upper(notify).find("SUCCESS") != std::string::npos; }

}  // namespace

bool ActiveMail::has_success_news(std::size_t recipient) const
{
    const auto& outcome = mail.outcomes[recipient];
    return outcome && !outcome->notified && outcome->action == "sent" && wants_success(envelope().recipients[recipient].notify);
}

bool ActiveMail::has_news(std::size_t recipient) const
{
    const auto& outcome = mail.outcomes[recipient];
    return (outcome && !outcome->notified && outcome->has_failed()) || has_success_news(recipient);
}

bool ActiveMail::goes_at_once() const
{
    if (open > 0)
        return false;
    for (std::size_t i = 0; i < mail.outcomes.size(); ++i)
        if (!mail.is_done(i) || has_news(i))
            return false;
    return true;
}

}  // namespace mta::qmgr
