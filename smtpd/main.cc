#include <fcntl.h>
#include <sys/statvfs.h>

#include "daemon/process.h"
#include "daemon/wait.h"
#include "log/log.h"
#include "smtpd/session.h"

using namespace mta;

namespace {

constexpr net::Seconds front_limit(60);
constexpr auto space_check_interval = std::chrono::seconds(1);

// How much room the queue has, looked at now and then.
class FreeSpace {
public:
    explicit FreeSpace(const std::string& directory) : directory_(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC))
    {
        if (!directory_)
            log::fatal(errno_error(cat("open ", directory)).text);
    }

    std::uint64_t bytes()
    {
        auto now = std::chrono::steady_clock::now();
        if (now < next_check_)
            return bytes_;
        next_check_ = now + space_check_interval;
        struct statvfs facts {};
        if (::fstatvfs(directory_.get(), &facts) != 0) {
            log::warning(errno_error("statvfs of the queue directory").text);
            return bytes_ = 0;
        }
        return bytes_ = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
    }

private:
    Fd directory_;
    std::uint64_t bytes_ = 0;
    std::chrono::steady_clock::time_point next_check_{};
};

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
    if (!session.run())
        return;
    auto back = ipc::pack(session.facts());
    if (!session.facts().has_tls())
        back.fd = session.release_client();
    front.send(back, front_limit);
}

}  // namespace

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "smtpd");
    const smtpd::Params params(process.config());
    auto policy = smtpd::Policy::open(params, process.common());
    if (!policy)
        log::fatal(policy.error().text);
    process.drop_privileges();
    FreeSpace space(process.common().queue_directory);
    smtpd::RewriteResolver resolver(process.socket_path("rewrite"));
    service::Dns dns(process.socket_path("dns"));
    smtpd::CleanupOutlet outlet(process.socket_path("cleanup"));
    smtpd::Environment environment{params, process.common(), *policy, resolver, dns, outlet, [&] { return space.bytes(); },
                                   [] { return daemon::is_stopping(); }, daemon::wait_for_client};
    daemon::Process::Workers workers;
    workers.renew = [&] { policy->renew(); };
    return process.serve([&](Fd connection) { serve(environment, std::move(connection)); }, workers);
}
