#include <catch2/catch.hpp>
#include <filesystem>

#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// Tables that are missing, damaged or changed while the suite runs.
namespace mta {

namespace {

// The reply to a recipient.
std::string rcpt(test::Suite& suite, const std::string& recipient)
{
    auto client = suite.smtp();
    client.talk({{"", "220"}, {"EHLO client.test", "250"}, {"MAIL FROM:<a@client.test>", "250"}});
    return client.command(cat("RCPT TO:<", recipient, ">"));
}

bool becomes(test::Suite& suite, const std::string& recipient, std::string_view reply)
{
    return test::wait_for(suite.directory(), [&] { return rcpt(suite, recipient).starts_with(reply); });
}

}  // namespace

TEST_CASE("a missing table is temporary trouble for those who need it, and newaliases ends it", "[system][table]")
{
    test::Suite suite(test::Settings{{"alias_maps", "hash:$config_directory/names"}, {"alias_database", "$alias_maps"}});
    CHECK(rcpt(suite, "user1@example.test").starts_with("250 "));
    CHECK(rcpt(suite, "boss@mail.example.test").starts_with("451 4.3.0 <boss@mail.example.test>: Temporary lookup failure"));
    suite.log_line("postfix/trivial-rewrite.*warning: hash:.*names is unavailable: open database .*names\\.db: No such file or directory \\(run \"postmap hash:");
    CHECK(suite.tool("buuta check").output.find("names.db: No such file or directory") != std::string::npos);

    suite.write_file("names", "boss: user3@example.test\n");
    CHECK(suite.tool("newaliases").status == 0);
    REQUIRE(becomes(suite, "boss@mail.example.test", "250 "));
    auto subject = test::unique();
    suite.send(test::message(subject), {"boss@mail.example.test"});
    suite.arrival(3, subject);
}

TEST_CASE("a changed table counts from now on, without a reload", "[system][table]")
{
    test::Suite suite(test::Settings{{"alias_maps", "hash:$config_directory/names"}, {"alias_database", "$alias_maps"}, {"mynetworks", "cidr:$config_directory/friends"}});
    CHECK(rcpt(suite, "x@elsewhere.test").starts_with("451 4.3.0"));  // nobody knows yet who our friends are
    suite.write_file("names", "boss: user3@example.test\n");
    suite.write_file("friends", "192.0.2.0/24 yes\n");
    REQUIRE(suite.tool("newaliases").status == 0);
    REQUIRE(becomes(suite, "boss@mail.example.test", "250 "));
    for (int user : {3, 4, 5}) {
        suite.write_file("names", cat("boss: user", user, "@example.test\n"));
        REQUIRE(suite.tool("newaliases").status == 0);
        auto subject = test::unique();
        suite.send(test::message(subject), {"boss@mail.example.test"});
        suite.arrival(user, subject);
    }
    auto mailboxes = suite.get("CONFIG_DIRECTORY") + "/vmailbox";
    REQUIRE(suite.run(cat("sed s/user1@/newcomer@/ ", mailboxes, " > ", mailboxes, ".new; mv ", mailboxes, ".new ", mailboxes)).status == 0);
    REQUIRE(becomes(suite, "newcomer@example.test", "250 "));
    auto subject = test::unique();
    suite.send(test::message(subject), {"newcomer@example.test"});
    suite.arrival(1, subject);

    CHECK(rcpt(suite, "x@elsewhere.test").starts_with("454 4.7.1 <x@elsewhere.test>: Relay access denied"));
    suite.write_file("friends", "127.0.0.0/8 yes\n");
    CHECK(rcpt(suite, "x@elsewhere.test").starts_with("250 "));
}

TEST_CASE("a damaged table answers that it cannot tell, never that there is nothing", "[system][table]")
{
    test::Suite suite(test::Settings{{"virtual_mailbox_maps", "hash:$config_directory/boxes"}});
    suite.write_file("boxes", "user1@example.test example.test/user1/\n");
    REQUIRE(suite.tool("postmap hash:" + suite.get("CONFIG_DIRECTORY") + "/boxes").status == 0);
    REQUIRE(becomes(suite, "user1@example.test", "250 "));
    REQUIRE(becomes(suite, "other@example.test", "550 5.1.1"));
    auto file = suite.get("CONFIG_DIRECTORY") + "/boxes.db";
    auto size = std::filesystem::file_size(file);
    REQUIRE(suite.run(cat("head -c ", size, " /dev/urandom > ", file, ".new; mv ", file, ".new ", file)).status == 0);
    suite.stop();
    suite.start();
    for (std::string recipient : {"user1@example.test", "other@example.test"})
        CHECK(rcpt(suite, recipient).starts_with("451 4.3.0"));
    CHECK(rcpt(suite, "postmaster@mail.example.test").starts_with("250 "));
    REQUIRE(suite.tool("postmap hash:" + suite.get("CONFIG_DIRECTORY") + "/boxes").status == 0);
    CHECK(becomes(suite, "user1@example.test", "250 "));
    CHECK(becomes(suite, "other@example.test", "550 5.1.1"));
}

}  // namespace mta
