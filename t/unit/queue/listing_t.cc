#include "queue/listing.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/text.h"
#include "queue/id.h"
#include "t/unit/queue/fixture.h"

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

TEST_CASE("mail that cannot be read is listed with the reason", "[queue]")
{
    mta::queue_test::TemporaryQueue queue;
    Directory directory(queue.root);
    Envelope envelope;
    envelope.queue_id = new_id();
    envelope.reverse_path = "a@sender.example";
    envelope.arrival = 1700000000123456;
    envelope.recipients = {{"one@x.example", "", "", ""}};
    auto writer = directory.add(envelope);
    REQUIRE((writer && writer->write("Subject: x\r\n\r\n") && writer->commit()));
    auto damaged = new_id(), linked = new_id();
    auto hold = [&](const std::string& id) { return queue.root + "/" + Directory::path_of(State::hold, id); };
    for (const auto& id : {damaged, linked})
        std::filesystem::create_directories(std::filesystem::path(hold(id)).parent_path());
    std::filesystem::copy_file(queue.root + "/" + Directory::path_of(State::incoming, envelope.queue_id), hold(damaged));
    std::filesystem::resize_file(hold(damaged), 20);
    std::filesystem::create_symlink("/etc/passwd", hold(linked));
    std::vector<Listed> found;
    REQUIRE(list_queue(directory, [&](const Listed& one) { found.push_back(one); }));
    REQUIRE(found.size() == 3);
    CHECK(found[0].queue_id == envelope.queue_id);
    CHECK(found[0].sender == "a@sender.example");
    for (const auto& [index, id] : {std::pair(1, damaged), std::pair(2, linked)}) {
        INFO(index);
        const auto& one = found[static_cast<std::size_t>(index)];
        CHECK(one.queue_name == "hold");
        CHECK(one.queue_id == id);
        CHECK(one.sender == "?");
        REQUIRE(one.recipients.size() == 1);
        CHECK(one.recipients[0].address == "?");
        CHECK(one.recipients[0].reason.starts_with("this mail cannot be read: "));
    }
    CHECK(found[1].size == 20);
}
