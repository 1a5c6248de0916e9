#include <catch2/catch.hpp>

#include <fcntl.h>

#include "base/encode.h"
#include "t/unit/smtp/fake.h"

using namespace mta;
using namespace mta::test;
using namespace std::string_literals;
using Catch::Contains;

namespace {

Script operator+(const Script& a, const Script& b)
{
    Script all = a;
    all.insert(all.end(), b.begin(), b.end());
    return all;
}

std::string nexthop(const FakeServer& server) { return cat("[127.0.0.1]:", server.port()); }

const Script offer{"> 220 mx.example ESMTP", "< EHLO", "> 250-mx.example", "> 250 STARTTLS"};
const Script hello{"> 220 mx.example ESMTP", "< EHLO", "> 250 mx.example"};
const Script mail{"< MAIL", "> 250 ok", "< RCPT", "> 250 ok", "< DATA", "> 354 go", "body", "> 250 ok"};
const Script to_tls = offer + Script{"< STARTTLS", "> 220 go", "tls"};

Script with_auth(const std::string& methods) { return {"> 220 mx.example ESMTP", "< EHLO", "> 250-mx.example", "> 250 AUTH " + methods}; }
const std::string login_settings = "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = inline:{127.0.0.1=user:sec:ret}\n";
const std::string cleartext = login_settings + "smtp_sasl_security_options = noanonymous\n";
const std::string plain_words = "< AUTH PLAIN " + base64_encode("\0user\0sec:ret"s);

}  // namespace

TEST_CASE("TLS is used when offered, and the hello is said again", "[smtp]")
{
    Bench bench("smtp_tls_loglevel = 1\n");
    FakeServer server(bench.directory, {to_tls + Script{"< EHLO", "> 250-mx.example", "> 250 PIPELINING", "< MAIL", "< RCPT", "< DATA", "> 250 ok", "> 250 ok",
                                                        "> 354 go", "body", "> 250 2.0.0 secret"}});
    auto results = bench.deliver(nexthop(server), {"a@d.example"});
    CHECK(results.recipients[1].text == "250 2.0.0 secret");
    CHECK_THAT(results.log, Contains(cat("Untrusted TLS connection established to 127.0.0.1[127.0.0.1]:", server.port(), ": TLSv1.3 with cipher ")));
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("a kept session with TLS takes the next mail", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {to_tls + Script{"< EHLO", "> 250 mx.example"} + mail + mail});
    CHECK(bench.deliver(nexthop(server), {"a@d.example"}, true).recipients[1].action == "sent");
    CHECK_THAT(bench.deliver(nexthop(server), {"a@d.example"}, false).log, Contains("conn_use=2"));
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("what was offered without TLS does not count with TLS", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {{"> 220 x", "< EHLO", "> 250-x", "> 250-DSN", "> 250 STARTTLS", "< STARTTLS", "> 220 go", "tls", "< EHLO", "> 250 x",
                                         "< MAIL FROM:<sender@client.example>", "close"}});
    bench.notify = "NEVER";
    bench.deliver(nexthop(server), {"a@d.example"});
    CHECK_THAT(server.transcript(), !Contains("NOTIFY") && Contains("MAIL FROM:<sender@client.example>\n"));
}

TEST_CASE("without TLS on offer: may goes on, encrypt defers", "[smtp]")
{
    Bench may;
    FakeServer first(may.directory, {hello + mail});
    CHECK(may.deliver(nexthop(first), {"a@d.example"}).recipients[1].action == "sent");
    Bench encrypt("smtp_tls_security_level = encrypt\n");
    FakeServer second(encrypt.directory, {hello + Script{"< QUIT"}});
    auto results = encrypt.deliver(nexthop(second), {"a@d.example"});
    CHECK(results.recipients[1].action == "deferred");
    CHECK(results.recipients[1].status == "4.7.4");
    CHECK(results.recipients[1].text == "TLS is required, but was not offered by host 127.0.0.1[127.0.0.1]");
    CHECK_THAT(second.transcript(), !Contains("MAIL") && !Contains("MISMATCH"));
}

TEST_CASE("STARTTLS refused: may goes on in the same session, encrypt defers", "[smtp]")
{
    const Script refusal = offer + Script{"< STARTTLS", "> 454 4.7.0 not now"};
    Bench may;
    FakeServer first(may.directory, {refusal + mail});
    CHECK(may.deliver(nexthop(first), {"a@d.example"}).recipients[1].action == "sent");
    CHECK_THAT(first.transcript(), !Contains("MISMATCH"));
    Bench encrypt("smtp_tls_security_level = encrypt\n");
    FakeServer second(encrypt.directory, {refusal});
    CHECK(encrypt.deliver(nexthop(second), {"a@d.example"}).recipients[1].text ==
          "TLS is required, but host 127.0.0.1[127.0.0.1] refused to start TLS: 454 4.7.0 not now");
}

TEST_CASE("a handshake that fails: may connects anew without TLS, encrypt defers", "[smtp]")
{
    const Script failing = offer + Script{"< STARTTLS", "> 220 go", "close"};
    Bench may;
    FakeServer first(may.directory, {failing, offer + mail});
    auto results = may.deliver(nexthop(first), {"a@d.example"});
    CHECK(results.recipients[1].action == "sent");
    CHECK_THAT(results.log, Contains(cat("SSL_connect error to 127.0.0.1[127.0.0.1]:", first.port(), ": ")));
    CHECK_THAT(first.transcript(), !Contains("MISMATCH"));
    Bench encrypt("smtp_tls_security_level = encrypt\n");
    FakeServer second(encrypt.directory, {failing});
    auto strict = encrypt.deliver(nexthop(second), {"a@d.example"});
    CHECK(strict.recipients[1].status == "4.7.5");
    CHECK(strict.recipients[1].text == "Cannot start TLS: handshake failure");
    CHECK(strict.delivered.site_status == "4.7.5");
}

TEST_CASE("words injected behind the reply to STARTTLS are never believed (RFC 3207 section 6)", "[smtp]")
{
    Bench bench("smtp_tls_security_level = encrypt\n");
    FakeServer server(bench.directory, {offer + Script{"< STARTTLS", "raw 220 go\r\n250 injected\r\n", "stall"}});
    auto results = bench.deliver(nexthop(server), {"a@d.example"});
    CHECK(results.recipients[1].action == "deferred");
    CHECK(results.recipients[1].text == "host 127.0.0.1[127.0.0.1] sent data behind its reply to STARTTLS");
}

TEST_CASE("levels that verify want the right certificate", "[smtp]")
{
    tls::test::Directory directory;
    auto ca = directory.write("ca.pem", tls::test::shared_pem());  // for mail.test, signed by itself
    auto script = to_tls + Script{"< EHLO", "> 250 x"} + mail;
    auto run = [&](const std::string& settings, const std::string& host) {
        Bench bench(settings);
        bench.dns.zone = {{"A mail.test", {"127.0.0.1"}}, {"A other.test", {"127.0.0.1"}}, {"MX d.test", {"10 mail.test."}}, {"MX mail.test", {"10 mail.test."}}};
        FakeServer server(bench.directory, {script});
        auto status = bench.deliver(cat(host, ":", server.port()), {"a@d.example"}).recipients[1];
        return status.action == "sent" ? status.action : status.text;
    };
    auto trusting = [&](const std::string& level) { return cat("smtp_tls_security_level = ", level, "\nsmtp_tls_CAfile = ", ca, "\n"); };
    CHECK(run("smtp_tls_security_level = verify\n", "[mail.test]") == "Server certificate not trusted");
    CHECK(run(trusting("verify"), "[mail.test]") == "sent");
    CHECK(run(trusting("verify"), "[other.test]") == "Server certificate not verified");
    CHECK(run(trusting("verify"), "d.test") == "sent");
    CHECK(run(trusting("secure"), "d.test") == "Server certificate not verified");  // DNS may lie about the MX
    CHECK(run(trusting("secure"), "mail.test") == "sent");
    CHECK(run(trusting("encrypt"), "[other.test]") == "sent");
}

TEST_CASE("an unknown TLS level is an error, no surprise", "[smtp]")
{
    CHECK(smtpc::parse_tls_level("may"));
    CHECK(*smtpc::parse_tls_level("") == smtpc::TlsLevel::none);
    for (const char* bad : {"dane", "May", "yes"})
        CHECK_FALSE(smtpc::parse_tls_level(bad));
}

TEST_CASE("a password goes out only inside TLS, unless configured", "[smtp]")
{
    Bench strict(login_settings);
    FakeServer first(strict.directory, {with_auth("PLAIN LOGIN") + Script{"< QUIT"}});
    auto results = strict.deliver(nexthop(first), {"a@d.example"});
    CHECK(results.recipients[1].action == "deferred");
    CHECK(results.recipients[1].text ==
          "SASL authentication failed; cannot authenticate to server 127.0.0.1[127.0.0.1]: no mechanism available");
    CHECK_THAT(first.transcript(), !Contains("AUTH") && !Contains("MISMATCH"));
    FakeServer second(strict.directory, {to_tls + Script{"< EHLO", "> 250-x", "> 250 AUTH PLAIN", plain_words, "> 235 2.7.0 ok"} + mail});
    CHECK(strict.deliver(nexthop(second), {"a@d.example"}).recipients[1].action == "sent");
    CHECK_THAT(second.transcript(), !Contains("MISMATCH"));
    Bench loose(cleartext);
    FakeServer third(loose.directory, {with_auth("LOGIN PLAIN") + Script{plain_words, "> 235 2.7.0 ok"} + mail});
    CHECK(loose.deliver(nexthop(third), {"a@d.example"}).recipients[1].action == "sent");
    CHECK_THAT(third.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("LOGIN asks for user and password one by one", "[smtp]")
{
    Bench bench(cleartext);
    FakeServer server(bench.directory, {with_auth("LOGIN") + Script{"< AUTH LOGIN", "> 334 VXNlcm5hbWU6", "< " + base64_encode("user"), "> 334 UGFzc3dvcmQ6",
                                                                    "< " + base64_encode("sec:ret"), "> 235 ok"} + mail});
    CHECK(bench.deliver(nexthop(server), {"a@d.example"}).recipients[1].action == "sent");
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("a refused login defers, or bounces if so configured", "[smtp]")
{
    const Script script = with_auth("PLAIN") + Script{"< AUTH PLAIN", "> 535 5.7.8 no"};
    Bench soft(cleartext);
    FakeServer first(soft.directory, {script});
    auto status = soft.deliver(nexthop(first), {"a@d.example"}).recipients[1];
    CHECK(status.action == "deferred");
    CHECK(status.status == "4.7.8");
    CHECK(status.text == "SASL authentication failed; server 127.0.0.1[127.0.0.1] said: 535 5.7.8 no");
    Bench hard(cleartext + "smtp_sasl_auth_soft_bounce = no\n");
    FakeServer second(hard.directory, {script});
    auto final = hard.deliver(nexthop(second), {"a@d.example"}).recipients[1];
    CHECK(final.action == "bounced");
    CHECK(final.status == "5.7.8");
}

TEST_CASE("servers without an entry, and methods that are filtered out, are not logged in to", "[smtp]")
{
    Bench other("smtp_sasl_auth_enable = yes\nsmtp_sasl_security_options = noanonymous\nsmtp_sasl_password_maps = inline:{other.example=u:p}\n");
    FakeServer first(other.directory, {with_auth("PLAIN") + mail});
    CHECK(other.deliver(nexthop(first), {"a@d.example"}).recipients[1].action == "sent");
    CHECK_THAT(first.transcript(), !Contains("MISMATCH"));
    Bench filtered(cleartext + "smtp_sasl_mechanism_filter = login\n");
    FakeServer second(filtered.directory, {with_auth("PLAIN")});
    CHECK_THAT(filtered.deliver(nexthop(second), {"a@d.example"}).recipients[1].text, Contains("no mechanism available"));
    FakeServer third(filtered.directory, {hello + mail});  // nothing to log in to
    CHECK(filtered.deliver(nexthop(third), {"a@d.example"}).recipients[1].action == "sent");
}

TEST_CASE("a password table that cannot be read defers the mail", "[smtp]")
{
    Bench bench("smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = fail:down\n");
    FakeServer server(bench.directory, {with_auth("PLAIN")});
    auto status = bench.deliver(nexthop(server), {"a@d.example"}).recipients[1];
    CHECK(status.action == "deferred");
    CHECK(status.status == "4.3.0");
}

TEST_CASE("words of the login's options that would have no effect are refused", "[smtp]")
{
    for (std::string setting : {"smtp_sasl_security_options = noplaintxt", "smtp_sasl_tls_security_options = forward_secrecy", "smtp_sasl_mechanism_filter = gssapi"}) {
        auto config = config::Config::parse(cat(login_settings, setting, "\n"));
        REQUIRE(config);
        auto logins = smtpc::Logins::open(smtpc::Params(*config, "smtp"), "hash");
        REQUIRE_FALSE(logins);
        CHECK(logins.error().text.find(cat("\"", setting.substr(setting.rfind(' ') + 1), "\": the known words are ")) != std::string::npos);
    }
}
