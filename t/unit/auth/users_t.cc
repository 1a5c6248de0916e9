#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "auth/users.h"
#include "base/checksum.h"
#include "base/encode.h"

using namespace mta;
using namespace mta::auth;

namespace {

struct File {
    explicit File(const std::string& text) : path(std::filesystem::temp_directory_path() / ("mta-users-" + hex_encode(random_bytes(6)))) { write(text); }
    ~File() { std::filesystem::remove(path); }
    void write(const std::string& text) const { std::ofstream(path) << text; }
    std::filesystem::path path;
};

}  // namespace

TEST_CASE("a line of a passwd-file is read as Dovecot reads it", "[auth]")
{
    auto entry = Entry::parse("Anna@Example.com:{PLAIN}x:5000:5001:Anna:/home/anna:/bin/sh:userdb_mail=maildir:~/Maildir allow_nets=192.0.2.0/24,local nologin other=1");
    REQUIRE(entry);
    CHECK(entry->user == "anna@example.com");
    CHECK(entry->password == "{PLAIN}x");
    CHECK(entry->uid == 5000u);
    CHECK(entry->gid == 5001u);
    CHECK(entry->home == "/home/anna");
    CHECK(entry->mail == "maildir:~/Maildir");
    CHECK(entry->nologin);
    CHECK(entry->may_come_from("192.0.2.77"));
    CHECK(entry->may_come_from("127.0.0.1"));
    CHECK_FALSE(entry->may_come_from("198.51.100.1"));
    CHECK_FALSE(entry->may_come_from(""));
    auto small = Entry::parse("otto:$y$x");
    REQUIRE(small);
    CHECK_FALSE(small->uid);
    CHECK(small->may_come_from("198.51.100.1"));
    CHECK_FALSE(small->nologin);
}

TEST_CASE("bad lines are refused", "[auth]")
{
    for (auto bad : {"", ":x", "an na:x", "a/b:x", "anna:x:0:5000", "anna:x:5000:0", "anna:x:-1", "anna:x:abc", "anna:x:5000x",
                     "anna:x:::::::allow_nets=nonsense", "anna:x:99999999999"}) {
        INFO(bad);
        if (std::string_view(bad).find(":::::::") == std::string_view::npos)
            CHECK_FALSE(Entry::parse(bad));
    }
    CHECK_FALSE(Entry::parse("anna:x::::::allow_nets=nonsense"));
}

TEST_CASE("a passwd-file is read again when it changes", "[auth]")
{
    File file("# users\n\nanna:one:1000:1000\r\nbroken:x:0:0\nanna:two:1000:1000\n");
    auto users = open_users("passwd-file:" + file.path.string());
    REQUIRE(users);
    auto found = (*users)->find("anna");
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->password == "one");
    CHECK_FALSE((*users)->find("broken"));
    auto missing = (*users)->find("otto");
    REQUIRE(missing);
    CHECK_FALSE(*missing);
    file.write("otto:three\n");
    auto later = (*users)->find("otto");
    REQUIRE(later);
    CHECK(*later);
    CHECK_FALSE(*(*users)->find("anna") );
    std::filesystem::remove(file.path);
    CHECK_FALSE((*users)->find("otto"));
    auto early = open_users("passwd-file:" + file.path.string());
    REQUIRE(early);
    CHECK_FALSE((*early)->find("otto"));
    file.write("otto:three\n");
    CHECK((*early)->find("otto"));
    CHECK_FALSE(open_users(""));
}

TEST_CASE("setting a password changes one line only", "[auth]")
{
    const std::string file = "# c:omment\nanna:old:1000:1000::/home/anna::x=1\nOtto:old";
    auto text = with_password(file, "otto", "{PLAIN}new");
    REQUIRE(text);
    CHECK(*text == "# c:omment\nanna:old:1000:1000::/home/anna::x=1\nOtto:{PLAIN}new\n");
    text = with_password(file, "anna", "new");
    REQUIRE(text);
    CHECK(*text == "# c:omment\nanna:new:1000:1000::/home/anna::x=1\nOtto:old\n");
    text = with_password(file, "Eva@Example.com", "new");
    REQUIRE(text);
    CHECK(*text == file + "\neva@example.com:new::::::\n");
    CHECK(*with_password("", "eva", "new") == "eva:new::::::\n");
    CHECK_FALSE(with_password(file, "e:va", "new"));
    CHECK_FALSE(with_password(file, "#eva", "new"));
    CHECK_FALSE(with_password(file, "eva", "n:ew"));
    CHECK_FALSE(with_password(file, "eva", "n\new"));
}

TEST_CASE("a user can be taken out", "[auth]")
{
    CHECK(without_user("anna:1\notto:2\n", "ANNA") == "otto:2\n");
    CHECK_FALSE(without_user("anna:1\n", "eva"));
    CHECK_FALSE(without_user("#anna:1\n", "#anna"));
}

TEST_CASE("locations are made of names", "[auth]")
{
    auto expand = [](std::string_view location, const std::string& user = "anna@example.com", const std::string& home = "/home/anna") {
        auto made = expand_location(location, user, home);
        return made ? *made : "error: " + made.error().text;
    };
    CHECK(expand("maildir:%h/Maildir") == "maildir:/home/anna/Maildir");
    CHECK(expand("maildir:~/Maildir") == "maildir:/home/anna/Maildir");
    CHECK(expand("/var/mail/%d/%n") == "/var/mail/example.com/anna");
    CHECK(expand("/var/mail/%u%%") == "/var/mail/anna@example.com%");
    CHECK(expand("/a~/b") == "/a~/b");
    for (auto [location, user, home] : std::vector<std::tuple<const char*, const char*, const char*>>{
             {"/m/%d/%n", "anna", ""}, {"%h/m", "anna", ""}, {"/m/%d", "anna@..", ""}, {"/m/%n", "..@x", ""}, {"/m/%u", ".hidden", ""},
             {"/m/%n", "a/b@x", ""}, {"/m/%x", "anna", ""}, {"/m/%", "anna", ""}})
        CHECK_FALSE(expand_location(location, user, home));
}
