#include "queue/listing.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

using namespace mta::queue;

namespace {

struct TimeZone {
    TimeZone() { ::setenv("TZ", "UTC", 1), ::tzset(); }
    ~TimeZone() { ::unsetenv("TZ"), ::tzset(); }
};

Listed mail(const std::string& queue_name, const std::string& sender, std::vector<Listed::Open> recipients)
{
    return {queue_name, "4jdNLX1XdBz1c9X7", 1796041028, 240, false, sender, std::move(recipients)};
}

}  // namespace

// As Debian's Postfix prints it with enable_long_queue_ids.
TEST_CASE("the queue is listed in Postfix's columns", "[queue]")
{
    TimeZone utc;
    MailqFormat format;
    CHECK(format.mail(mail("deferred", "", {{"zed@later.test", "", "not now"}})) ==
          "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
          "4jdNLX1XdBz1c9X7       240 Mon Nov 30 12:17:08 MAILER-DAEMON\n"
          "                                                                     (not now)\n"
          "                                               zed@later.test\n");
    CHECK(format.mail(mail("active", "a@b.test", {{"x@later.test", "", "not now"}, {"y@later.test", "", "not now"}, {"z@later.test", "", ""}})) ==
          "\n4jdNLX1XdBz1c9X7*      240 Mon Nov 30 12:17:08 a@b.test\n"
          "                                                                     (not now)\n"
          "                                               x@later.test\n"
          "                                               y@later.test\n"
          "                                               z@later.test\n");
    auto held = mail("hold", "a@b.test", {});
    held.forced_expire = true;
    CHECK(format.mail(held) == "\n4jdNLX1XdBz1c9X7!#      240 Mon Nov 30 12:17:08 a@b.test\n");
    CHECK(format.end() == "\n-- 0 Kbytes in 3 Requests.\n");
    held.queue_id = "4j\x1b[2J";
    CHECK(format.mail(held).find('\x1b') == std::string::npos);
    CHECK(MailqFormat().end() == "Mail queue is empty\n");
}

TEST_CASE("what showq sends is what was listed", "[queue]")
{
    auto sent = mail("deferred", "a@b.test", {{"x@later.test", "alias@b.test", "not now"}, {"y@later.test", "", ""}});
    sent.forced_expire = true;
    auto bytes = encode(sent);
    for (std::size_t have = 0; have < bytes.size(); ++have) {
        Listed none;
        CHECK(*decode(bytes.substr(0, have), none) == 0);
    }
    Listed received;
    REQUIRE(*decode(bytes, received) == bytes.size());
    CHECK(json_line(received) ==
          "{\"queue_name\": \"deferred\", \"queue_id\": \"4jdNLX1XdBz1c9X7\", \"arrival_time\": 1796041028, \"message_size\": 240, \"forced_expire\": true, "
          "\"sender\": \"a@b.test\", \"recipients\": [{\"orig_address\": \"alias@b.test\", \"address\": \"x@later.test\", \"delay_reason\": \"not now\"}, "
          "{\"address\": \"y@later.test\"}]}\n");
}
