#include <catch2/catch.hpp>

#include "talk.h"

using namespace mta;
using namespace mta::smtpd_test;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

service::Session from(std::string address)
{
    auto facts = stranger();
    facts.client_address = std::move(address);  // of its own: a source has one line a minute in the log
    return facts;
}

service::Session user(std::string address)
{
    auto facts = from(std::move(address));
    facts.sasl_method = "plain";
    facts.sasl_username = "anna";
    return facts;
}

// How many recipients are taken of one mail; the first refusal must be the one for too many.
int count_recipients(Talk& talk, int most, const std::string& options = "", std::string_view address = "user@here.example")
{
    CHECK(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
    for (int i = 0; i < most; ++i) {
        auto answer = talk.say(cat("RCPT TO:<", address, ">", options));
        if (answer == "250 2.1.5 Ok")
            continue;
        CHECK(answer == "452 4.5.3 Error: too many recipients");
        return i;
    }
    return most;
}

std::string send_mail(Talk& talk)
{
    auto answer = talk.say("MAIL FROM:<a@client.example>");
    if (!answer.starts_with("250"))
        return answer;
    CHECK(talk.say("RCPT TO:<user@here.example>") == "250 2.1.5 Ok");
    CHECK(talk.say("DATA").starts_with("354"));
    return talk.say("x\r\n.");
}

}  // namespace

TEST_CASE("a stranger may name 100 recipients, who has logged in 1,000", "[smtpd][limits]")
{
    Talk stranger("", from("198.51.100.20"));
    CHECK(count_recipients(stranger, 200) == 100);
    CHECK(stranger.say("DATA").starts_with("354"));
    CHECK(stranger.say("x\r\n.").starts_with("250 2.0.0 Ok: queued"));
    REQUIRE(stranger.outlet.sent.size() == 1);
    CHECK(stranger.outlet.sent[0].recipients.size() == 100);
    CHECK(contains(stranger.log(), "warning: limit hit: smtpd_anonymous_recipient_limit source=[198.51.100.20] value=101\n"));
    Talk anna("", user("198.51.100.21"));
    CHECK(count_recipients(anna, 1100) == 1000);
    CHECK(contains(anna.log(), "warning: limit hit: smtpd_recipient_limit source=[198.51.100.21] value=1001\n"));
    Talk neighbour("", from("192.0.2.20"));
    CHECK(count_recipients(neighbour, 1100) == 1000);
}

// RFC 5321 sections 4.5.3.1.3 and 4.5.3.1.8.
TEST_CASE("a stranger's hundred recipients may have the longest addresses", "[smtpd][limits]")
{
    std::string domain;
    while (domain.size() < 180)
        domain += "longlabel.";
    domain += "example";
    auto local_part = std::string(60, 'x');
    Talk talk(cat("mydestination = ", domain, "\nlocal_recipient_maps =\n"), from("198.51.100.22"));
    CHECK(count_recipients(talk, 101, "", cat(local_part, "@", domain)) == 100);
}

TEST_CASE("recipients that do not fit in the client's memory are deferred", "[smtpd][limits]")
{
    auto orcpt = cat(" ORCPT=rfc822;", std::string(480, 'x'));
    Talk talk("client_memory_limit = 10000\n", from("198.51.100.23"));
    auto taken = count_recipients(talk, 100, orcpt);
    CHECK(taken == 15);  // of about 640 bytes
    CHECK(talk.say("RSET") == "250 2.0.0 Ok");
    CHECK(count_recipients(talk, 100, orcpt) == taken);
    CHECK(contains(talk.log(), "warning: limit hit: client_memory_limit source=[198.51.100.23] value="));
    Talk anna("client_memory_limit = 10000\n", user("198.51.100.24"));
    CHECK(count_recipients(anna, 100, orcpt) == 100);
}

TEST_CASE("a session carries so many mails and no more", "[smtpd][limits]")
{
    SECTION("of a stranger")
    {
        Talk talk("smtpd_anonymous_session_message_limit = 2\n", from("198.51.100.25"));
        CHECK(send_mail(talk).starts_with("250 2.0.0 Ok: queued"));
        CHECK(send_mail(talk).starts_with("250 2.0.0 Ok: queued"));
        CHECK(send_mail(talk) == "421 4.7.0 mx.here.example Error: too many messages in this session");
        CHECK(talk.reply() == "<end>");
        CHECK(talk.outlet.sent.size() == 2);
        CHECK(contains(talk.log(), "warning: limit hit: smtpd_anonymous_session_message_limit source=[198.51.100.25] value=3\n"));
    }
    SECTION("of a stranger who has been with another worker")
    {
        auto facts = from("198.51.100.26");
        facts.counters = "ehlo=1 mail=1/7";
        Talk talk("smtpd_anonymous_session_message_limit = 2\n", facts);
        CHECK(send_mail(talk).starts_with("250"));
        CHECK(send_mail(talk).starts_with("421"));
    }
    SECTION("of a user")
    {
        Talk talk("smtpd_anonymous_session_message_limit = 1\nsmtpd_session_message_limit = 3\n", user("198.51.100.27"));
        for (int i = 0; i < 3; ++i)
            CHECK(send_mail(talk).starts_with("250"));
        CHECK(send_mail(talk).starts_with("421"));
        CHECK(contains(talk.log(), "limit hit: smtpd_session_message_limit source=[198.51.100.27] value=4\n"));
    }
    SECTION("without a limit")
    {
        Talk talk("smtpd_anonymous_session_message_limit = none\n", from("198.51.100.28"));
        for (int i = 0; i < 102; ++i)
            CHECK(send_mail(talk).starts_with("250"));
    }
}

TEST_CASE("a stranger who tries commands is sent away before others are", "[smtpd][limits]")
{
    Talk talk("", from("198.51.100.29"));
    CHECK(talk.say("FOO").starts_with("502 5.5.2"));
    CHECK(talk.say("NOOP").starts_with("250"));
    CHECK(talk.say("FOO").starts_with("502 5.5.2"));
    CHECK(talk.say("FOO") == "421 4.7.0 mx.here.example Error: too many unknown commands");
    CHECK(talk.reply() == "<end>");
    Talk anna("smtpd_soft_error_limit = 100\n", user("198.51.100.30"));
    for (int i = 0; i < 10; ++i)
        CHECK(anna.say("FOO").starts_with("502 5.5.2"));
    CHECK(anna.reply() == "421 4.7.0 mx.here.example Error: too many errors");
}

TEST_CASE("a command line has 2,048 bytes", "[smtpd][limits]")
{
    Talk talk("", from("198.51.100.31"));
    for (std::size_t bytes : {2047u, 2048u})
        CHECK(talk.say(cat("NOOP ", std::string(bytes - 5, 'x'))) == "250 2.0.0 Ok");
    CHECK(talk.say(cat("NOOP ", std::string(2049 - 5, 'x'))) == "500 5.5.6 Error: line too long");
    CHECK(talk.say("NOOP") == "250 2.0.0 Ok");
    CHECK(contains(talk.log(), "limit hit: line_length_limit source=[198.51.100.31] value=>2048\n"));
}

TEST_CASE("room for two messages, two percent and some inodes stay free", "[smtpd][limits]")
{
    struct Case {
        smtpd::Space space;
        smtpd::Reserve reserve;
        bool has_room;
    };
    for (const auto& c : {Case{{10000, 2000, 100, 1}, {1000, 0}, true},
                          {{10000, 1999, 100, 1}, {1000, 0}, false},
                          {{10000, 2000, 100, 0}, {1000, 0}, false},
                          {{10000, 2000, 1000, 10}, {1000, 0}, true},
                          {{10000, 2000, 1000, 9}, {1000, 0}, false},
                          {{10000, 2000, 0, 0}, {1000, 0}, true},       // a file system without a number of inodes
                          {{10000, 200, 100, 100}, {1, 0}, true},
                          {{10000, 199, 100, 100}, {1, 0}, false},
                          {{10000, 500, 100, 100}, {1, 500}, true},
                          {{10000, 499, 100, 100}, {1, 500}, false},
                          {{1, 0, 0, 0}, {0, 0}, true}})
        CHECK(smtpd::has_room(c.space, c.reserve) == c.has_room);
    Talk talk("message_size_limit = 1000\n", from("198.51.100.32"));
    talk.free_inodes = 9;
    CHECK(talk.say("MAIL FROM:<a@client.example>") == "452 4.3.1 Insufficient system storage");
    talk.free_inodes = 10;
    CHECK(talk.say("MAIL FROM:<a@client.example>") == "250 2.1.0 Ok");
}
