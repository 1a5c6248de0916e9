#include "deliver/agent.h"
#include "mail/status.h"

// Every recipient is delivered to nowhere; the next hop says why, for the log.
int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "discard");
    process.drop_privileges(deliver::rules(process));
    return deliver::run(process, {}, [](deliver::Job& job, const auto&) {
        auto [status, text] = mail::split_status(job.request().nexthop, "2.0.0");
        job.report_rest(deliver::sent(std::string(text), status.front() == '2' ? status : "2.0.0"), "none");
    });
}
