#include "maildir/folder_name.h"

#include <catch2/catch.hpp>

#include "maildir/mailbox.h"

namespace mta::maildir {

TEST_CASE("folder names are made normal", "[maildir]")
{
    CHECK(*normal_name("inbox") == "INBOX");
    CHECK(*normal_name("Inbox.Sub") == "INBOX.Sub");
    CHECK(*normal_name("INBOXES") == "INBOXES");
    CHECK(*normal_name("A.b C") == "A.b C");
    CHECK(*normal_name("A.") == "A");
    CHECK(*normal_name("&U,BTFw-") == "&U,BTFw-");
    CHECK(*normal_name(std::string(254, 'x')) == std::string(254, 'x'));
}

TEST_CASE("names that cannot be stored are refused", "[maildir]")
{
    for (const auto& name : std::initializer_list<std::string>{"", ".", "..", ".A", "A..B", "A..", "a/b", "../x", "a\nb", "a\x7f", "\xc3\xa4", "a*", "a%"}) {
        CAPTURE(name);
        REQUIRE_FALSE(normal_name(name));
        CHECK(normal_name(name).error().status == bad_name);
    }
    CHECK_FALSE(normal_name(std::string("a\0b", 3)));
    CHECK_FALSE(normal_name(std::string(255, 'x')));
}

TEST_CASE("directories and folders correspond", "[maildir]")
{
    CHECK(directory_of("INBOX").empty());
    CHECK(directory_of("A.B") == ".A.B");
    CHECK(directory_of("INBOX.B") == ".INBOX.B");
    CHECK(folder_of(".A.B") == "A.B");
    for (const auto* entry : {"cur", ".", "..", "..A", ".A..B", ".A.", ".inbox", ".INBOX", ".inbox.A", ".a*", ""})
        CHECK_FALSE(folder_of(entry));
}

TEST_CASE("the parents of a folder are all names above it", "[maildir]")
{
    CHECK(parents_of("A.B.C") == std::vector<std::string>{"A", "A.B"});
    CHECK(parents_of("A").empty());
}

TEST_CASE("usual names have their special use", "[maildir]")
{
    CHECK(usual_special_use("sent") == "\\Sent");
    CHECK(usual_special_use("Spam") == "\\Junk");
    CHECK(usual_special_use("Other").empty());
    CHECK(usual_special_use("A.Sent").empty());
}

}  // namespace mta::maildir
