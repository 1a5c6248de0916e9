#include "service/submission.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace mta::service {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t recipients_at_once = 50;
constexpr net::Seconds connect_limit = 30s;
constexpr net::Seconds answer_limit = 600s;

}  // namespace

namespace {

// A kept connection that cleanup has closed (it was reloaded, or has served enough) shows an end.
bool is_closed(int fd)
{
    char byte;
    auto count = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count == 0 || (count < 0 && errno != EAGAIN);
}

}  // namespace

void Submission::begin(const Mail& mail, const std::vector<MailRecipient>& recipients)
{
    if (channel_ && (open_ || is_closed(channel_->fd())))
        channel_.reset();
    open_ = true;  // whatever happens from here on: what was sent is no whole mail
    send_envelope(mail, recipients);
}

void Submission::connect()
{
    if (channel_)
        return;
    auto fd = net::connect_unix(socket_, connect_limit);
    if (!fd)
        throw net::Lost(net::Lost::Kind::error, fd.error().text);
    channel_.emplace(*std::move(fd));
}

void Submission::send_envelope(const Mail& mail, const std::vector<MailRecipient>& recipients)
{
    connect();
    channel_->queue(ipc::pack(mail).encoded());
    std::size_t begin = 0;
    do {
        auto end = std::min(begin + recipients_at_once, recipients.size());
        Recipients batch;
        batch.recipients.assign(recipients.begin() + static_cast<std::ptrdiff_t>(begin), recipients.begin() + static_cast<std::ptrdiff_t>(end));
        batch.last = end == recipients.size();
        channel_->queue(ipc::pack(batch).encoded());
        begin = end;
    } while (begin < recipients.size());
}

void Submission::write(std::string_view bytes) { channel_->send_chunk(bytes); }

Accepted Submission::finish()
{
    try {
        channel_->end_body();
        channel_->flush();
        if (auto answer = channel_->receive(answer_limit)) {
            auto accepted = ipc::unpack<Accepted>(*answer);
            open_ = false;
            if (accepted)
                return *std::move(accepted);
            throw net::Lost(net::Lost::Kind::error, accepted.error().text);
        }
        throw net::Lost(net::Lost::Kind::closed, "cleanup ended without an answer");
    } catch (const net::Lost&) {
        cancel();
        throw;
    }
}

}  // namespace mta::service
