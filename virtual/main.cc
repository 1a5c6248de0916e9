#include <unistd.h>

#include "log/log.h"
#include "virtual/delivery.h"

using namespace mta;

// virtual(8): delivers to the maildirs of virtual_mailbox_maps; see man/man8/virtual.8.
int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "virtual");
    const virtual_delivery::Params params(process.config());
    auto mailboxes = virtual_delivery::Mailboxes::open(params, process.common());
    if (!mailboxes)
        log::fatal(mailboxes.error().text);
    auto rules = deliver::rules(process);
    daemon::add_tables(rules, process.config());
    daemon::add_users(rules, sandbox::Path::Use::see);  // whom mailboxes belong to is found out before a worker is sealed
    rules.add({sandbox::Calls::write_files}).add(sandbox::Path::Use::write, params.virtual_mailbox_base);
    process.keep_root(rules);
    const bool is_root = ::geteuid() == 0;  // else all mailboxes are the calling user's
    deliver::Options options;
    options.as_owner = true;
    options.default_owner = "nobody";  // whose mailboxes have no owner in the tables: deferred with a clear text
    options.renew = [&] { mailboxes->renew(); };
    return deliver::run(process, options, [&](deliver::Job& job, const auto&) {
        virtual_delivery::Delivery delivery(params, *mailboxes, job.request(), job.message(), is_root);
        for (std::size_t index = 0; index < job.recipients(); ++index)
            job.report(index, delivery.to(job.recipient(index)), "virtual");
    });
}
