#include <ctime>

#include "daemon/process.h"
#include "log/log.h"
#include "route/router.h"
#include "service/rewrite.h"
#include "trivial-rewrite/expansion.h"

using namespace mta;

namespace {

constexpr std::time_t stale_check_seconds = 1;

// Answers questions, and looks now and then whether tables were replaced.
class Resolver {
public:
    explicit Resolver(route::Router router) : router_(std::move(router)) {}

    ipc::Message answer(const ipc::Message& message)
    {
        refresh();
        auto request = ipc::unpack<service::ResolveRequest>(message);
        service::ResolveReply reply;
        if (!request)
            log::warning(request.error().text);
        else if (request->purpose == "expand")
            reply = rewrite::expand(router_, *request);
        else
            for (const auto& recipient : request->recipients)
                reply.results.push_back(one(*request, recipient.address));
        return ipc::pack(reply);
    }

private:
    void refresh()
    {
        auto now = std::time(nullptr);
        if (now < checked_ + stale_check_seconds)
            return;
        checked_ = now;
        router_.renew();
    }

    service::Resolved one(const service::ResolveRequest& request, const std::string& address) const
    {
        service::Resolved result;
        result.recipient = router_.normalise(address);
        auto failed = [&](const Error& error) {
            if (!error.is_permanent())
                log::warning(address, ": ", error.text);
            result.status = error.status;
            result.text = error.text;
            result.exists = false;
        };
        if (request.purpose == "check") {
            auto checked = router_.check(request.reverse_path, address);
            if (!checked)
                failed(checked.error());
            auto at = result.recipient.rfind('@');
            auto address_class = checked ? checked : router_.class_of(std::string_view(result.recipient).substr(at + 1));
            result.address_class = address_class ? route::name_of(*address_class) : "";
        } else {
            auto route = router_.resolve(request.reverse_path, address);
            if (!route) {
                failed(route.error());
                return result;
            }
            result.address_class = route::name_of(route->address_class);
            result.transport = route->transport;
            result.nexthop = route->nexthop;
            result.owner = route->owner;
        }
        return result;
    }

    route::Router router_;
    std::time_t checked_ = 0;
};

}  // namespace

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "trivial-rewrite");
    const route::Params params(process.config());
    auto router = route::Router::open(process.common(), params);
    if (!router)
        log::fatal(router.error().text);
    auto rules = process.table_rules();
    process.drop_privileges(rules.add({sandbox::Calls::serve}));
    Resolver resolver(*std::move(router));
    return process.serve_requests([&](const ipc::Message& message) { return resolver.answer(message); });
}
