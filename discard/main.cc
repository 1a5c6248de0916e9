#include "deliver/agent.h"
#include "deliver/reason.h"

// Every recipient is delivered to nowhere; the next hop says why, for the log.
int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "discard");
    process.drop_privileges();
    return deliver::run(process, {}, [](deliver::Job& job, const auto&) {
        auto reason = deliver::split_reason(job.request().nexthop, '2', "2.0.0");
        job.report_rest(deliver::sent(reason.text, reason.status), "none");
    });
}
