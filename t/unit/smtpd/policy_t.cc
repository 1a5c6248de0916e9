#include <catch2/catch.hpp>

#include "smtpd/received.h"
#include "smtpd/hop_counter.h"
#include "talk.h"

using namespace mta;
using smtpd_test::stranger;
using smtpd_test::Talk;

namespace {

std::string open_error(std::string_view settings)
{
    auto config = config::Config::parse(settings);
    REQUIRE(config);
    smtpd::Params params(*config);
    const config::Common common(*config);
    auto policy = smtpd::Policy::open(params, common);
    return policy ? "" : policy.error().text;
}

std::string rcpt(std::string_view settings, const service::Session& facts, std::string_view recipient = "user@here.example",
                 std::string_view sender = "a@client.example")
{
    Talk talk(settings, facts);
    REQUIRE(talk.say(cat("MAIL FROM:<", sender, ">")) == "250 2.1.0 Ok");
    return talk.say(cat("RCPT TO:<", recipient, ">"));
}

}  // namespace

TEST_CASE("an unknown restriction is an error that names the nearest", "[smtpd]")
{
    CHECK(open_error("smtpd_recipient_restrictions = reject_unauth_destinatoin\n") ==
          "main.cf, line 1: smtpd_recipient_restrictions: unknown restriction \"reject_unauth_destinatoin\"; did you mean \"reject_unauth_destination\"?");
    CHECK(open_error("smtpd_sender_restrictions = permit_mynetwork\n").find("did you mean \"permit_mynetworks\"?") != std::string::npos);
    CHECK(open_error("smtpd_client_restrictions = xyzzy\n") == "main.cf, line 1: smtpd_client_restrictions: unknown restriction \"xyzzy\"");
    CHECK(open_error("smtpd_helo_restrictions = permit, warn_if_reject\n") == "main.cf, line 1: smtpd_helo_restrictions: no restriction after \"warn_if_reject\"");
    CHECK(open_error("smtpd_forbid_bare_newline = perhaps\n").find("bad value \"perhaps\"") != std::string::npos);
    CHECK(open_error("mynetworks = 1.2.3.4/33\n") != "");
}

TEST_CASE("lists that leave the relay open do not start", "[smtpd]")
{
    CHECK(open_error("").empty());
    for (std::string bad : {"smtpd_relay_restrictions =\n", "smtpd_relay_restrictions = permit_mynetworks\n", "smtpd_relay_restrictions = permit\n",
                            "smtpd_relay_restrictions = warn_if_reject reject_unauth_destination\n",
                            "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit_mynetworks, reject_non_fqdn_recipient\n"})
        CHECK(open_error(bad).find("specify at least one working instance of") != std::string::npos);
    CHECK(open_error("smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n").empty());
}

TEST_CASE("strangers cannot relay, whatever the form of the address", "[smtpd]")
{
    const std::vector<std::string> forms{
        // plainly elsewhere
        "<victim@elsewhere.example>", "victim@elsewhere.example", "<Victim@ELSEWHERE.Example>", "<victim@elsewhere.example.>", "<victim@here.example.elsewhere.example>",
        "<victim@elsewhere-here.example>", "<victim@xhere.example>", "<victim@sub.here.example>", "<victim@example>", "<victim@.here.example>",
        // percent hack
        "<victim%elsewhere.example@here.example>", "<victim%elsewhere.example@mx.here.example>", "<victim%elsewhere.example@[192.0.2.25]>",
        "<victim%elsewhere.example@relay.example>", "<victim%elsewhere.example@vbox.example>", "<victim%elsewhere.example>", "<victim%elsewhere.example@>",
        "<a%b%elsewhere.example@here.example>", "<victim%elsewhere.example%here.example@relay.example>", "<\"victim%elsewhere.example\"@here.example>",
        "<\"victim%elsewhere.example\">", "<victim%[203.0.113.1]@here.example>",
        // bang paths
        "<elsewhere.example!victim>", "<elsewhere.example!victim@here.example>", "<here.example!elsewhere.example!victim>", "<elsewhere.example!victim@relay.example>",
        "<elsewhere.example!victim@[192.0.2.25]>", "<\"elsewhere.example!victim\"@here.example>", "<relay.example!victim%elsewhere.example>",
        // an address in the local part
        "<\"victim@elsewhere.example\">", "<\"victim@elsewhere.example\"@here.example>", "<\"victim@elsewhere.example\"@relay.example>",
        "<\"victim@elsewhere.example\"@[192.0.2.25]>", "<victim@elsewhere.example@here.example>", "<victim@elsewhere.example@relay.example>",
        "<victim\\@elsewhere.example@here.example>", "<\"victim\\@elsewhere.example\"@here.example>", "<\"<victim@elsewhere.example>\"@here.example>",
        "<\"victim@elsewhere.example \"@here.example>", "<\" victim@elsewhere.example\"@relay.example>",
        // source routes
        "<@here.example:victim@elsewhere.example>", "<@here.example,@relay.example:victim@elsewhere.example>", "<@[192.0.2.25]:victim@elsewhere.example>",
        "<@here.example:elsewhere.example!victim>", "<@relay.example:victim%elsewhere.example@here.example>", "<@elsewhere.example:victim@elsewhere.example>",
        "<@here.example>", "<@elsewhere.example:>", "@here.example:victim@elsewhere.example",
        // literals
        "<victim@[203.0.113.1]>", "<victim@[IPv6:2001:db8::1]>", "<victim@203.0.113.1>", "<victim@[192.0.2.250]>", "<victim@[elsewhere.example]>",
        // extensions, odd characters, other quoting
        "<victim+@elsewhere.example>", "<user+victim@elsewhere.example>", "<victim:elsewhere.example@here.example>", "<victim;elsewhere.example@here.example>",
        "<victim,user@here.example>", "<victim@elsewhere.example,user@here.example>", "<victim@elsewhere.example user@here.example>",
        "<victim@elsewhere.example> <user@here.example>", "<victim@elsewhere.example(@here.example)>", "<victim@elsewhere.example\\@here.example>",
        "<victim@elsewhere.example\"@here.example>", "<\"\"@elsewhere.example>", "<victim@here.example\t@elsewhere.example>", "<::victim@elsewhere.example>",
        "<victim@elsewhere.example%here.example>", "<victim@elsewhere.example!here.example>", "<|victim@elsewhere.example>", "<%@here.example>",
    };
    CHECK(forms.size() >= 60);
    for (std::string settings : {"", "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\n",
                                 "smtpd_relay_restrictions =\nsmtpd_recipient_restrictions = reject_unauth_destination, permit\n",
                                 "smtpd_recipient_restrictions = permit\nlocal_recipient_maps =\nrelay_recipient_maps =\nvirtual_mailbox_maps =\n"}) {
        Talk talk(cat("smtpd_hard_error_limit = 1000\nsmtpd_soft_error_limit = 1000\nsmtpd_relay_restrictions = permit_mynetworks, "
                      "permit_sasl_authenticated, defer_unauth_destination\n", settings));
        talk.say("MAIL FROM:<a@client.example>");
        for (const auto& form : forms) {
            CAPTURE(settings, form);
            auto reply = talk.say(cat("RCPT TO:", form));
            CHECK((reply[0] == '4' || reply[0] == '5'));
        }
        CHECK(talk.say("DATA") == "554 5.5.1 Error: no valid recipients");
    }
}

TEST_CASE("what is ours is accepted in every form that names it", "[smtpd]")
{
    Talk talk;
    talk.say("MAIL FROM:<a@client.example>");
    for (std::string form : {"<user@here.example>", "<USER@HERE.EXAMPLE>", "user@here.example", " <user@mx.here.example>", "<\"user\"@here.example>",
                             "<@elsewhere.example:user@here.example>", "<user>", "<postmaster>", "<user@[192.0.2.25]>", "<known@relay.example>"}) {
        CAPTURE(form);
        CHECK(talk.say(cat("RCPT TO:", form)) == "250 2.1.5 Ok");
    }
}

TEST_CASE("own networks and users who have logged in may relay", "[smtpd]")
{
    auto trusted = stranger();
    trusted.client_address = "192.0.2.77";
    CHECK(rcpt("", trusted, "x@elsewhere.example") == "250 2.1.5 Ok");
    auto user = stranger();
    user.sasl_method = "PLAIN";
    user.sasl_username = "joe";
    CHECK(rcpt("", user, "x@elsewhere.example") == "250 2.1.5 Ok");
    CHECK(rcpt("smtpd_relay_restrictions = reject_unauth_destination\n", user, "x@elsewhere.example") == "554 5.7.1 <x@elsewhere.example>: Relay access denied");
    CHECK(rcpt("", user, "nobody@here.example").starts_with("550 5.1.1"));
    CHECK(rcpt("smtpd_reject_unlisted_recipient = no\n", user, "nobody@here.example") == "250 2.1.5 Ok");
}

TEST_CASE("a permit ends its own list only", "[smtpd]")
{
    CHECK(rcpt("smtpd_client_restrictions = permit\nsmtpd_recipient_restrictions = permit\n", stranger(), "x@elsewhere.example").starts_with("454 4.7.1"));
    CHECK(rcpt("smtpd_sender_restrictions = permit, reject\n", stranger()) == "250 2.1.5 Ok");
    CHECK(rcpt("smtpd_recipient_restrictions = permit_auth_destination, reject\n", stranger()) == "250 2.1.5 Ok");
}

TEST_CASE("rules refuse in Postfix's words", "[smtpd]")
{
    auto nameless = stranger();
    nameless.client_name = nameless.reverse_name = "unknown";
    nameless.helo = "[nonsense]";
    struct Case { std::string setting, reply; };
    for (const auto& c : {
             Case{"smtpd_client_restrictions = reject", "554 5.7.1 <unknown[198.51.100.7]>: Client host rejected: Access denied"},
             {"smtpd_helo_restrictions = reject", "554 5.7.1 <[nonsense]>: Helo command rejected: Access denied"},
             {"smtpd_sender_restrictions = reject", "554 5.7.1 <a@client>: Sender address rejected: Access denied"},
             {"smtpd_recipient_restrictions = reject", "554 5.7.1 <user@here.example>: Recipient address rejected: Access denied"},
             {"smtpd_recipient_restrictions = defer", "450 4.3.2 <user@here.example>: Recipient address rejected: Try again later"},
             {"smtpd_sender_restrictions = reject_non_fqdn_sender", "504 5.5.2 <a@client>: Sender address rejected: need fully-qualified address"},
             {"smtpd_helo_restrictions = reject_non_fqdn_helo_hostname", "504 5.5.2 <[nonsense]>: Helo command rejected: need fully-qualified hostname"},
             {"smtpd_helo_restrictions = reject_invalid_helo_hostname", "501 5.5.2 <[nonsense]>: Helo command rejected: Invalid name"},
             {"smtpd_client_restrictions = reject_unknown_client_hostname", "450 4.7.25 Client host rejected: cannot find your hostname, [198.51.100.7]"},
             {"smtpd_client_restrictions = reject_unknown_reverse_client_hostname",
              "450 4.7.25 Client host rejected: cannot find your reverse hostname, [198.51.100.7]"},
             {"smtpd_sender_restrictions = reject_unknown_sender_domain", "450 4.1.8 <a@client>: Sender address rejected: Domain not found"},
         }) {
        CAPTURE(c.setting);
        CHECK(rcpt(cat(c.setting, "\n"), nameless, "user@here.example", "a@client") == c.reply);
    }
    CHECK(rcpt("smtpd_recipient_restrictions = reject_non_fqdn_recipient\n", stranger(), "user") ==
          "504 5.5.2 <user>: Recipient address rejected: need fully-qualified address");
    CHECK(rcpt("smtpd_recipient_restrictions = reject_non_fqdn_recipient\n", stranger(), "postmaster") == "250 2.1.5 Ok");
    CHECK(rcpt("smtpd_helo_restrictions = reject_non_fqdn_helo_hostname, reject_invalid_helo_hostname\n"
               "smtpd_client_restrictions = reject_unknown_client_hostname, reject_unknown_reverse_client_hostname\n", stranger()) == "250 2.1.5 Ok");
}

TEST_CASE("a domain is known by MX or address records, and nobody knows when DNS fails", "[smtpd]")
{
    auto ask = [](std::map<std::string, dns::Answer> records, std::string_view sender) {
        Talk talk("smtpd_sender_restrictions = reject_unknown_sender_domain\n");
        talk.dns.records = std::move(records);
        talk.say(cat("MAIL FROM:<", sender, ">"));
        return talk.say("RCPT TO:<user@here.example>");
    };
    auto answer = [](dns::Status status) { return dns::Answer{status, {}, "", 0, false, ""}; };
    dns::Answer mx = answer(dns::Status::found), null_mx = mx, address = mx;
    mx.records.push_back({dns::Type::mx, 1, dns::Mx{10, "mx.client.example"}});
    null_mx.records.push_back({dns::Type::mx, 1, dns::Mx{0, ""}});
    address.records.push_back({dns::Type::a, 1, *net::Address::parse("198.51.100.7")});
    std::string ok = "250 2.1.5 Ok", sender = "a@client.example";
    CHECK(ask({{"client.example MX", mx}}, sender) == ok);
    CHECK(ask({{"client.example MX", mx}}, "a@CLIENT.example") == ok);
    CHECK(ask({{"client.example MX", answer(dns::Status::nodata)}, {"client.example A", address}}, sender) == ok);
    CHECK(ask({}, sender) == "450 4.1.8 <a@client.example>: Sender address rejected: Domain not found");
    CHECK(ask({{"client.example MX", answer(dns::Status::nodata)}}, sender).starts_with("450 4.1.8"));
    CHECK(ask({{"client.example MX", answer(dns::Status::failed)}}, sender).starts_with("450 4.4.3"));
    CHECK(ask({{"client.example MX", null_mx}}, sender) ==
          "550 5.7.27 <a@client.example>: Sender address rejected: Domain client.example does not accept mail (nullMX)");
    CHECK(ask({}, "") == ok);
    CHECK(ask({}, "user@here.example") == ok);
    CHECK(ask({}, "a@[198.51.100.7]") == ok);
}

TEST_CASE("warn_if_reject only logs", "[smtpd]")
{
    Talk talk("smtpd_recipient_restrictions = warn_if_reject reject, reject_non_fqdn_recipient\n");
    talk.say("MAIL FROM:<a@client.example>");
    CHECK(talk.say("RCPT TO:<user@here.example>") == "250 2.1.5 Ok");
    CHECK(talk.log().find("NOQUEUE: reject_warning: RCPT from client.example[198.51.100.7]: 554 5.7.1 <user@here.example>: Recipient address rejected: "
                          "Access denied; from=<a@client.example> to=<user@here.example> proto=ESMTP helo=<client.example>\n") != std::string::npos);
}

TEST_CASE("the trace field is Postfix's", "[smtpd]")
{
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    smtpd::Client client{stranger(), "", false};
    smtpd::Trace trace{client, "mx.here.example", "Buuta", "4abc", "user@here.example", 1772532942};
    CHECK(smtpd::received_field(trace) == "Received: from client.example (client.example [198.51.100.7])\n"
                                          "\tby mx.here.example (Buuta) with ESMTP id 4abc\n"
                                          "\tfor <user@here.example>; Tue,  3 Mar 2026 10:15:42 +0000 (UTC)\n");
    client.facts.client_address = "2001:db8::1";
    client.facts.helo = "a b(c)\r\nX: y";
    client.facts.tls_protocol = "TLSv1.3";
    client.facts.tls_cipher = "TLS_AES_256_GCM_SHA384";
    client.facts.tls_bits = client.facts.tls_algorithm_bits = 256;
    client.facts.sasl_username = "joe(x)@here.example";
    trace.recipient.clear();
    trace.with_tls = trace.with_user = true;
    CHECK(smtpd::received_field(trace) == "Received: from a?b?c???X:?y (client.example [IPv6:2001:db8::1])\n"
                                          "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n"
                                          "\t(Authenticated sender: joe?x?@here.example)\n"
                                          "\tby mx.here.example (Buuta) with ESMTPSA id 4abc; Tue,  3 Mar 2026 10:15:42 +0000 (UTC)\n");
    client.facts.esmtp = false;
    CHECK(client.protocol_with_suffix() == "SMTP");
}

TEST_CASE("hops are counted in the header only, whatever the pieces", "[smtpd]")
{
    std::string text = "Received: a\n\tReceived: folded\nreceived:b\nX-Received: c\nReceived : d\nSubject: x\nRECEIVED:\n\nReceived: body\n";
    for (std::size_t piece = 1; piece < 20; ++piece) {
        smtpd::HopCounter counter;
        for (std::size_t at = 0; at < text.size(); at += piece)
            counter.read(std::string_view(text).substr(at, piece));
        CHECK(counter.hops() == 3);
    }
}
