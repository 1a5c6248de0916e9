#include "qmgr/mail.h"

#include "qmgr/dsn_id.h"

namespace mta::qmgr {

bool ActiveMail::goes_at_once() const
{
    if (open > 0)
        return false;
    for (std::size_t i = 0; i < mail.outcomes.size(); ++i)
        if (!mail.is_done(i) || has_news(mail, "failure", i) || has_news(mail, "success", i))
            return false;
    return true;
}

}  // namespace mta::qmgr
