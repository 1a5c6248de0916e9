#include "deliver/agent.h"

#include <unistd.h>

#include "deliver/params.h"
#include "deliver/watchdog.h"
#include "log/log.h"

namespace mta::deliver {

namespace {

constexpr long max_requests = 1000;  // of one worker

// Becomes the owner, the first act on a connection; nothing else of it has been read. Empty: not to be served.
std::optional<daemon::User> become_owner(const service::Owner& owner, const Options& options)
{
    auto name = owner.owner.empty() ? options.default_owner : owner.owner;
    auto user = ::geteuid() == 0 ? daemon::find_user(name) : Result<daemon::User>(daemon::User{::getuid(), ::getgid(), "", "", ""});
    if (!user) {
        log::warning("cannot deliver as ", name, ": ", user.error().text);
        return std::nullopt;
    }
    if (::geteuid() == 0 && user->uid == 0) {
        log::warning("refusing to deliver as root");
        return std::nullopt;
    }
    daemon::become(*user, !user->name.empty());
    return *std::move(user);
}

class Connection {
public:
    using Handler = std::function<void(Job& job, const std::optional<daemon::User>& owner)>;
    Connection(daemon::Process& process, std::chrono::seconds limit, const Options& options, const Handler& handler, Fd client)
        : process_(process), limit_(limit), options_(options), handler_(handler), channel_(std::move(client))
    {
    }

    void run()
    {
        watchdog::install();
        auto first = channel_.receive(net::Seconds(60));
        auto owner = first ? ipc::unpack<service::Owner>(*first) : Result<service::Owner>(failure("no owner"));
        if (!owner)
            return;
        if (options_.before_owner)
            options_.before_owner();
        if (options_.as_owner && !(owner_ = become_owner(*owner, options_)))
            return;
        process_.seal();
        bool closing = false;
        for (long i = 1; !closing; ++i) {
            auto request = next();
            if (!request)
                break;
            closing = serve(std::move(*request), i >= max_requests);
        }
        if (options_.idle)
            options_.idle();
    }

private:
    std::optional<ipc::Message> next()
    {
        if (options_.idle) {
            try {
                return channel_.receive(options_.idle_after);
            } catch (const net::Lost& lost) {
                if (lost.kind != net::Lost::Kind::timeout)
                    return std::nullopt;
                options_.idle();
            }
        }
        return channel_.receive(process_.common().ipc_timeout);
    }

    // True if this was the last request, as qmgr was told.
    bool serve(ipc::Message message, bool is_last)
    {
        auto request = ipc::unpack<service::DeliveryRequest>(message);
        if (!request || !message.fd)
            throw net::Lost(net::Lost::Kind::error, request ? "request without a mail" : request.error().text);
        if (options_.renew)
            options_.renew();
        Job job(*std::move(request), std::move(message.fd), channel_, process_.socket_path("qmgr", true), limit_);
        try {
            handler_(job, owner_);
        } catch (const std::exception& error) {
            log::warning(job.prefixed(error.what()));
            job.report_rest(outcome_of(failure(cat("delivery agent: ", error.what()))), "none");
        }
        job.report_rest(outcome_of(failure("delivery agent gave no result")), "none");
        bool closing = is_last || daemon::is_stopping() || (options_.is_spent && options_.is_spent());
        return !job.finish(closing) || closing;
    }

    daemon::Process& process_;
    std::chrono::seconds limit_;
    const Options& options_;
    const Handler& handler_;
    ipc::Channel channel_;
    std::optional<daemon::User> owner_;
};

}  // namespace

// The directory, for qmgr's socket may be a new one when its results are all that is left to do.
sandbox::Rules rules(const daemon::Process& process)
{
    auto socket = process.socket_path("qmgr", true);
    sandbox::Rules rules;
    return rules.add({sandbox::Calls::serve}).socket(socket.substr(0, socket.rfind('/')));
}

int run(daemon::Process& process, const Options& options, const Connection::Handler& handler)
{
    const Params params(process.config());
    daemon::Process::Workers workers;
    workers.max_use = options.as_owner ? 1 : 0;  // who became somebody cannot become somebody else
    workers.renew = options.renew;
    if (options.as_owner)
        workers.rehearse = [&] {
            if (become_owner({process.confinement().test_owner()}, options))
                process.seal();
        };
    return process.serve([&](Fd client) { Connection(process, params.daemon_timeout, options, handler, std::move(client)).run(); }, workers);
}

}  // namespace mta::deliver
