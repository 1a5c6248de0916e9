#include "mail/address.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;

TEST_CASE("a path is taken apart into the internal form", "[mail]")
{
    struct Case { std::string path, local, domain; };
    for (const auto& c : {
             Case{"<>", "", ""},
             {"<user@example.com>", "user", "example.com"},
             {"<postmaster>", "postmaster", ""},
             {"<Postmaster@Example.COM>", "Postmaster", "Example.COM"},
             {"<@one.example,@two.example:user@example.com>", "user", "example.com"},
             {"<@one.example:user@example.com>", "user", "example.com"},
             {"<\"a b\"@example.com>", "a b", "example.com"},
             {"<\"a@b\"@example.com>", "a@b", "example.com"},
             {"<\"a>b\"@example.com>", "a>b", "example.com"},
             {"<\"a\\\"b\\\\c\"@example.com>", "a\"b\\c", "example.com"},
             {"<\"\\u\\s\\e\\r\"@example.com>", "user", "example.com"},
             {"<user@[192.0.2.1]>", "user", "[192.0.2.1]"},
             {"<user@[IPv6:2001:db8::1]>", "user", "[IPv6:2001:db8::1]"},
             {"<!#$%&'*+-/=?^_`{|}~@example.com>", "!#$%&'*+-/=?^_`{|}~", "example.com"},
             {"<user%other.example@example.com>", "user%other.example", "example.com"},
             {"<other.example!user@example.com>", "other.example!user", "example.com"},
             {"<user@example.com.>", "user", "example.com."},
             {"<user@under_score.example>", "user", "under_score.example"},
         }) {
        CAPTURE(c.path);
        auto address = mail::parse_path(c.path);
        REQUIRE(address);
        CHECK(address->local_part == c.local);
        CHECK(address->domain == c.domain);
    }
}

TEST_CASE("what is not a path is refused", "[mail]")
{
    for (std::string path : {
             "", "user@example.com", "<user@example.com", "user@example.com>", "<user@>", "<@example.com>", "<@>", "< user@example.com>",
             "<user @example.com>", "<user@example.com >", "<user@example.com> ", "<user@example.com>x", "<us er@example.com>",
             "<user..name@example.com>", "<.user@example.com>", "<user.@example.com>", "<user@exa mple.com>", "<user@-example.com>",
             "<user@example-.com>", "<user@example..com>", "<user@.example.com>", "<user@192.0.2.1>", "<user@[192.0.2.1>", "<user@[]>",
             "<user@[192.0.2.256]>", "<user@[2001:db8::1]>", "<user@[IPv6:192.0.2.1]>", "<user@[IPv6:zz]>", "<user@[192.0.2.1]x>",
             "<user@a@b>", "<a(b)@example.com>", "<a,b@example.com>", "<a:b@example.com>", "<a;b@example.com>", "<a\\b@example.com>",
             "<\"user@example.com>", "<\"\"@example.com>", "<\"a\"b@example.com>", "<a\"b\"@example.com>", "<\"a\\\"@example.com>",
             "<@one.example user@example.com>", "<@one.example,user@example.com>", "<@one.example:>", "<@:user@example.com>",
             "<@one.example,:user@example.com>", "<<user@example.com>>", "<\"a\nb\"@example.com>", "<a\tb@example.com>", "<\x7f@example.com>",
         }) {
        CAPTURE(path);
        auto address = mail::parse_path(path);
        REQUIRE_FALSE(address);
        CHECK(address.error().is_permanent());
    }
}

TEST_CASE("the limits of RFC 5321 hold to the byte", "[mail]")
{
    std::string local(64, 'l');
    std::string label(61, 'd');
    std::string domain = cat(label, ".", label, ".", label, ".", label, ".example");  // 255
    REQUIRE(domain.size() == 255);
    CHECK(mail::parse_path(cat("<", local, "@", domain, ">")));
    CHECK_FALSE(mail::parse_path(cat("<", local, "l@", domain, ">")));
    CHECK_FALSE(mail::parse_path(cat("<", local, "@", "a", domain, ">")));
    CHECK_FALSE(mail::parse_path(cat("<", local, "@", std::string(64, 'd'), ".example>")));
    CHECK_FALSE(mail::parse_path(cat("<\"", local, "l\"@example.com>")));
    CHECK_FALSE(mail::parse_path(cat("<", std::string(2000, '@'), ">")));
}

TEST_CASE("bytes above 127 need SMTPUTF8 and must be UTF-8", "[mail]")
{
    for (std::string path : {"<bưu@example.com>", "<\"bưu tá\"@example.com>", "<user@bưu.example>"}) {
        CAPTURE(path);
        auto refused = mail::parse_path(path);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == "5.6.7");
        CHECK(mail::parse_path(path, {true, true}));
    }
    CHECK_FALSE(mail::parse_path("<\xff@example.com>", {true, true}));
    CHECK_FALSE(mail::parse_path("<\"\xc3\"@example.com>", {true, true}));
    CHECK_FALSE(mail::parse_path("<user@\xff.example>", {true, true}));
}

TEST_CASE("brackets can be optional", "[mail]")
{
    mail::Syntax lenient{false, false};
    CHECK(mail::parse_path("user@example.com", lenient)->internal() == "user@example.com");
    CHECK(mail::parse_path("<user@example.com>", lenient)->internal() == "user@example.com");
    CHECK_FALSE(mail::parse_path("user@example.com>", lenient));
    CHECK_FALSE(mail::parse_path("", lenient));
}

TEST_CASE("internal and external form are converted into each other", "[mail]")
{
    struct Case { std::string internal, external; };
    for (const auto& c : {Case{"user@example.com", "user@example.com"}, {"", ""}, {"user", "user"}, {"a b@example.com", "\"a b\"@example.com"},
                          {"a@b@example.com", "\"a@b\"@example.com"}, {"a\"b\\@example.com", "\"a\\\"b\\\\\"@example.com"},
                          {".a@example.com", "\".a\"@example.com"}, {"a..b@example.com", "\"a..b\"@example.com"}, {"a b", "\"a b\""},
                          {"@example.com", "\"\"@example.com"}}) {
        CAPTURE(c.internal);
        auto address = mail::from_internal(c.internal);
        CHECK(address.internal() == c.internal);
        CHECK(address.external() == c.external);
        if (!address.local_part.empty()) {
            auto again = mail::parse_external(c.external);
            REQUIRE(again);
            CHECK(*again == address);
        }
    }
    CHECK_FALSE(mail::parse_external("a b@example.com"));
    CHECK_FALSE(mail::parse_external(""));
}

TEST_CASE("a path ends at its own bracket, not at one in quotes", "[mail]")
{
    CHECK(mail::path_length("<a@b> SIZE=1") == 5);
    CHECK(mail::path_length("<\"x> y\"@b> SIZE=1") == 10);
    CHECK(mail::path_length("<\"x\\\"> y\"@b> SIZE=1") == 12);
    CHECK(mail::path_length("a@b SIZE=1") == 3);
    CHECK(mail::path_length("\"a b\"@b SIZE=1") == 7);
    CHECK(mail::path_length("<a@b") == 4);
    CHECK(mail::path_length("") == 0);
}

TEST_CASE("domains and literals", "[mail]")
{
    for (std::string good : {"example.com", "localhost", "a", "xn--bu-ksb.example", "1.example", "example.com.", "a-b.c", "3com.com"})
        CHECK(mail::is_domain(good));
    for (std::string bad : {"", ".", "a..b", ".a", "-a", "a-", "a b", "1.2.3.4", "127", "[1.2.3.4]", "a/b", "bưu.example"})
        CHECK_FALSE(mail::is_domain(bad));
    CHECK(mail::is_domain("bưu.example", true));
    CHECK(mail::address_in_literal("[192.0.2.1]") == "192.0.2.1");
    CHECK(mail::address_in_literal("[ipv6:2001:DB8::1]") == "2001:db8::1");
    CHECK_FALSE(mail::address_in_literal("192.0.2.1"));
    CHECK_FALSE(mail::address_in_literal("[IPv6:]"));
}

TEST_CASE("domains for lookups are lower case A-labels", "[mail]")
{
    CHECK(mail::lookup_domain("Example.COM.") == "example.com");
    CHECK(mail::lookup_domain("Bücher.example") == "xn--bcher-kva.example");
    CHECK(mail::lookup_domain("BÜCHER.example") == "xn--bcher-kva.example");
    CHECK(mail::lookup_domain("straße.example") == "xn--strae-oqa.example");  // IDNA 2008 keeps the sharp s
    CHECK(mail::lookup_domain("[192.0.2.1]") == "[192.0.2.1]");
    CHECK(mail::lookup_domain("Bücher。example。") == "xn--bcher-kva.example");  // U+3002 is a dot, too
    CHECK_FALSE(mail::lookup_domain("１９２.０.２.１"));                          // and these are digits
    CHECK_FALSE(mail::lookup_domain("\xff.example"));
}
