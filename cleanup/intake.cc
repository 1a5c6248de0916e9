#include "cleanup/intake.h"

#include "cleanup/aliases.h"
#include "log/log.h"
#include "mime/header.h"
#include "queue/id.h"

namespace mta::cleanup {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_recipients = 100000;
constexpr net::Seconds peer_limit = 3600s;  // the client behind the peer may be slow; the peer has its own limits

queue::Envelope envelope_of(const service::Mail& mail)
{
    queue::Envelope envelope;
    envelope.queue_id = mail.queue_id;
    envelope.reverse_path = mail.reverse_path;
    envelope.arrival = mail.arrival;
    envelope.body = mail.body;
    envelope.envid = mail.envid;
    envelope.ret = mail.ret;
    envelope.client_name = mail.client_name;
    envelope.client_address = mail.client_address;
    envelope.helo = mail.helo;
    envelope.protocol = mail.protocol;
    envelope.sasl_method = mail.sasl_method;
    envelope.sasl_username = mail.sasl_username;
    envelope.copy_of = mail.copy_of;
    envelope.notice_of = mail.notice_of;
    envelope.copied_again = mail.copied_again;
    return envelope;
}

// Keeps the first of recipients that would get the same mail twice.
void remove_duplicates(std::vector<queue::Recipient>& recipients, std::size_t limit)
{
    std::set<std::string> seen;
    std::vector<queue::Recipient> kept;
    for (auto& recipient : recipients) {
        auto key = cat(lower(recipient.address), '\0', recipient.notify);
        if (seen.size() < limit && !seen.insert(key).second)
            continue;
        kept.push_back(std::move(recipient));
    }
    recipients = std::move(kept);
}

}  // namespace

void Intake::run()
{
    while (auto message = channel_.receive(peer_limit)) {
        auto mail = ipc::unpack<service::Mail>(*message);
        if (!mail)
            throw net::Lost(net::Lost::Kind::error, mail.error().text);
        channel_.send(ipc::pack(take(*std::move(mail))));
        tools_.stock.refill();
    }
}

service::Accepted Intake::take(service::Mail mail)
{
    if (mail.arrival == 0)
        mail.arrival = queue::now();
    auto envelope = envelope_of(mail);
    content_ended_ = false;
    std::optional<queue::Writer> writer;
    auto done = receive_recipients(envelope);
    if (done && !queue::is_id(mail.queue_id))
        done = failure("bad queue ID");
    if (done)
        done = copy_content(mail, envelope, writer);
    skip_content();
    if (done)
        done = writer->commit();
    if (!done) {
        log::warning(printable(mail.queue_id), ": not accepted: ", done.error().text);
        return {false, done.error().status, done.error().text};
    }
    tell_qmgr(mail.queue_id);
    return {true, "2.0.0", ""};
}

Result<void> Intake::receive_recipients(queue::Envelope& envelope)
{
    while (true) {
        auto message = channel_.receive(peer_limit);
        auto batch = message ? ipc::unpack<service::Recipients>(*message) : Result<service::Recipients>(failure("no recipients"));
        if (!batch)
            throw net::Lost(net::Lost::Kind::error, batch.error().text);
        for (auto& r : batch->recipients)
            if (envelope.recipients.size() <= max_recipients)
                envelope.recipients.push_back({r.address, r.orig_address, r.orcpt, r.notify});
        if (batch->last)
            break;
    }
    if (envelope.recipients.size() > max_recipients)
        return Error{"too many recipients", "4.5.3"};
    return {};
}

// The header and perhaps the begin of the body: up to and with the empty line.
std::string Intake::receive_header()
{
    std::string bytes;
    while (bytes.size() <= max_header_bytes) {
        auto searched = bytes.empty() ? 0 : bytes.size() - 1;
        auto chunk = channel_.receive_chunk(peer_limit);
        content_ended_ = chunk.empty();
        bytes += chunk;
        if (content_ended_ || bytes[0] == '\n' || bytes.find("\n\n", searched) != std::string::npos)
            break;
    }
    return bytes;
}

void Intake::skip_content()
{
    while (!content_ended_)
        content_ended_ = channel_.receive_chunk(peer_limit).empty();
}

Result<void> Intake::check_size(std::uint64_t bytes) const
{
    auto limit = tools_.params.message_size_limit();
    if (limit > 0 && bytes > static_cast<std::uint64_t>(limit))
        return Error{"Message size exceeds fixed limit", "5.3.4"};
    return {};
}

Result<void> Intake::check_lines(const LineLength& lines) const
{
    const auto& limit = tools_.params.message_line_length_limit();
    if (limit.is_exceeded_by(lines.longest()))
        return Error{cat("Message has a line of more than ", limit.number(), " bytes"), "5.6.0"};
    return {};
}

Result<void> Intake::copy_content(const service::Mail& mail, queue::Envelope& envelope, std::optional<queue::Writer>& writer)
{
    auto start = receive_header();
    LineLength lines;
    lines.read(start);
    auto header_bytes = mime::header_size(start);
    auto header = edit_header(std::string_view(start).substr(0, header_bytes), mail, tools_.params);
    if (!header)
        return header.error();
    for (const auto& address : header->recipients)
        envelope.recipients.push_back({address, "", "", ""});
    if (envelope.recipients.empty())
        return Error{"No recipient addresses found in message header", "5.1.3"};
    if (auto done = expand(envelope); !done)
        return done;
    remove_duplicates(envelope.recipients, static_cast<std::size_t>(tools_.params.duplicate_filter_limit()));
    log::info(mail.queue_id, header->message_id_is_resent ? ": resent-message-id=" : ": message-id=", header->message_id.empty() ? "<>" : header->message_id);
    auto added = tools_.queue.add(envelope, tools_.stock);
    if (!added)
        return added.error();
    writer.emplace(*std::move(added));
    if (auto done = writer->write(header->text); !done)
        return done;
    auto chunk = start.substr(header_bytes);
    while (true) {
        if (auto done = check_size(writer->content_bytes() + chunk.size()); !done)
            return done;
        if (auto done = check_lines(lines); !done)
            return done;
        if (auto done = writer->write(chunk); !done)
            return done;
        if (content_ended_)
            return {};
        chunk = channel_.receive_chunk(peer_limit);
        content_ended_ = chunk.empty();
        lines.read(chunk);
    }
}

Result<void> Intake::expand(queue::Envelope& envelope)
{
    if (tools_.params.virtual_alias_maps().empty())
        return {};
    auto expanded = expand_aliases(envelope.recipients, envelope.reverse_path,
                                   [&](const service::ResolveRequest& request) { return tools_.rewrite.ask<service::ResolveReply>(request); });
    if (!expanded)
        return expanded.error();
    envelope.recipients = *std::move(expanded);
    return {};
}

// Only a hint: mail that qmgr did not hear of is found when it looks into incoming.
void Intake::tell_qmgr(const std::string& queue_id)
{
    ipc::Message message;
    message.add("request", "new");
    message.add("argument", queue_id);
    for (int i = 0; i < 2; ++i) {
        try {
            if (!tools_.qmgr) {
                auto fd = net::connect_unix(tools_.qmgr_socket, 1s);
                if (!fd)
                    return log::warning(queue_id, ": cannot tell qmgr: ", fd.error().text);
                tools_.qmgr.emplace(*std::move(fd));
            }
            return tools_.qmgr->send(message, 1s);
        } catch (const net::Lost& lost) {
            tools_.qmgr.reset();
            if (i > 0)
                log::warning(queue_id, ": cannot tell qmgr: ", lost.what());
        }
    }
}

}  // namespace mta::cleanup
