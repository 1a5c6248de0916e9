#include "qmgr/visitors.h"

#include <catch2/catch.hpp>

#include <unistd.h>

#include "base/text.h"

using namespace mta;

namespace {

constexpr uid_t nobody = 65534, stranger = 4000000;  // the second has no name

Result<void> answer(const std::string& main_cf, uid_t user, std::string_view request)
{
    auto config = *config::Config::parse(main_cf);
    const qmgr::Params params(config);
    auto visitors = qmgr::Visitors::open(params);
    REQUIRE(visitors);
    return visitors->may_ask(user, request);
}

}  // namespace

TEST_CASE("everybody may flush the queue, and nobody but the mail system may tell what is in it", "[qmgr]")
{
    for (const auto* request : {"flush", "flush_id", "flush_site", "orphan"})
        CHECK(answer("", nobody, request));
    for (const auto* request : {"new", "released", "wakeup", "anything", ""}) {
        INFO(request);
        CHECK(answer("", 0, request));
        CHECK(answer("", ::geteuid(), request));
        auto refused = answer("", nobody, request);
        REQUIRE(!refused);
        CHECK(refused.error().is_permanent());
    }
}

TEST_CASE("who may flush the queue can be listed", "[qmgr]")
{
    CHECK(answer("authorized_flush_users = root, nobody\n", nobody, "flush"));
    CHECK(answer("authorized_flush_users = root\n", 0, "flush"));
    CHECK(answer("authorized_flush_users = nobody\n", ::geteuid(), "flush_id"));
    auto refused = answer("authorized_flush_users = !nobody, static:anyone\n", nobody, "flush_site");
    REQUIRE(!refused);
    CHECK(refused.error().text == "User nobody(65534) is not allowed to flush the mail queue");
    CHECK(refused.error().is_permanent());
    refused = answer("authorized_flush_users = nobody\n", stranger, "flush");
    REQUIRE(!refused);
    CHECK(refused.error().text == "User unknown(4000000) is not allowed to flush the mail queue");
    CHECK(answer("authorized_flush_users = !nobody, static:anyone\n", stranger, "flush"));
    auto unknown = answer("authorized_flush_users = fail:trouble\n", nobody, "flush");
    REQUIRE(!unknown);
    CHECK(!unknown.error().is_permanent());
}
