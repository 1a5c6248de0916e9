#include "qmgr/dsn_id.h"

#include <catch2/catch.hpp>
#include <set>

#include "queue/id.h"

using namespace mta;

namespace {

queue::Outcome outcome(long number, const std::string& action, std::int64_t time)
{
    queue::Outcome outcome;
    outcome.number = number;
    outcome.action = action;
    outcome.time = time;
    return outcome;
}

}  // namespace

TEST_CASE("the queue ID of a DSN follows from what it tells", "[qmgr]")
{
    constexpr std::int64_t time = 1'700'000'000'000'000;
    queue::Mail mail;
    mail.envelope.queue_id = queue::new_id(time, 1);
    mail.envelope.recipients = {{"a@x.test", "", "", "SUCCESS,FAILURE"}, {"b@x.test", "", "", ""}, {"c@x.test", "", "", ""}};
    mail.outcomes.resize(3);
    for (auto kind : qmgr::dsn_kinds)
        CHECK(qmgr::dsn_id(mail, kind).empty());
    mail.outcomes[0] = outcome(0, "sent", time + 1);
    mail.outcomes[1] = outcome(1, "bounced", time + 2);
    mail.outcomes[2] = outcome(2, "deferred", time + 3);
    std::set<std::string> ids;
    for (auto kind : qmgr::dsn_kinds) {
        auto id = qmgr::dsn_id(mail, kind);
        CHECK(queue::is_id(id));
        CHECK(ids.insert(id).second);
        CHECK(qmgr::dsn_id(mail, kind) == id);
    }
    auto failure = qmgr::dsn_id(mail, "failure");
    CHECK(failure.substr(0, 10) == queue::new_id(time + 2, 0).substr(0, 10));

    mail.outcomes[2] = outcome(2, "bounced", time + 2);  // tells of one more, at the same time
    CHECK(qmgr::dsn_id(mail, "failure") != failure);
    CHECK(qmgr::dsn_id(mail, "delay").empty());
    mail.add_note({std::string(queue::failures_told), time + 4});
    CHECK(qmgr::dsn_id(mail, "failure").empty());
    CHECK_FALSE(qmgr::dsn_id(mail, "success").empty());
    mail.add_note({std::string(queue::successes_told), time + 4});
    CHECK(qmgr::dsn_id(mail, "success").empty());

    mail.outcomes[2] = outcome(2, "deferred", time + 5);
    CHECK_FALSE(qmgr::dsn_id(mail, "delay").empty());
    mail.add_note({std::string(queue::delay_warned), time + 6});
    CHECK(qmgr::dsn_id(mail, "delay").empty());
}
