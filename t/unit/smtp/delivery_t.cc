#include <catch2/catch.hpp>

#include <fcntl.h>

#include "t/unit/smtp/fake.h"

using namespace mta;
using namespace mta::test;
using Catch::Contains;
using Catch::Matches;

namespace {

const Script plain{"> 220 mx.example ESMTP", "< EHLO client.example", "> 250-mx.example", "> 250 PIPELINING"};
const Script modest{"> 220 mx.example ESMTP", "< EHLO client.example", "> 250 mx.example"};

Script operator+(const Script& a, const Script& b)
{
    Script all = a;
    all.insert(all.end(), b.begin(), b.end());
    return all;
}

std::string nexthop(const FakeServer& server) { return cat("[127.0.0.1]:", server.port()); }
std::string name(const FakeServer& server) { return cat("127.0.0.1[127.0.0.1]:", server.port()); }

const Script one_mail{"< MAIL FROM:<sender@client.example>", "< RCPT TO:<a@d.example>", "< DATA", "> 250 2.1.0 Ok", "> 250 2.1.5 Ok",
                      "> 354 go on", "body", "> 250 2.0.0 Ok: queued as X"};

}  // namespace

TEST_CASE("a mail is delivered, and the log line is Postfix's", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {plain + one_mail});
    auto results = bench.deliver(nexthop(server), {"a@d.example"});
    CHECK(results.recipients[1].action == "sent");
    CHECK(results.recipients[1].status == "2.0.0");
    CHECK(results.recipients[1].text == "250 2.0.0 Ok: queued as X");
    CHECK(results.recipients[1].mta == "127.0.0.1");
    CHECK(results.recipients[1].relayed);
    CHECK(results.delivered.site_status.empty());
    CHECK_THAT(results.log, Matches(cat("4XYZabcdefzAbCdE: to=<a@d.example>, relay=127\\.0\\.0\\.1\\[127\\.0\\.0\\.1\\]:", server.port(),
                                        ", delay=[0-9.]+, delays=[0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+, dsn=2\\.0\\.0, status=sent "
                                        "\\(250 2\\.0\\.0 Ok: queued as X\\)\n")));
    auto seen = server.transcript();
    CHECK_THAT(seen, !Contains("MISMATCH"));
    CHECK_THAT(seen, Contains("Subject: x\r\n\r\nHello.\r\n.\r\nQUIT"));
}

TEST_CASE("without PIPELINING each command waits for its reply", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {modest + Script{"< MAIL", "> 250 ok", "< RCPT TO:<a@", "> 550 5.1.1 no", "< RCPT TO:<b@", "> 250 ok", "< DATA",
                                                        "> 354 go", "body", "> 250 ok", "< QUIT"}});
    auto results = bench.deliver(nexthop(server), {"a@d.example", "b@d.example"});
    CHECK(results.recipients[1].action == "bounced");
    CHECK(results.recipients[1].status == "5.1.1");
    CHECK(results.recipients[1].text == "host 127.0.0.1[127.0.0.1] said: 550 5.1.1 no (in reply to RCPT TO command)");
    CHECK(results.recipients[1].reply == "550 5.1.1 no");
    CHECK(results.recipients[2].action == "sent");
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("an old server gets HELO", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {{"> 220 old", "< EHLO", "> 500 what?", "< HELO client.example", "> 250 hi", "< MAIL FROM:<sender@client.example>",
                                         "> 250 ok", "< RCPT", "> 250 ok", "< DATA", "> 354 go", "body", "> 250 ok"}});
    CHECK(bench.deliver(nexthop(server), {"a@d.example"}).recipients[1].action == "sent");
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("every stage that fails has its words and its status", "[smtp]")
{
    const std::string ok = "> 250 2.0.0 ok";
    const Script to_mail = modest + Script{"< MAIL"}, to_rcpt = to_mail + Script{ok, "< RCPT"}, to_data = to_rcpt + Script{ok, "< DATA"},
                 to_end = to_data + Script{"> 354 go", "body"};
    struct Case { std::string what; Script script; std::string action, status, text; bool site; };
    const std::string h = "host 127.0.0.1[127.0.0.1] ";
    const std::string lost = "lost connection with 127.0.0.1[127.0.0.1] while ";
    for (const auto& c : std::vector<Case>{
             {"greeting 4xx", {"> 450 4.3.2 busy"}, "deferred", "4.3.2", h + "refused to talk to me: 450 4.3.2 busy", true},
             {"greeting 5xx", {"> 554 5.7.1 go away"}, "deferred", "4.7.1", h + "refused to talk to me: 554 5.7.1 go away", true},
             {"greeting 421", {"> 421 4.7.0 later"}, "deferred", "4.7.0", h + "refused to talk to me: 421 4.7.0 later", true},
             {"greeting lost", {"close"}, "deferred", "4.4.2", lost + "receiving the initial server greeting", true},
             {"greeting garbage", {"> SSH-2.0-x"}, "deferred", "4.5.0", "Protocol error: " + h + "sent not an SMTP reply: SSH-2.0-x while receiving the initial server greeting", true},
             {"hello refused", {"> 220 x", "< EHLO", "> 550 5.7.1 no", "< HELO", "> 550 5.7.1 no"}, "deferred", "4.7.1", h + "refused to talk to me: 550 5.7.1 no", true},
             {"hello lost", {"> 220 x", "< EHLO", "close"}, "deferred", "4.4.2", lost + "performing the EHLO handshake", true},
             {"mail 4xx", to_mail + Script{"> 451 4.3.0 x"}, "deferred", "4.3.0", h + "said: 451 4.3.0 x (in reply to MAIL FROM command)", false},
             {"mail 5xx", to_mail + Script{"> 550 5.7.1 x"}, "bounced", "5.7.1", h + "said: 550 5.7.1 x (in reply to MAIL FROM command)", false},
             {"mail 3xx", to_mail + Script{"> 354 x"}, "deferred", "4.0.0", h + "said: 354 x (in reply to MAIL FROM command)", false},
             {"mail lost", to_mail + Script{"close"}, "deferred", "4.4.2", lost + "sending MAIL FROM", true},
             {"rcpt 4xx", to_rcpt + Script{"> 450 4.2.1 x"}, "deferred", "4.2.1", h + "said: 450 4.2.1 x (in reply to RCPT TO command)", false},
             {"rcpt 552", to_rcpt + Script{"> 552 5.5.3 too many"}, "deferred", "4.5.3", h + "said: 552 5.5.3 too many (in reply to RCPT TO command)", false},
             {"rcpt 421", to_rcpt + Script{"> 421 4.3.2 bye"}, "deferred", "4.3.2", h + "said: 421 4.3.2 bye (in reply to RCPT TO command)", true},
             {"rcpt lost", to_rcpt + Script{"close"}, "deferred", "4.4.2", lost + "sending RCPT TO", true},
             {"rcpt garbage", to_rcpt + Script{"> ok"}, "deferred", "4.5.0", "Protocol error: " + h + "sent not an SMTP reply: ok while sending RCPT TO", true},
             {"data 5xx", to_data + Script{"> 554 5.5.1 x"}, "bounced", "5.5.1", h + "said: 554 5.5.1 x (in reply to DATA command)", false},
             {"data 2xx", to_data + Script{ok}, "deferred", "4.0.0", h + "said: 250 2.0.0 ok (in reply to DATA command)", false},
             {"data lost", to_data + Script{"close"}, "deferred", "4.4.2", lost + "sending DATA command", true},
             {"end 4xx", to_end + Script{"> 451 4.7.1 greylisted"}, "deferred", "4.7.1", h + "said: 451 4.7.1 greylisted (in reply to end of DATA command)", false},
             {"end 5xx", to_end + Script{"> 550-5.7.1 spam", "> 550 5.7.1 really"}, "bounced", "5.7.1", h + "said: 550-5.7.1 spam 550 5.7.1 really (in reply to end of DATA command)", false},
             {"end lost", to_end + Script{"close"}, "deferred", "4.4.2", lost + "sending end of data -- message may be sent more than once", true},
         }) {
        INFO(c.what);
        Bench bench;
        FakeServer server(bench.directory, {c.script});
        auto results = bench.deliver(nexthop(server), {"a@d.example"});
        auto status = results.recipients[1];
        CHECK(status.action == c.action);
        CHECK(status.status == c.status);
        CHECK(status.text == c.text);
        CHECK(results.delivered.site_status.empty() != c.site);
        CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
        CHECK_THAT(results.log, Contains(cat("relay=", name(server))));
    }
}

TEST_CASE("a silent server is given up at the limit of the stage", "[smtp]")
{
    struct Case { Script script; std::string activity; };
    for (const auto& c : std::vector<Case>{{{"stall"}, "receiving the initial server greeting"},
                                           {modest + Script{"< MAIL", "stall"}, "sending MAIL FROM"},
                                           {modest + Script{"< MAIL", "> 250 ok", "< RCPT", "> 250 ok", "< DATA", "> 354 go", "body", "stall"},
                                            "sending end of data -- message may be sent more than once"}}) {
        Bench bench("smtp_helo_timeout = 1s\nsmtp_mail_timeout = 1s\nsmtp_data_done_timeout = 1s\n");
        FakeServer server(bench.directory, {c.script});
        auto results = bench.deliver(nexthop(server), {"a@d.example"});
        CHECK(results.recipients[1].text == "conversation with 127.0.0.1[127.0.0.1] timed out while " + c.activity);
        CHECK(results.recipients[1].status == "4.4.2");
    }
}

TEST_CASE("nobody listens: connection refused", "[smtp]")
{
    Bench bench;
    std::uint16_t port = 0;
    {
        FakeServer gone(bench.directory, {});
        port = gone.port();
    }
    auto results = bench.deliver(cat("[127.0.0.1]:", port), {"a@d.example"});
    auto text = cat("connect to 127.0.0.1[127.0.0.1]:", port, ": Connection refused");
    CHECK(results.recipients[1].action == "deferred");
    CHECK(results.recipients[1].status == "4.4.1");
    CHECK(results.recipients[1].text == text);
    CHECK(results.delivered.site_status == "4.4.1");
    CHECK(results.log.starts_with(text + "\n"));
    CHECK_THAT(results.log, Contains("relay=none, "));
}

TEST_CASE("the next server is tried after a refused connection, a bad greeting, or a temporary no", "[smtp]")
{
    struct Case { Script first; std::string log; };
    for (const auto& c : std::vector<Case>{
             {{"> 554 5.3.2 no"}, "4XYZabcdefzAbCdE: host mx1.example[127.0.0.1] refused to talk to me: 554 5.3.2 no\n"},
             {{"close"}, "4XYZabcdefzAbCdE: lost connection with mx1.example[127.0.0.1] while receiving the initial server greeting\n"},
             {modest + Script{"< MAIL", "> 250 ok", "< RCPT", "> 451 4.3.0 later", "< RSET", "> 250 ok"}, "4XYZabcdefzAbCdE: host mx1.example[127.0.0.1] said: 451 4.3.0 later (in reply to RCPT TO command)\n"},
             {modest + Script{"< MAIL", "> 421 4.3.0 bye"}, "4XYZabcdefzAbCdE: host mx1.example[127.0.0.1] said: 421 4.3.0 bye (in reply to MAIL FROM command)\n"},
         }) {
        Bench bench;
        FakeServer first(bench.directory, {c.first});
        FakeServer second(bench.directory, {plain + one_mail}, "127.0.0.2", first.port());
        bench.dns.zone = {{"MX d.example", {"20 mx2.example.", "10 mx1.example."}}, {"A mx1.example", {"127.0.0.1"}}, {"A mx2.example", {"127.0.0.2"}}};
        auto results = bench.deliver(cat("d.example:", first.port()), {"a@d.example"});
        CHECK(results.recipients[1].action == "sent");
        CHECK_THAT(results.log, Contains(c.log));
        CHECK_THAT(results.log, Contains(cat("relay=mx2.example[127.0.0.2]:", first.port())));
        CHECK(results.delivered.site_status.empty());
        CHECK(bench.dns.round_trips == 2);
    }
}

TEST_CASE("after the final dot no other server is asked", "[smtp]")
{
    Bench bench;
    FakeServer first(bench.directory, {modest + Script{"< MAIL", "> 250 ok", "< RCPT", "> 250 ok", "< DATA", "> 354 go", "body", "close"}});
    FakeServer second(bench.directory, {{"stall"}}, "127.0.0.2", first.port());
    bench.dns.zone = {{"MX d.example", {"10 mx1.example.", "20 mx2.example."}}, {"A mx1.example", {"127.0.0.1"}}, {"A mx2.example", {"127.0.0.2"}}};
    auto results = bench.deliver(cat("d.example:", first.port()), {"a@d.example"});
    CHECK(results.recipients[1].action == "deferred");
    CHECK_THAT(results.recipients[1].text, Contains("message may be sent more than once"));
}

TEST_CASE("a permanent no is final, whatever other servers there are", "[smtp]")
{
    Bench bench;
    FakeServer first(bench.directory, {modest + Script{"< MAIL", "> 250 ok", "< RCPT", "> 550 5.1.1 no"}});
    FakeServer second(bench.directory, {{"stall"}}, "127.0.0.2", first.port());
    bench.dns.zone = {{"MX d.example", {"10 mx1.example.", "20 mx2.example."}}, {"A mx1.example", {"127.0.0.1"}}, {"A mx2.example", {"127.0.0.2"}}};
    CHECK(bench.deliver(cat("d.example:", first.port()), {"a@d.example"}).recipients[1].action == "bounced");
}

TEST_CASE("no more sessions than the limit", "[smtp]")
{
    Bench bench("smtp_mx_session_limit = 1\n");
    FakeServer first(bench.directory, {modest + Script{"< MAIL", "> 451 4.3.0 later"}});
    FakeServer second(bench.directory, {{"stall"}}, "127.0.0.2", first.port());
    bench.dns.zone = {{"MX d.example", {"10 mx1.example.", "20 mx2.example."}}, {"A mx1.example", {"127.0.0.1"}}, {"A mx2.example", {"127.0.0.2"}}};
    CHECK_THAT(bench.deliver(cat("d.example:", first.port()), {"a@d.example"}).recipients[1].text, Contains("mx1.example[127.0.0.1] said: 451"));
}

TEST_CASE("the fallback relay takes what fails for now, and what is not found", "[smtp]")
{
    tls::test::Directory directory;
    for (bool is_found : {true, false}) {
        FakeServer relay(directory, {plain + one_mail}, "127.0.0.2");
        Bench bench(cat("smtp_fallback_relay = [127.0.0.2]:", relay.port(), "\n"));
        if (is_found)
            bench.dns.zone = {{"A d.example", {"127.0.0.1"}}};
        auto results = bench.deliver(cat("d.example:", relay.port()), {"a@d.example"});
        CHECK(results.recipients[1].action == "sent");
        CHECK_THAT(results.log, Contains("relay=127.0.0.2[127.0.0.2]:"));
    }
}

TEST_CASE("each recipient has its own result", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {plain + Script{"< MAIL", "< RCPT TO:<a@", "< RCPT TO:<b@", "< RCPT TO:<c@", "< DATA", "> 250 ok", "> 250 ok",
                                                       "> 450 4.2.2 full", "> 550 5.1.1 no", "> 354 go", "body", "> 250 2.6.0 taken"}});
    auto results = bench.deliver(nexthop(server), {"a@d.example", "b@d.example", "c@d.example"});
    CHECK(results.recipients[1].action == "sent");
    CHECK(results.recipients[1].status == "2.6.0");
    CHECK(results.recipients[2].action == "deferred");
    CHECK(results.recipients[2].status == "4.2.2");
    CHECK(results.recipients[3].action == "bounced");
    CHECK(results.delivered.site_status.empty());
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("a server that accepts DATA without recipients gets an empty message", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {plain + Script{"< MAIL", "< RCPT", "< DATA", "> 250 ok", "> 550 5.1.1 no", "> 354 go", "< .", "> 554 no recipients", "< QUIT"}});
    auto results = bench.deliver(nexthop(server), {"a@d.example"});
    CHECK(results.recipients[1].action == "bounced");
    CHECK(server.transcript().find("MISMATCH") == std::string::npos);
}

TEST_CASE("a refused MAIL in a pipeline decides, not what follows it", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {plain + Script{"< MAIL", "< RCPT", "< DATA", "> 553 5.1.8 no sender", "> 503 5.5.1 x", "> 503 5.5.1 y", "< QUIT"}});
    auto results = bench.deliver(nexthop(server), {"a@d.example"});
    CHECK(results.recipients[1].text == "host 127.0.0.1[127.0.0.1] said: 553 5.1.8 no sender (in reply to MAIL FROM command)");
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("hundreds of recipients fit", "[smtp]")
{
    Bench bench;
    Script script = plain + Script{"< MAIL"};
    std::vector<std::string> recipients;
    for (int i = 0; i < 250; ++i)
        recipients.push_back(cat("r", i, "@d.example"));
    for (int block : {100, 100, 50}) {
        for (int i = 0; i < block; ++i)
            script.push_back("< RCPT TO:<r");
        if (block == 50)
            script.push_back("< DATA");
        if (script.size() < 110)
            script.push_back("> 250 mail ok");
        for (int i = 0; i < block; ++i)
            script.push_back("> 250 ok");
    }
    FakeServer server(bench.directory, {script + Script{"> 354 go", "body", "> 250 done"}});
    auto results = bench.deliver(nexthop(server), recipients);
    CHECK(results.recipients.size() == 250);
    CHECK(std::all_of(results.recipients.begin(), results.recipients.end(), [](const auto& entry) { return entry.second.action == "sent"; }));
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("a session is kept while there is more mail for the nexthop", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {plain + one_mail + one_mail + one_mail + Script{"< QUIT"}});
    CHECK_THAT(bench.deliver(nexthop(server), {"a@d.example"}, true).log, !Contains("conn_use"));
    CHECK_THAT(bench.deliver(nexthop(server), {"a@d.example"}, true).log, Contains(cat("relay=", name(server), ", conn_use=2, delay=")));
    CHECK_THAT(bench.deliver(nexthop(server), {"a@d.example"}, false).log, Contains("conn_use=3"));
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("a kept session that has died meanwhile does no harm", "[smtp]")
{
    int kind = GENERATE(0, 1, 2);
    INFO(kind);
    Bench bench;
    Script end = kind == 0 ? Script{"close"} : kind == 1 ? Script{"< MAIL", "close"} : Script{"< MAIL", "> 421 4.4.2 idle", "close"};
    FakeServer server(bench.directory, {plain + one_mail + end, plain + one_mail});
    CHECK(bench.deliver(nexthop(server), {"a@d.example"}, true).recipients[1].action == "sent");
    if (kind == 0)
        ::usleep(50000);
    auto results = bench.deliver(nexthop(server), {"a@d.example"}, false);
    CHECK(results.recipients[1].action == "sent");
    CHECK_THAT(results.log, !Contains("conn_use") && !Contains("lost connection"));
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("a transaction without result is reset before the next mail", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {modest + Script{"< MAIL", "> 250 ok", "< RCPT", "> 550 5.1.1 no", "< RSET", "> 250 ok", "< MAIL", "> 250 ok", "< RCPT",
                                                        "> 250 ok", "< DATA", "> 354 go", "body", "> 250 done"}});
    CHECK(bench.deliver(nexthop(server), {"b@d.example"}, true).recipients[1].action == "bounced");
    CHECK(bench.deliver(nexthop(server), {"a@d.example"}, false).recipients[1].action == "sent");
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("another nexthop ends the kept session", "[smtp]")
{
    Bench bench;
    FakeServer first(bench.directory, {plain + one_mail + Script{"< QUIT"}});
    FakeServer second(bench.directory, {plain + one_mail});
    bench.deliver(nexthop(first), {"a@d.example"}, true);
    auto results = bench.deliver(nexthop(second), {"a@d.example"}, false);
    CHECK(results.recipients[1].action == "sent");
    CHECK_THAT(first.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("LMTP answers for each recipient after the dot", "[smtp]")
{
    Bench bench("", "lmtp");
    FakeServer server(bench.directory, (bench.directory.path / "lmtp").string(),
                      {{"> 220 x LMTP", "< LHLO client.example", "> 250-x", "> 250 PIPELINING", "< MAIL", "< RCPT", "< RCPT", "< RCPT", "< DATA", "> 250 ok",
                        "> 250 ok", "> 550 5.1.1 no", "> 250 ok", "> 354 go", "body", "> 250 2.1.5 <a> saved", "> 452 4.2.2 <c> full", "close"}});
    auto results = bench.deliver("unix:lmtp", {"a@d.example", "b@d.example", "c@d.example"});
    CHECK(results.recipients[1].action == "sent");
    CHECK(results.recipients[1].text == "250 2.1.5 <a> saved");
    CHECK_FALSE(results.recipients[1].relayed);
    CHECK(results.recipients[2].action == "bounced");
    CHECK(results.recipients[3].action == "deferred");
    CHECK(results.recipients[3].status == "4.2.2");
    CHECK_THAT(results.log, Contains("to=<a@d.example>, relay=client.example[lmtp], delay="));
}

TEST_CASE("LMTP connection lost between the replies: only those without a reply are deferred", "[smtp]")
{
    Bench bench("", "lmtp");
    FakeServer server(bench.directory, {{"> 220 x LMTP", "< LHLO", "> 250 x", "< MAIL", "> 250 ok", "< RCPT", "> 250 ok", "< RCPT", "> 250 ok", "< DATA",
                                         "> 354 go", "body", "> 250 2.1.5 saved", "close"}});
    auto results = bench.deliver(cat("inet:127.0.0.1:", server.port()), {"a@d.example", "b@d.example"});
    CHECK(results.recipients[1].action == "sent");
    CHECK(results.recipients[2].action == "deferred");
    CHECK_THAT(results.recipients[2].text, Contains("message may be sent more than once"));
}

TEST_CASE("a message that cannot be read is not ended with a dot", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {plain + Script{"< MAIL", "< RCPT", "< DATA", "> 250 ok", "> 250 ok", "> 354 go", "body"}});
    int ends[2];
    ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    ipc::Channel agent{Fd(ends[0])}, qmgr{Fd(ends[1])};
    service::DeliveryRequest request;
    request.queue_id = "4XYZabcdefzAbCdE";
    request.nexthop = nexthop(server);
    request.size = 1000;
    request.recipients = {{1, "a@d.example", "", "", ""}};
    log::open_file(bench.directory.write("log", ""));
    {
        deliver::Job job(request, Fd(::open(bench.directory.write("short", "cut\n").c_str(), O_RDONLY)), agent, "");
        bench.client().deliver(job);
        qmgr.send(ipc::pack(service::Recorded{}));
        job.finish();
    }
    log::open_stderr();
    auto status = *ipc::unpack<service::RecipientStatus>(*qmgr.receive(net::Seconds(5)));
    CHECK(status.action == "deferred");
    CHECK(status.status == "4.3.0");
    CHECK_THAT(status.text, Contains("local data error while talking to"));
    CHECK_THAT(server.transcript(), !Contains(".\r\n"));
}

TEST_CASE("8bit parts are converted for a server without 8BITMIME", "[smtp]")      // RFC 6152 section 3
{
    struct Case { std::string settings, hello, sent; };
    for (const auto& c : {Case{"", "> 250 x", "quoted-printable\r\n\r\nf=C3=BCr\r\n"}, {"", "> 250-x\r\n250 8BITMIME", "8bit\r\n\r\nf\xc3\xbcr\r\n"},
                          {"disable_mime_output_conversion = yes\n", "> 250 x", "8bit\r\n\r\nf\xc3\xbcr\r\n"}}) {
        Bench bench(c.settings);
        bench.body = "8BITMIME";
        bench.content = "Content-Transfer-Encoding: 8bit\n\nf\xc3\xbcr\n";
        FakeServer server(bench.directory, {Script{"> 220 x", "< EHLO", c.hello, "< MAIL", "> 250 ok", "< RCPT", "> 250 ok", "< DATA", "> 354 go", "body", "> 250 ok"}});
        CHECK(bench.deliver(nexthop(server), {"a@d.example"}).recipients[1].action == "sent");
        CHECK_THAT(server.transcript(), Contains(c.sent));
    }
}

TEST_CASE("parts over mime_depth_limit and mime_part_limit are not converted", "[smtp][limits]")
{
    struct Case { std::string settings; bool second, inner; };
    for (const auto& c : {Case{"", true, true}, {"mime_depth_limit = 2\n", true, false}, {"mime_part_limit = 3\n", false, false}}) {
        Bench bench(c.settings);
        bench.body = "8BITMIME";
        const std::string head = "Content-Transfer-Encoding: 8bit\n";
        bench.content = cat("Content-Type: multipart/mixed; boundary=o\n\n--o\n", head, "\nf\xc3\xbcr\n--o\n", head, "\nzw\xc3\xb6lf\n--o\n",
                            "Content-Type: multipart/mixed; boundary=i\n\n--i\n", head, "\nM\xc3\xa4nner\n--i--\n--o--\n");
        FakeServer server(bench.directory, {Script{"> 220 x", "< EHLO", "> 250 x", "< MAIL", "> 250 ok", "< RCPT", "> 250 ok", "< DATA", "> 354 go", "body", "> 250 ok"}});
        CHECK(bench.deliver(nexthop(server), {"a@d.example"}).recipients[1].action == "sent");
        auto sent = server.transcript();
        CAPTURE(c.settings);
        CHECK_THAT(sent, Contains("f=C3=BCr\r\n"));
        CHECK_THAT(sent, Contains(c.second ? "zw=C3=B6lf\r\n" : "zw\xc3\xb6lf\r\n"));
        CHECK_THAT(sent, Contains(c.inner ? "M=C3=A4nner\r\n" : "M\xc3\xa4nner\r\n"));
    }
}

TEST_CASE("what the server cannot take is not tried", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {{"> 220 x", "< EHLO", "> 250-x", "> 250 SIZE 10", "< QUIT"}, {"> 220 x", "< EHLO", "> 250 x", "< QUIT"}});
    auto large = bench.deliver(nexthop(server), {"a@d.example"});
    CHECK(large.recipients[1].status == "5.3.4");
    CHECK(large.recipients[1].text == "message size 19 exceeds size limit 10 of server 127.0.0.1[127.0.0.1]");
    auto utf8 = bench.deliver(nexthop(server), {"b\xc3\xbc@d.example"});
    CHECK(utf8.recipients[1].status == "5.6.7");
    CHECK(utf8.recipients[1].text == "SMTPUTF8 is required, but was not offered by host 127.0.0.1[127.0.0.1]");
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("extensions add their parameters", "[smtp]")
{
    Bench bench("smtp_discard_ehlo_keywords = pipelining\n");
    bench.body = "8BITMIME";
    bench.notify = "NEVER";
    FakeServer server(bench.directory, {{"> 220 x", "< EHLO", "> 250-x", "> 250-PIPELINING", "> 250-SIZE", "> 250-8BITMIME", "> 250-SMTPUTF8", "> 250 DSN",
                                         "< MAIL FROM:<sender@client.example> SIZE=19 BODY=8BITMIME", "> 250 ok", "< RCPT TO:<\"a b\"@d.example> NOTIFY=NEVER", "> 250 ok",
                                         "< DATA", "> 354 go", "body", "> 250 ok"}});
    auto results = bench.deliver(nexthop(server), {"a b@d.example"});
    CHECK(results.recipients[1].action == "sent");
    CHECK_FALSE(results.recipients[1].relayed);
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}

TEST_CASE("an address with a line break never gets into a command", "[smtp]")
{
    Bench bench;
    FakeServer server(bench.directory, {plain + Script{"< MAIL", "< RCPT TO:<a@", "< DATA", "> 250 ok", "> 250 ok", "> 354 go", "body", "> 250 ok"}});
    auto results = bench.deliver(nexthop(server), {"x\r\nDATA@d.example", "a@d.example"});
    CHECK(results.recipients[1].action == "bounced");
    CHECK(results.recipients[1].status == "5.1.3");
    CHECK(results.recipients[2].action == "sent");
    CHECK_THAT(server.transcript(), !Contains("MISMATCH"));
}
