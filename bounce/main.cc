#include <algorithm>

#include "base/file.h"
#include "bounce/dsn.h"
#include "daemon/process.h"
#include "log/log.h"
#include "mime/header.h"
#include "queue/id.h"
#include "service/bounce.h"
#include "service/submission.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_header_bytes = 512ul * 1024;

std::string_view name_of(bounce::Kind kind, bool is_double)
{
    if (is_double)
        return "postmaster non-delivery notification";
    return kind == bounce::Kind::failure ? "sender non-delivery notification"
           : kind == bounce::Kind::delay ? "sender delay notification"
                                         : "sender delivery status notification";
}

// All of a small message, of a large one, or if the sender asked for that (RET=HDRS), the header.
Result<std::string> content_of(int fd, const queue::Mail& mail, const bounce::Params& params, bounce::Report& report)
{
    auto limit = static_cast<std::uint64_t>(std::max(params.bounce_size_limit(), 0L));
    report.is_whole = report.kind == bounce::Kind::failure && mail.content_bytes <= limit && mail.envelope.ret != "HDRS";
    auto size = report.is_whole ? mail.content_bytes : std::min<std::uint64_t>(mail.content_bytes, max_header_bytes);
    auto content = read_at(fd, mail.content_offset, size);
    if (content && !report.is_whole)
        content->resize(mime::header_size(*content));
    return content;
}

class Notifier {
public:
    Notifier(const bounce::Params& params, std::string cleanup) : params_(params), cleanup_(std::move(cleanup)) {}

    // RFC 3464 section 2.
    Result<void> notify(const service::BounceRequest& request, int fd)
    {
        if (request.kind == "corrupt")
            return wants("software") ? tell_postmaster(request) : Result<void>();
        auto mail = queue::Directory::read(fd);
        if (!mail)
            return mail.error();
        bounce::Report report;
        report.kind = request.kind == "delay" ? bounce::Kind::delay : request.kind == "success" ? bounce::Kind::success : bounce::Kind::failure;
        auto plan = bounce::plan(*mail, report.kind, params_);
        if (!plan) {
            if (report.kind == bounce::Kind::failure && !bounce::recipients_for(*mail, report.kind).empty())
                log::warning(request.queue_id, ": undeliverable notification discarded");
            return {};
        }
        report.to = plan->to;
        report.is_double = plan->is_double;
        report.queue_id = request.dsn_id;
        return send(request, fd, *mail, plan->recipients, report, plan->reverse_path);
    }

private:
    bool wants(std::string_view notify_class) const
    {
        const auto& classes = params_.notify_classes();
        return std::find(classes.begin(), classes.end(), notify_class) != classes.end();
    }

    std::string with_domain(const std::string& address) const
    {
        return address.find('@') == std::string::npos ? cat(address, "@", params_.myorigin()) : address;
    }

    // A notice that a queue file cannot be read, which only a person can do something about.
    Result<void> tell_postmaster(const service::BounceRequest& request)
    {
        auto to = with_domain(params_.error_notice_recipient());
        auto content = cat("From: MAILER-DAEMON@", params_.myorigin(), " (Mail Delivery System)\nTo: ", to, "\nSubject: Damaged queue file ",
                           request.queue_id, "\nAuto-Submitted: auto-generated\n\nThe queue file ", request.queue_id,
                           " cannot be read: ", printable(request.reason), ".\nIt is in the directory \"corrupt\" of the queue. ",
                           "postcat(1) may show what is left of it;\n\"postsuper -d ", request.queue_id, "\" removes it.\n");
        service::Mail mail;
        mail.queue_id = queue::new_id();
        mail.arrival = queue::now();
        mail.reverse_path = cat(params_.double_bounce_sender(), "@", params_.myorigin());
        return hand_in(to, std::move(mail), content);
    }

    // The mail has its queue ID, reverse-path and time.
    Result<void> hand_in(const std::string& to, service::Mail mail, const std::string& content)
    {
        mail.origin = "local";  // cleanup adds what header fields are missing
        mail.body = "8BITMIME";
        // No NOTIFY=NEVER: a notification that cannot be delivered is told to postmaster, which its null reverse-path does not forbid.
        cleanup_.begin(mail, {{to, "", "", ""}});
        cleanup_.write(content);
        auto accepted = cleanup_.finish();
        if (!accepted.ok)
            return Error{accepted.text, accepted.status};
        return {};
    }

    Result<void> send(const service::BounceRequest& about, int fd, const queue::Mail& mail, const std::vector<std::size_t>& recipients,
                      bounce::Report& report, const std::string& reverse_path)
    {
        auto content = content_of(fd, mail, params_, report);
        if (!content)
            return content.error();
        report.content = *std::move(content);
        report.time = queue::now();
        service::Mail dsn;
        dsn.queue_id = report.queue_id;
        dsn.arrival = report.time;
        dsn.reverse_path = reverse_path;
        dsn.notice_of = cat(about.queue_id, ' ', about.kind);
        log::info(about.queue_id, ": ", name_of(report.kind, report.is_double), ": ", report.queue_id);
        return hand_in(report.to, std::move(dsn), bounce::format(mail, recipients, report, params_));
    }

    const bounce::Params& params_;
    service::Submission cleanup_;
};

}  // namespace

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "bounce");
    const bounce::Params params(process.config());
    sandbox::Rules rules;
    process.drop_privileges(rules.add({sandbox::Calls::serve}).socket(process.socket_path("cleanup")));
    return process.serve([&](Fd client) {
        ipc::Channel channel(std::move(client));
        Notifier notifier(params, process.socket_path("cleanup"));
        while (auto message = channel.receive(process.common().ipc_timeout)) {
            auto request = ipc::unpack<service::BounceRequest>(*message);
            if (!request || (request->kind != "corrupt" && (!message->fd || !queue::is_id(request->dsn_id))))
                throw net::Lost(net::Lost::Kind::error, "bad request");
            Result<void> done = failure("cleanup is gone");
            try {
                done = notifier.notify(*request, message->fd.get());
            } catch (const net::Lost& lost) {
                done = failure(lost.what());
            }
            auto reply = ipc::pack(service::BounceReply{bool(done), done ? "" : done.error().text});
            if (auto id = message->find("id"))
                reply.add("id", *id);
            channel.send(reply);
        }
    });
}
