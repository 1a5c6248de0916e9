#include "daemon/process.h"
#include "daemon/wait.h"
#include "log/log.h"
#include "smtpd/session.h"

using namespace mta;

namespace {

constexpr net::Seconds front_limit(60);

// One session that front passes on, and perhaps back.
void serve(const smtpd::Environment& environment, Fd connection)
{
    ipc::Channel front(std::move(connection));
    auto message = front.receive(front_limit);
    if (!message)
        return;
    auto facts = ipc::unpack<service::Session>(*message);
    if (!facts || !message->fd) {
        log::warning("bad session from front: ", facts ? "no descriptor" : facts.error().text);
        return;
    }
    smtpd::Session session(environment, *std::move(facts), std::move(message->fd));
    if (!session.run()) {
        if (session.accepted_mails() > 0)
            front.send(ipc::pack(service::Merit{session.accepted_mails()}), front_limit);
        return;
    }
    auto back = ipc::pack(session.facts());
    if (!session.facts().has_tls())
        back.fd = session.release_client();
    front.send(back, front_limit);
}

}  // namespace

// What escapes ends the process, and lib/log says what it was.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "smtpd");
    const smtpd::Params params(process.config());
    auto policy = smtpd::Policy::open(params, process.common());
    if (!policy)
        log::fatal(policy.error().text);
    process.end_trial();
    smtpd::QueueSpace space(process.socket_path("cleanup"));
    auto rules = process.table_rules();
    rules.add({sandbox::Calls::serve});
    for (const auto* service : {"cleanup", "rewrite", "dns"})
        rules.socket(process.socket_path(service));
    process.drop_privileges(rules);
    smtpd::RewriteResolver resolver(process.socket_path("rewrite"));
    service::Dns dns(process.socket_path("dns"));
    smtpd::CleanupOutlet outlet(process.socket_path("cleanup"));
    smtpd::Environment environment{params, process.common(), *policy, resolver, dns, outlet, [&] { return space.look(); },
                                   [] { return daemon::is_stopping(); }, daemon::wait_for_client};
    daemon::Process::Workers workers;
    workers.renew = [&] { policy->renew(); };
    return process.serve([&](Fd connection) { serve(environment, std::move(connection)); }, workers);
}
