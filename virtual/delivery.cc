#include "virtual/delivery.h"

#include <unistd.h>

#include "base/text.h"
#include "deliver/content.h"
#include "maildir/delivery.h"

namespace mta::virtual_delivery {

// The maildir, if there is nothing against a delivery.
Result<std::string> Delivery::check(const service::DeliveryRecipient& recipient)
{
    if (!header_)
        header_ = deliver::read_header(message_, static_cast<std::uint64_t>(request_.offset), static_cast<std::uint64_t>(request_.size));
    if (deliver::was_delivered_to(*header_, recipient.address))
        return Error{cat("mail forwarding loop for ", recipient.address), "5.4.6"};
    auto path = mailboxes_.path_of(recipient.address);
    if (!path)
        return path;
    if (checks_owner_)
        if (auto done = mailboxes_.check_owner(recipient.address, ::geteuid(), ::getegid()); !done)
            return done.error();
    if (params_.virtual_mailbox_limit() > 0 && request_.size > params_.virtual_mailbox_limit())
        return Error{cat("message size ", request_.size, " exceeds virtual_mailbox_limit"), "5.2.3"};
    return path;
}

deliver::Outcome Delivery::to(const service::DeliveryRecipient& recipient)
{
    auto path = check(recipient);
    if (!path)
        return deliver::outcome_of(path.error());
    deliver::LeadingForm form;
    form.null_sender = "";
    form.has_return_path = true;
    form.has_original_to = !recipient.orig_to.empty();
    form.has_delivered_to = true;
    maildir::Delivery copy;
    copy.queue_id = request_.copy_of.value_or(request_.queue_id);
    copy.recipient = recipient.address;
    copy.is_first_try = request_.first_try;
    copy.has_sibling = request_.copy_of.has_value();
    copy.header = deliver::leading_lines(request_, recipient, form, "");
    copy.content = message_;
    copy.offset = static_cast<std::uint64_t>(request_.offset);
    copy.size = static_cast<std::uint64_t>(request_.size);
    copy.host = params_.myhostname;
    auto done = maildir::deliver(*path, copy);
    if (!done)
        return deliver::outcome_of(Error{cat("maildir delivery failed: ", done.error().text), done.error().status});
    return deliver::sent("delivered to maildir");
}

}  // namespace mta::virtual_delivery
