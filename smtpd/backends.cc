#include "smtpd/backends.h"

#include "log/log.h"

namespace mta::smtpd {

Result<service::Resolved> RewriteResolver::check(const std::string& reverse_path, const std::string& address)
{
    auto reply = client_.ask<service::ResolveReply>(service::ResolveRequest{"check", reverse_path, {{address}}});
    if (!reply)
        return reply.error();
    if (reply->results.size() != 1)
        return failure("service rewrite gave no answer");
    return std::move(reply->results.front());
}

void CleanupOutlet::fail(std::string_view why)
{
    log::warning("service cleanup: ", why);
    failed_ = true;
    submission_.cancel();
}

bool CleanupOutlet::begin(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients)
{
    failed_ = false;
    try {
        submission_.begin(mail, recipients);
    } catch (const net::Lost& lost) {
        fail(lost.what());
    }
    return !failed_;
}

// After trouble the rest of the message goes nowhere: the client hears of it when it has sent all.
void CleanupOutlet::write(std::string_view bytes)
{
    if (failed_)
        return;
    try {
        submission_.write(bytes);
    } catch (const net::Lost& lost) {
        fail(lost.what());
    }
}

service::Accepted CleanupOutlet::finish()
{
    try {
        if (!failed_)
            return submission_.finish();
    } catch (const net::Lost& lost) {
        fail(lost.what());
    }
    return {false, "4.3.0", "queue file write error"};
}

void CleanupOutlet::cancel() { submission_.cancel(); }

}  // namespace mta::smtpd
