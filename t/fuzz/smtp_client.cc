// Covers: smtp/session.cc smtp/transaction.cc smtp/envelope.cc smtp/content.cc smtp/login.cc smtp/downgrade.cc
#include <fcntl.h>
#include <sys/socket.h>

#include "base/text.h"
#include "ipc/channel.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"
#include "smtp/downgrade.h"
#include "smtp/login.h"
#include "smtp/reply.h"
#include "smtp/transaction.h"

// The SMTP and LMTP client with a server that says anything: every recipient gets a result, a recipient counts as sent only
// if the server has said so for the message, and nothing that we send holds a bare CR or LF.
namespace {

using namespace mta;

const smtpc::Params& params()
{
    static const auto config = *config::Config::parse("myhostname = client.example\nsmtp_sasl_auth_enable = yes\nsmtp_line_length_limit = 100\nsmtp_sasl_security_options =\n"
                                                     "smtp_sasl_password_maps = inline:{{d.example = user:secret}}\n");
    static const smtpc::Params params(config, "smtp");
    return params;
}

// What the password maps say of the server.
smtpc::Login login_for(const smtpc::Host& host)
{
    static const auto logins = *smtpc::Logins::open(params(), "hash");
    auto login = logins.find("[mx.example]", host);
    HOLDS(login && *login && (*login)->user == "user" && (*login)->password == "secret");
    return **login;
}

service::DeliveryRequest request(fuzz::Input& in)
{
    service::DeliveryRequest request;
    request.queue_id = "4XYZabcdefzAbCdE";
    request.reverse_path = in.flag() ? "sender@client.example" : "";
    request.body = in.flag() ? "8BITMIME" : "";
    request.ret = in.flag() ? "HDRS" : "";
    request.envid = in.flag() ? "id" : "";
    request.size = 0;
    auto recipients = 1 + in.number(3);
    for (std::size_t i = 0; i < recipients; ++i)
        request.recipients.push_back({static_cast<long>(i), i == 1 ? "\"a b\"@d.example" : cat("user", i, "@d.example"), "", i == 2 ? "rfc822;x" : "", i == 2 ? "NEVER" : ""});
    return request;
}

// The results that qmgr hears of.
std::size_t count_sent(ipc::Channel& qmgr, std::size_t& reported)
{
    std::size_t sent = 0;
    while (qmgr.read_available()) {
        auto message = qmgr.take();
        HOLDS(message);
        if (!*message)
            break;
        for (; message && *message; message = qmgr.take()) {
            if (!(*message)->find("action"))
                continue;
            auto status = ipc::unpack<service::RecipientStatus>(**message);
            HOLDS(status && printable(status->text) == status->text);
            HOLDS(status->action == "sent" || status->action == "bounced" || status->action == "deferred");
            HOLDS(status->status.starts_with(status->action == "sent" ? '2' : status->action == "bounced" ? '5' : '4'));
            sent += status->action == "sent";
            ++reported;
        }
    }
    return sent;
}

// RFC 5321 section 2.3.8, and the dots of section 4.5.2.
void check_sent(std::string_view text)
{
    for (std::size_t at = text.find_first_of("\r\n"); at != std::string_view::npos; at = text.find_first_of("\r\n", at + 2))
        HOLDS(text.substr(at, 2) == "\r\n");
}

void talk(fuzz::Input& in, deliver::Job& job, bool is_lmtp, std::string& heard)
{
    auto seed = in.number(256);
    bool wants_login = in.flag(), is_last = in.flag();
    smtpc::Host host{"mx.example", {*net::Address::parse("192.0.2.1"), 25}, "", 10, true, "d.example"};
    smtpc::Session session(params(), host, is_lmtp, fuzz::stream_to(in.rest(), seed, heard));
    try {
        if (session.greet())
            return;
        if (wants_login && smtpc::log_in(session, login_for(host)))
            return;
    } catch (const net::Lost& lost) {
        HOLDS(session.lost(lost).action == deliver::Action::deferred);
        return;
    } catch (const smtpc::Shutdown& shutdown) {
        HOLDS(session.outcome_of(shutdown.reply, shutdown.stage).action == deliver::Action::deferred);
        return;
    }
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < job.recipients(); ++i)
        all.push_back(i);
    smtpc::Transaction transaction(session, job, all, is_last);
    auto left = transaction.run();
    for (const auto& one : left)
        HOLDS(!job.is_reported(one.index) && one.outcome.action == deliver::Action::deferred);
    for (const auto& one : left)
        job.report(one.index, one.outcome, "mx.example");
    for (auto index : all)
        HOLDS(job.is_reported(index));
    HOLDS(!session.is_usable());  // as the server has more to say, if only goodbye
    session.quit();
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    fuzz::Input in(input);
    auto wanted = request(in);
    auto kind = in.number(8);
    bool is_lmtp = kind % 2 == 1;
    if (kind / 2 == 1)
        wanted.recipients.front().address = "gr\xc3\xbc\xc3\x9f" "e@d.example";  // needs SMTPUTF8
    if (kind / 2 == 2)
        wanted.recipients.front().address = "never\r\nsaid@d.example";
    auto content = in.text('\0');
    wanted.size = static_cast<std::int64_t>(content.size());
    int ends[2];
    HOLDS(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    ipc::Channel agent{Fd(ends[0])}, qmgr{Fd(ends[1])};
    qmgr.send(ipc::pack(service::Recorded{}));
    std::string heard;
    std::size_t reported = 0;
    {
        deliver::Job job(wanted, Fd(::fcntl(fuzz::memory_file(content), F_DUPFD_CLOEXEC, 0)), agent, "/nonexistent");
        talk(in, job, is_lmtp, heard);
        job.report_rest(deliver::outcome_of(failure("not tried")), "none");
        job.finish();
    }
    auto sent = count_sent(qmgr, reported);
    HOLDS(reported == wanted.recipients.size());
    HOLDS(heard.find("never\r\nsaid") == std::string::npos || content.find("said") != std::string_view::npos);
    HOLDS(sent == 0 || heard.find("\r\n.\r\n") != std::string::npos);
    check_sent(heard);
}
