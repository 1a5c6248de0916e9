#include "service/return_ticket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/encode.h"
#include "base/file.h"
#include "base/text.h"

using namespace mta;
using namespace mta::service;

namespace {

class Place {
public:
    Place()
    {
        char name[] = "/tmp/return-ticket.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
    }
    ~Place() { std::filesystem::remove_all(path_); }
    Place(const Place&) = delete;
    std::string secret() const { return path_ + "/return.secret"; }

private:
    std::string path_;
};

ReturnSecret fresh(const Place& place)
{
    REQUIRE(Secret::make(place.secret()));
    auto secret = Secret::load(place.secret());
    REQUIRE(secret);
    return ReturnSecret(*std::move(secret));
}

const Account anna{"anna@example.com", "5000:5001", "/home/anna", "maildir:/home/anna/Maildir"};

// The ticket with another account in it, under the old signature.
std::string with_other_user(const std::string& ticket)
{
    auto begin = ticket.find('.') + 1, end = ticket.rfind('.');
    auto claim = *base64_decode(ticket.substr(begin, end - begin));
    claim.replace(claim.find("anna@"), 4, "root");
    return cat(ticket.substr(0, begin), base64_encode(claim), ticket.substr(end));
}

}  // namespace

TEST_CASE("a session comes back to the account that it had", "[service][ticket]")
{
    const Place place;
    const auto secret = fresh(place);
    const auto ticket = secret.ticket(anna, "imap");
    CHECK(ReturnSecret::is_return_ticket(ticket));
    const auto account = secret.redeem(ticket, "imap");
    REQUIRE(account);
    CHECK(account->user == anna.user);
    CHECK(account->owner == anna.owner);
    CHECK(account->home == anna.home);
    CHECK(account->mail == anna.mail);
    CHECK(secret.redeem(ticket, "imap"));  // as often as it waits
}

TEST_CASE("tickets that are not ours give no account", "[service][ticket]")
{
    const Place place, other_place;
    const auto secret = fresh(place);
    const auto good = secret.ticket(anna, "imap");
    const std::string bad[] = {"", "return.", "return..", "return.x.y", good.substr(7), good.substr(0, good.size() - 1), good.substr(0, good.size() - 2),
                               good.substr(0, good.rfind('.')), good.substr(0, good.rfind('.') + 1), with_other_user(good),
                               fresh(other_place).ticket(anna, "imap"), cat(good, "00"), "0123456789abcdef"};
    for (const auto& ticket : bad) {
        INFO(ticket);
        CHECK_FALSE(secret.redeem(ticket, "imap"));
    }
    CHECK_FALSE(secret.redeem(good, "pop3"));
    CHECK(secret.redeem(good, "imap"));
}

TEST_CASE("a value cannot reach into the next one of a ticket", "[service][ticket]")
{
    const Place place;
    const auto secret = fresh(place);
    const Account tricky{std::string("a\0owner\0" "0:0", 11), "5000:5001", "", "maildir:/x"};
    const auto account = secret.redeem(secret.ticket(tricky, "imap"), "imap");
    REQUIRE(account);
    CHECK(account->owner == "5000:5001");
}

TEST_CASE("who has wiped the secret makes and redeems nothing any more", "[service][ticket]")
{
    const Place place;
    auto secret = fresh(place);
    const auto ticket = secret.ticket(anna, "imap");
    secret.wipe();
    CHECK(secret.is_wiped());
    CHECK(secret.ticket(anna, "imap").empty());
    CHECK_FALSE(secret.redeem(ticket, "imap"));
}

TEST_CASE("a secret that others could know or have made is not used", "[service][ticket]")
{
    const Place place;
    CHECK_FALSE(Secret::load(place.secret()));
    REQUIRE(Secret::make(place.secret()));
    CHECK(Secret::load(place.secret()));
    SECTION("readable") { REQUIRE(::chmod(place.secret().c_str(), 0640) == 0); }
    SECTION("short") { REQUIRE(::truncate(place.secret().c_str(), 31) == 0); }
    SECTION("a link")
    {
        REQUIRE(::rename(place.secret().c_str(), (place.secret() + "2").c_str()) == 0);
        REQUIRE(::symlink((place.secret() + "2").c_str(), place.secret().c_str()) == 0);
    }
    SECTION("of another user")
    {
        if (::geteuid() != 0)
            return;
        REQUIRE(::chown(place.secret().c_str(), 65534, 65534) == 0);
    }
    CHECK_FALSE(Secret::load(place.secret()));
}

TEST_CASE("each start has another secret", "[service][ticket]")
{
    const Place place;
    const auto old = fresh(place);
    const auto ticket = old.ticket(anna, "imap");
    CHECK_FALSE(fresh(place).redeem(ticket, "imap"));
    struct stat status {};
    REQUIRE(::stat(place.secret().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
}
