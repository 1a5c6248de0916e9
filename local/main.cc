#include "local/delivery.h"
#include "log/log.h"

using namespace mta;

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "local");
    const local::Params params(process.config());
    if (!params.home_mailbox().ends_with('/'))
        log::fatal("home_mailbox = ", params.home_mailbox(), ": only maildirs are supported; the name must end in '/'");
    table::Options options;
    options.default_type = process.common().default_database_type;
    options.allow_substitution = false;
    options.may_be_missing = true;
    auto aliases = table::Maps::open(std::string_view(params.alias_maps()), options);
    auto domains = table::MatchList::open(params.mydestination(), {false, options});
    if (!aliases || !domains)
        log::fatal(aliases ? domains.error().text : aliases.error().text);
    local::Tools tools{process.common(), params, *std::move(aliases), *std::move(domains), service::Submission(process.socket_path("cleanup"))};
    sandbox::Rules rules;
    rules.runs_programs = rules.has_root = rules.has_network = true;
    process.keep_root(rules);
    deliver::Options agent;
    agent.as_owner = true;
    agent.default_owner = params.default_privs;
    agent.renew = [&] {
        tools.aliases.renew();
        tools.mydestination.renew();
    };
    agent.before_owner = [&] { tools.cleanup.connect(); };
    agent.is_spent = [&] { return !tools.cleanup.is_connected(); };
    return deliver::run(process, agent, [&](deliver::Job& job, const auto&) {
        for (std::size_t index = 0; index < job.recipients(); ++index)
            job.report(index, local::Delivery(tools, job, index).run(), "local");
    });
}
