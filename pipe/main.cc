#include <grp.h>
#include <unistd.h>

#include "log/log.h"
#include "pipe/delivery.h"

namespace mta::pipe {

namespace {

// Whom the command runs as. Never root, and not mail_owner: a command could do with the queue what it likes.
daemon::User user_for(const Params& params, const Attributes& attributes)
{
    auto user = daemon::find_user(attributes.user);
    if (!user)
        log::fatal("user=", attributes.user, ": ", user.error().text);
    if (!attributes.group.empty()) {
        const group* entry = ::getgrnam(attributes.group.c_str());
        if (!entry)
            log::fatal("user=", attributes.user, ":", attributes.group, ": unknown group");
        user->gid = entry->gr_gid;
    }
    if (user->uid == 0 || user->gid == 0)
        log::fatal("user=", attributes.user, ": a command must not run with the privileges of root");
    if (attributes.user == params.mail_owner())
        log::fatal("user=", attributes.user, ": a command must not run as the owner of the mail system");
    return *std::move(user);
}

}  // namespace

}  // namespace mta::pipe

int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "pipe");
    pipe::Params params(process.config());
    auto attributes = pipe::parse_attributes(process.arguments());
    if (!attributes)
        log::fatal("master.cf: service ", process.service(), ": ", attributes.error().text);
    sandbox::Rules rules;
    rules.runs_programs = rules.has_root = rules.has_network = true;
    if (::geteuid() == 0)
        process.become(rules, pipe::user_for(params, *attributes));
    else
        process.keep_root(rules);
    pipe::Delivery delivery(params, process.service(), *std::move(attributes));
    return deliver::run(process, {}, [&](deliver::Job& job, const auto&) { delivery.run(job); });
}
