#include "pickup/intake.h"

#include <pwd.h>

#include <cerrno>

#include "ipc/user.h"
#include "log/log.h"
#include "pickup/content.h"
#include "pickup/envelope.h"
#include "queue/id.h"

namespace mta::pickup {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_recipients = 100000;
// sendmail has read its whole input before it comes here.
constexpr net::Seconds peer_limit = 300s;

// The program that submits is gone, not cleanup.
struct ClientLost : net::Lost {
    explicit ClientLost(const net::Lost& lost) : net::Lost(lost) {}
};

service::Accepted refusal(const Error& error) { return {false, error.status, error.text}; }

uid_t submitter(int socket)
{
    if (auto user = ipc::user_of(socket))
        return *user;
    throw_errno("getsockopt SO_PEERCRED");
}

}  // namespace

Intake::Intake(Tools& tools, Fd client) : tools_(tools), channel_(std::move(client)), uid_(submitter(channel_.fd())) {}

void Intake::run()
{
    while (auto message = channel_.receive(peer_limit)) {
        auto submitted = ipc::unpack<service::Mail>(*message);
        if (!submitted)
            throw net::Lost(net::Lost::Kind::error, submitted.error().text);
        channel_.send(ipc::pack(take(*submitted)));
    }
}

service::Accepted Intake::take(const service::Mail& submitted)
{
    content_ended_ = false;
    auto recipients = receive_recipients();
    auto user = check_user();
    auto mail = user ? checked_mail(submitted, queue::new_id(), tools_.params.myorigin()) : Result<service::Mail>(user.error());
    if (mail && !recipients)
        mail = recipients.error();
    if (mail && recipients->empty() && !mail->extract_recipients)
        mail = Error{"no recipients specified", "5.1.3"};
    if (!mail) {
        log::warning("uid=", uid_, ": not accepted: ", mail.error().text);
        skip_content();
        return refusal(mail.error());
    }
    log::info(mail->queue_id, ": uid=", uid_, " from=<", submitted.reverse_path, ">");
    auto accepted = copy(*mail, *recipients);
    skip_content();
    if (accepted.ok)
        accepted.text = mail->queue_id;
    return accepted;
}

// Reads them all, also behind a bad one: the content follows.
Result<std::vector<service::MailRecipient>> Intake::receive_recipients()
{
    std::vector<service::MailRecipient> recipients;
    std::optional<Error> error;
    while (true) {
        auto message = channel_.receive(peer_limit);
        auto batch = message ? ipc::unpack<service::Recipients>(*message) : Result<service::Recipients>(failure("no recipients"));
        if (!batch)
            throw net::Lost(net::Lost::Kind::error, batch.error().text);
        for (const auto& submitted : batch->recipients) {
            auto recipient = checked_recipient(submitted, tools_.params.myorigin());
            if (!error && !recipient)
                error = recipient.error();
            if (!error && recipients.size() == max_recipients)
                error = Error{"too many recipients", "5.5.3"};
            if (!error)
                recipients.push_back(*std::move(recipient));
        }
        if (batch->last)
            break;
    }
    if (error)
        return *error;
    return recipients;
}

Result<void> Intake::check_user() const
{
    errno = 0;
    const passwd* entry = ::getpwuid(uid_);
    if (!entry && errno != 0 && errno != ENOENT && errno != ESRCH)
        return errno_error(cat("look up user ", uid_));
    std::string name = entry ? entry->pw_name : "unknown";
    auto allowed = tools_.users.has_word(name);
    if (!allowed)
        return failure(cat("authorized_submit_users: ", allowed.error().text));
    if (!*allowed)
        return Error{cat("User ", printable(name), "(", uid_, ") is not allowed to submit mail"), "5.7.1"};
    return {};
}

service::Accepted Intake::copy(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients)
{
    auto& cleanup = tools_.cleanup;
    try {
        cleanup.begin(mail, recipients);
        if (auto copied = copy_content(mail); !copied) {
            cleanup.cancel();
            log::warning(mail.queue_id, ": uid=", uid_, ": not accepted: ", copied.error().text);
            return refusal(copied.error());
        }
        return cleanup.finish();
    } catch (const ClientLost&) {
        cleanup.cancel();
        throw;
    } catch (const net::Lost& lost) {
        cleanup.cancel();
        log::warning(mail.queue_id, ": service cleanup: ", lost.what());
        return refusal(failure(cat("mail system trouble: ", lost.what())));
    }
}

Result<void> Intake::copy_content(const service::Mail& mail)
{
    const auto& params = tools_.params;
    HeaderEnd header_end;
    long bytes = 0;
    auto out = received_field(uid_, mail.queue_id, params.myhostname(), params.mail_name(), mail.arrival);
    while (!content_ended_) {
        auto chunk = next_chunk();
        bytes += static_cast<long>(chunk.size());
        if (params.message_size_limit() > 0 && bytes > params.message_size_limit())
            return Error{"Message size exceeds fixed limit", "5.3.4"};
        header_end.add(chunk, out);
        if (content_ended_)
            header_end.finish(out);
        if (!out.empty())
            tools_.cleanup.write(out);
        out.clear();
    }
    return {};
}

std::string Intake::next_chunk()
{
    try {
        auto chunk = channel_.receive_chunk(peer_limit);
        content_ended_ = chunk.empty();
        return chunk;
    } catch (const net::Lost& lost) {
        throw ClientLost(lost);
    }
}

void Intake::skip_content()
{
    while (!content_ended_)
        next_chunk();
}

}  // namespace mta::pickup
