#include "error/outcome.h"

int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "error");
    process.drop_privileges(deliver::rules(process));
    return deliver::run(process, {}, [&](deliver::Job& job, const auto&) {
        job.report_rest(error::outcome_for(process.service(), job.request().nexthop), "none");
    });
}
