#include <catch2/catch.hpp>

#include "../front/fixture.h"
#include "auth/penalty.h"

using namespace mta;
using namespace mta::auth;
using namespace std::chrono_literals;

TEST_CASE("a client may fail ten times a minute and fifty times a day", "[auth][limits]")
{
    Penalty penalty(15s, {config::Limit(10), config::Limit(50)});
    auto now = Penalty::Clock::now();
    auto limit = [&](const std::string& address, const std::string& user) {
        auto exceeded = penalty.exceeded(address, user, now);
        return exceeded ? cat(exceeded->limit, " ", exceeded->failures) : std::string();
    };
    for (int i = 0; i < 10; ++i) {
        CHECK(limit("192.0.2.1", "anna").empty());
        penalty.failed("192.0.2.1", cat("user", i), now);
    }
    CHECK(limit("192.0.2.1", "anna") == "auth_failure_minute_limit 10");
    CHECK(limit("192.0.2.2", "anna").empty());
    now += 59s;
    CHECK(limit("192.0.2.1", "anna") == "auth_failure_minute_limit 10");
    now += 1s;
    for (int i = 0; i < 40; ++i) {
        CHECK(limit("192.0.2.1", "anna").empty());
        penalty.failed("192.0.2.1", "anna", now);
        now += 10s;
    }
    CHECK(limit("192.0.2.1", "anna") == "auth_failure_day_limit 50");
    now += 23h;
    CHECK(limit("192.0.2.1", "anna") == "auth_failure_day_limit 50");
    now += 1h;
    CHECK(limit("192.0.2.1", "anna").empty());
}

TEST_CASE("limits of failures count networks, and spare who has been here before", "[auth][limits]")
{
    Penalty penalty(15s, {config::Limit(2), config::Limit()});
    auto now = Penalty::Clock::now();
    penalty.succeeded("2001:db8::1", "anna", now);
    penalty.failed("2001:db8::2", "otto", now);
    penalty.failed("2001:db8::3", "otto", now);
    CHECK(penalty.exceeded("2001:db8::4", "otto", now));
    CHECK_FALSE(penalty.exceeded("2001:db8:0:1::4", "otto", now));
    CHECK_FALSE(penalty.exceeded("2001:db8::4", "anna", now));
    CHECK(penalty.exceeded("2001:db8::4", "anna", now + 25h) == std::nullopt);
    for (int i = 0; i < 5; ++i)
        penalty.failed("", "otto", now);
    CHECK_FALSE(penalty.exceeded("", "otto", now));  // a program that does not tell who its clients are
}

TEST_CASE("who has failed too often is told so without a look at the password", "[auth][front][limits]")
{
    front::test::Site site("imapd", "imapd_tls_auth_only=no\nauth_failure_minute_limit=2\nauth_penalty_limit=0\nimapd_login_error_limit=3\n", true);
    auto client = site.connect();
    client.line();
    auto login = [&](std::string_view password) {
        client.say(cat("a LOGIN anna@example.com ", password, "\r\n"));
        return client.line();
    };
    CHECK(login("wrong") == "a NO [AUTHENTICATIONFAILED] Authentication failed.");
    CHECK(login("wrong") == "a NO [AUTHENTICATIONFAILED] Authentication failed.");
    CHECK(login("secret") == "a NO [LIMIT] too many failed logins from your address.");
    CHECK(login("secret") == "a NO [LIMIT] too many failed logins from your address.");
    CHECK(site.logged("warning: limit hit: auth_failure_minute_limit source=[127.0.0.1] value=2\n"));
}
