#include "deliver/agent.h"

#include <unistd.h>

#include "deliver/params.h"
#include "deliver/watchdog.h"
#include "log/log.h"

namespace mta::deliver {

namespace {

constexpr long max_requests = 1000;  // of one worker
constexpr std::string_view unprivileged_user = "nobody";

// Who delivers on a connection; an Error tells why nobody can.
Result<daemon::User> find_owner(const service::Owner& owner, const Options& options)
{
    if (::geteuid() != 0)
        return daemon::User{::getuid(), ::getgid(), "", "", ""};
    auto name = owner.owner.empty() ? options.default_owner : owner.owner;
    auto user = daemon::find_user(name);
    if (!user)
        return Error{cat("cannot deliver as ", name, ": ", user.error().text), "4.3.5"};
    if (user->uid == 0)
        return Error{"nothing is delivered as root: an alias (\"root: somebody\", see aliases(5)) must tell who reads this mail", "4.3.5"};
    return user;
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
        if (options_.as_owner && !become_owner(*owner))
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
    // The first act on a connection; nothing else of it has been read. Whom nobody can deliver for is told so by nobody.
    bool become_owner(const service::Owner& wanted)
    {
        auto owner = find_owner(wanted, options_);
        if (!owner) {
            refusal_ = owner.error();
            owner = find_owner({std::string(unprivileged_user)}, options_);
        }
        if (!owner) {
            log::warning(owner.error().text);
            return false;
        }
        owner_ = *std::move(owner);
        daemon::become(*owner_, !owner_->name.empty());
        return true;
    }

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
            if (refusal_)
                job.report_rest(outcome_of(*refusal_), "none");
            else
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
    std::optional<Error> refusal_;  // of all requests
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
            if (auto owner = find_owner({process.confinement().test_owner()}, options)) {
                daemon::become(*owner, !owner->name.empty());
                process.seal();
            }
        };
    return process.serve([&](Fd client) { Connection(process, params.daemon_timeout, options, handler, std::move(client)).run(); }, workers);
}

}  // namespace mta::deliver
