#include <catch2/catch.hpp>

#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// Nobody but those who are allowed to may reach other hosts through us, however they write the address. Here no table of users
// stands in the way, so that only the rules against relaying do.
namespace mta {

namespace {

test::Suite& open_house()
{
    static test::Suite suite(test::Settings{{"smtpd_reject_unlisted_recipient", "no"},
                                            {"smtpd_relay_restrictions", "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"},
                                            {"recipient_delimiter", "+"},
                                            {"relay_domains", "relay.test"},
                                            {"virtual_alias_domains", "alias.test"},
                                            {"virtual_alias_maps", "inline:{ info@alias.test=user1@example.test }"},
                                            {"smtpd_hard_error_limit", "10000"},
                                            {"smtpd_error_sleep_time", "0"}});
    return suite;
}

// What no sender may reach by us. HERE stands for each of our domains.
const std::vector<std::string> foreign{
    "victim@elsewhere.test", "VICTIM@ELSEWHERE.TEST", "victim@elsewhere.test.", "victim@elsewhere.test..", "victim+HERE@elsewhere.test",
    "victim@HERE.elsewhere.test", "victim@not-HERE", "victim@.HERE", "victim@HERE@elsewhere.test", "victim@elsewhere.test@HERE",
    "victim%elsewhere.test@HERE", "victim%elsewhere.test@HERE.", "VICTIM%ELSEWHERE.TEST@HERE", "a%elsewhere.test%HERE@HERE", "victim%elsewhere.test",
    "victim%elsewhere.test+x@HERE", "user1+x%elsewhere.test@HERE", "user1+victim@elsewhere.test@HERE", "user1%40elsewhere.test@HERE",
    "elsewhere.test!victim@HERE", "elsewhere.test!victim", "HERE!elsewhere.test!victim@HERE", "elsewhere.test!victim%HERE@HERE", "elsewhere.test!",
    "\"victim@elsewhere.test\"@HERE", "\"victim\\@elsewhere.test\"@HERE", "\"victim%elsewhere.test\"@HERE", "\"elsewhere.test!victim\"@HERE",
    "\"victim@elsewhere.test\"", "\"victim\"@elsewhere.test", "\"@elsewhere.test\"@HERE", "\"victim@HERE\"@elsewhere.test", "\"user1@HERE\\\"@elsewhere.test",
    "@HERE:victim@elsewhere.test", "@HERE,@HERE:victim@elsewhere.test", "@elsewhere.test:victim%elsewhere.test@HERE", "@HERE:", "@HERE:@elsewhere.test",
    "@HERE:\"victim@elsewhere.test\"@HERE", "@HERE victim@elsewhere.test", "@[127.0.0.1]:victim@elsewhere.test",
    "victim@", "victim@.", "@elsewhere.test", "@", "@HERE", "\"\"@HERE", "", " ", "<victim@elsewhere.test>", "victim@elsewhere.test>,<user1@HERE",
    "victim@elsewhere.test,user1@HERE", "victim@elsewhere.test user1@HERE", "user1@HERE,victim@elsewhere.test", "victim@elsewhere.test(user1@HERE)",
    "user1@HERE(victim@elsewhere.test)", "user1@HERE\tvictim@elsewhere.test", "user1@HERE;victim@elsewhere.test", "user1@HERE:victim@elsewhere.test",
    "victim@[192.0.2.1]", "victim@[IPv6:2001:db8::1]", "victim@[IPv6:::ffff:192.0.2.1]", "victim@[ipv6:::1]", "victim@[IPv6:::1]", "victim@[elsewhere.test]",
    "victim@[HERE]", "victim@[127.0.0.1", "victim@127.0.0.1]", "victim@[]", "victim@[127.0.0.1].elsewhere.test", "victim@[127.0.0.1]elsewhere.test",
    "victim@192.0.2.1", "victim@3221225985", "victim@[0xc0.0.2.1]", "victim@[3221225985]", "victim@[192.0.2.1]@HERE", "victim%[192.0.2.1]@HERE",
    "victim@[127.0.0.1]@elsewhere.test", "victim%elsewhere.test@[127.0.0.1]", "elsewhere.test!victim@[127.0.0.1]", "\"victim@elsewhere.test\"@[127.0.0.1]",
    "victim@elsewhere\xe3\x80\x82test", "victim@elsewhere.test\xc0\x80@HERE", "|/bin/sh@elsewhere.test", "postmaster@elsewhere.test", "mailer-daemon@elsewhere.test",
};

const std::vector<std::string> ours{"mail.example.test", "example.test", "alias.test", "relay.test", "localhost"};

}  // namespace

TEST_CASE("never an open relay", "[system][smtp][relay]")
{
    auto& suite = open_house();
    for (std::string sender : {"user1@example.test", "", "postmaster@mail.example.test", "victim@elsewhere.test"}) {
        auto client = suite.smtp();
        client.talk({{"", "220"}, {"EHLO mail.example.test", "250"}, {cat("MAIL FROM:<", sender, ">"), "250"}});
        for (const auto& domain : ours)
            for (const auto& pattern : foreign) {
                auto recipient = replace_all(pattern, "HERE", domain);
                auto reply = client.command(cat("RCPT TO:<", recipient, ">"));
                INFO("from <" << sender << "> to <" << printable(recipient) << ">: " << reply);
                CHECK(reply.front() == '5');
            }
        client.talk({{"DATA", "554 5.5.1"}, {"QUIT", "221"}});
    }
    CHECK_FALSE(suite.has_log_line(": (client=|from=<.*queue active)"));
}

TEST_CASE("odd forms of our own addresses stay here", "[system][smtp][relay]")
{
    auto& suite = open_house();
    for (std::string recipient : {"USER1@Example.TEST", "user1@example.test.", "\"user1\"@example.test", "user1+detail@example.test", "@elsewhere.test:user1@example.test",
                                  "@elsewhere.test,@other.test:user1@example.test", "info@alias.test", "INFO@ALIAS.TEST.", "info+x@alias.test", "postmaster",
                                  "Postmaster@[127.0.0.1]", "postmaster@MAIL.example.test."}) {
        INFO(recipient);
        auto subject = test::unique();
        suite.send(test::message(subject), {recipient});
        suite.arrival(1, subject);
    }
    CHECK_FALSE(suite.has_log_line("(elsewhere|other)\\.test>.* status="));
    CHECK_FALSE(suite.has_log_line("relay=[^,]*\\["));
}

TEST_CASE("who may relay is a matter of the configuration, and recipients that do not exist are nobody's", "[system][smtp][relay]")
{
    test::Suite suite(test::Settings{{"mynetworks", "127.0.0.5"},
                                     {"smtpd_relay_restrictions", "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"},
                                     {"relay_domains", "relay.test"},
                                     {"relay_recipient_maps", "inline:{ known@relay.test=x }"},
                                     {"virtual_alias_domains", "alias.test"},
                                     {"virtual_alias_maps", "inline:{ info@alias.test=user1@example.test }"},
                                     {"transport_maps", "inline:{ {gone.test=error:5.1.2 that domain is no more} }"},
                                     {"default_transport", "discard"},
                                     {"relay_transport", "discard"}});
    struct Case {
        std::string recipient, stranger, neighbour;
    };
    for (std::string client_address : {"127.0.0.1", "127.0.0.5"}) {
        auto client = suite.smtp(client_address);
        client.talk({{"", "220"}, {"EHLO client.test", "250"}, {"MAIL FROM:<a@client.test>", "250"}});
        for (const auto& [recipient, stranger, neighbour] :
             {Case{"x@elsewhere.test", "554 5.7.1 <x@elsewhere.test>: Relay access denied", "250"},
              {"x@gone.test", "554 5.7.1", "550 5.1.2 <x@gone.test>: Recipient address rejected: that domain is no more"},
              {"known@relay.test", "250", "250"},
              {"other@relay.test", "550 5.1.1 <other@relay.test>: Recipient address rejected: User unknown in relay recipient table", "550 5.1.1"},
              {"info@alias.test", "250", "250"},
              {"other@alias.test", "550 5.1.1 <other@alias.test>: Recipient address rejected: User unknown in virtual alias table", "550 5.1.1"},
              {"other@example.test", "550 5.1.1 <other@example.test>: Recipient address rejected: User unknown in virtual mailbox table", "550 5.1.1"},
              {"other@mail.example.test", "550 5.1.1 <other@mail.example.test>: Recipient address rejected: User unknown in local recipient table", "550 5.1.1"}}) {
            auto reply = client.command(cat("RCPT TO:<", recipient, ">"));
            INFO(client_address << " to " << recipient << ": " << reply);
            CHECK(reply.starts_with(client_address == "127.0.0.1" ? stranger : neighbour));
        }
        client.talk({{"RSET", "250"}, {"QUIT", "221"}});
    }
}

}  // namespace mta
