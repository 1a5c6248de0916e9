#include "sendmail/submit.h"

#include <thread>

#include "base/text.h"

namespace mta::sendmail {

using namespace std::chrono_literals;

namespace {

constexpr auto pause = 200ms;

}  // namespace

Result<std::string> Submitter::submit(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients, Spool& content)
{
    auto deadline = std::chrono::steady_clock::now() + wait_limit_;  // NOLINT(clang-analyzer-deadcode.DeadStores): read behind the catch
    while (true) {
        std::string why;
        try {
            if (auto sent = send(mail, recipients, content); !sent)
                return sent.error();
            break;
        } catch (const net::Lost& lost) {
            submission_.cancel();
            why = lost.what();
        }
        if (std::chrono::steady_clock::now() + pause > deadline)
            return failure(cat("the mail system does not take mail now, is it running? (", why, ")"));
        std::this_thread::sleep_for(pause);
    }
    return finish();
}

Result<void> Submitter::send(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients, Spool& content)
{
    submission_.begin(mail, recipients);
    auto read = content.read([&](std::string_view bytes) { submission_.write(bytes); });
    if (!read)
        submission_.cancel();
    return read;
}

Result<std::string> Submitter::finish()
{
    try {
        auto accepted = submission_.finish();
        if (!accepted.ok)
            return Error{accepted.text, accepted.status};
        return accepted.text;
    } catch (const net::Lost& lost) {
        return failure(cat("the mail system gave no answer, the mail may be sent twice (", lost.what(), ")"));
    }
}

}  // namespace mta::sendmail
