#include "smtp/command.h"

#include <catch2/catch.hpp>

using namespace mta;

TEST_CASE("a command is a verb and an argument", "[smtp]")
{
    struct Case { std::string line, verb, argument; };
    for (const auto& c : {Case{"QUIT", "QUIT", ""}, {"quit", "QUIT", ""}, {"mail FROM:<a@b>", "MAIL", "FROM:<a@b>"}, {"NOOP  x ", "NOOP", "x"},
                          {"DATA ", "DATA", ""}, {"RCPT\tTO:<a@b>", "RCPT", "TO:<a@b>"}}) {
        auto command = smtp::parse_command(c.line);
        REQUIRE(command);
        CHECK(command->verb == c.verb);
        CHECK(command->argument == c.argument);
    }
    for (std::string bad : {"", " QUIT", "123", "MA\x01IL", "QUIT\r", "a\nb", "\x16\x03\x01", "M\xc3\xa4IL", "VERYVERYVERYLONGCOMMAND", "<>"}) {
        auto command = smtp::parse_command(bad);
        REQUIRE_FALSE(command);
        CHECK(command.error().text == "500 5.5.2 Error: bad syntax");
    }
    CHECK_FALSE(smtp::parse_command(std::string("NOOP a\0b", 8)));
}

TEST_CASE("MAIL FROM with its parameters", "[smtp]")
{
    auto mail = smtp::parse_mail_from("FROM:<a@b.example> SIZE=1000 body=8bitmime RET=hdrs ENVID=QQ1 AUTH=<>");
    REQUIRE(mail);
    CHECK(mail->reverse_path.internal() == "a@b.example");
    CHECK(mail->size == 1000);
    CHECK(mail->body == "8BITMIME");
    CHECK(mail->ret == mail::Ret::headers);
    CHECK(mail->envid == "QQ1");
    CHECK(mail->auth == "");
    CHECK(smtp::parse_mail_from("FROM:<>")->reverse_path.is_null());
    CHECK(smtp::parse_mail_from("from: <a@b.example>")->reverse_path.internal() == "a@b.example");
    CHECK(smtp::parse_mail_from("FROM:a@b.example SIZE=1")->size == 1);
    CHECK(*smtp::parse_mail_from("FROM:<> AUTH=a+2Bb@c")->auth == "a+b@c");
    CHECK(smtp::parse_mail_from("FROM:<\"x> SIZE=9\"@b.example>")->reverse_path.local_part == "x> SIZE=9");
}

TEST_CASE("what is wrong with MAIL FROM is said in Postfix's words", "[smtp]")
{
    struct Case { std::string argument, reply; };
    for (const auto& c : {
             Case{"", "501 5.5.4 Syntax: MAIL FROM:<address>"},
             {"FROM", "501 5.5.4 Syntax: MAIL FROM:<address>"},
             {"FROM:", "501 5.5.4 Syntax: MAIL FROM:<address>"},
             {"TO:<a@b.example>", "501 5.5.4 Syntax: MAIL FROM:<address>"},
             {"FROM:<a@b.example>SIZE=1", "501 5.5.4 Syntax: MAIL FROM:<address>"},
             {"FROM:<a b@b.example>", "501 5.1.7 Bad sender address syntax"},
             {"FROM:<a@b.example", "501 5.1.7 Bad sender address syntax"},
             {"FROM:<\xc3\xa4@b.example>", "553 5.6.7 Must declare SMTPUTF8 to send unicode address"},
             {"FROM:<a@b.example> SMTPUTF8", "555 5.5.4 Unsupported option: SMTPUTF8"},
             {"FROM:<a@b.example> FOO=bar", "555 5.5.4 Unsupported option: FOO=bar"},
             {"FROM:<a@b.example> BODY=BINARYMIME", "555 5.5.4 Unsupported option: BODY=BINARYMIME"},
             {"FROM:<a@b.example> BODY", "555 5.5.4 Unsupported option: BODY"},
             {"FROM:<a@b.example> NOTIFY=NEVER", "555 5.5.4 Unsupported option: NOTIFY=NEVER"},
             {"FROM:<a@b.example> SIZE=", "501 5.5.4 Bad message size syntax"},
             {"FROM:<a@b.example> SIZE=-1", "501 5.5.4 Bad message size syntax"},
             {"FROM:<a@b.example> SIZE=1x", "501 5.5.4 Bad message size syntax"},
             {"FROM:<a@b.example> SIZE=123456789012345678901", "501 5.5.4 Bad message size syntax"},
             {"FROM:<a@b.example> SIZE=99999999999999999999", "552 5.3.4 Message size exceeds fixed limit"},
             {"FROM:<a@b.example> SIZE=1001", "552 5.3.4 Message size exceeds fixed limit"},
             {"FROM:<a@b.example> SIZE=1 SIZE=1", "501 5.5.4 Error: option given twice: SIZE"},
             {"FROM:<a@b.example> RET=ALL", "501 5.5.4 Bad RET parameter syntax"},
             {"FROM:<a@b.example> ENVID=a+0D", "501 5.5.4 Bad ENVID parameter syntax"},
             {"FROM:<a@b.example> AUTH=", "501 5.5.4 Error: Bad AUTH parameter syntax"},
         }) {
        CAPTURE(c.argument);
        auto mail = smtp::parse_mail_from(c.argument, {false, 1000});
        REQUIRE_FALSE(mail);
        CHECK(mail.error().text == c.reply);
    }
    CHECK(smtp::parse_mail_from("FROM:<a@b.example> SIZE=1000", {false, 1000}));
    CHECK_FALSE(smtp::parse_mail_from("FROM:a@b.example", {true, 0}));
    CHECK_FALSE(smtp::parse_mail_from("FROM: <a@b.example>", {true, 0}));
}

TEST_CASE("RCPT TO with its parameters", "[smtp]")
{
    auto rcpt = smtp::parse_rcpt_to("TO:<a@b.example> NOTIFY=success,delay ORCPT=rfc822;A+40B");
    REQUIRE(rcpt);
    CHECK(rcpt->forward_path.internal() == "a@b.example");
    CHECK(rcpt->notify == "SUCCESS,DELAY");
    CHECK(rcpt->orcpt == "rfc822;A+40B");
    CHECK(smtp::parse_rcpt_to("TO:<Postmaster>")->forward_path.local_part == "Postmaster");
    struct Case { std::string argument, reply; };
    for (const auto& c : {
             Case{"", "501 5.5.4 Syntax: RCPT TO:<address>"},
             {"FROM:<a@b.example>", "501 5.5.4 Syntax: RCPT TO:<address>"},
             {"TO:<>", "501 5.1.3 Bad recipient address syntax"},
             {"TO:<@b.example>", "501 5.1.3 Bad recipient address syntax"},
             {"TO:<a@b.example> NOTIFY=NEVER,DELAY", "501 5.5.4 Error: Bad NOTIFY parameter syntax"},
             {"TO:<a@b.example> ORCPT=x", "501 5.5.4 Error: Bad ORCPT parameter syntax"},
             {"TO:<a@b.example> SIZE=1", "555 5.5.4 Unsupported option: SIZE=1"},
         }) {
        CAPTURE(c.argument);
        auto refused = smtp::parse_rcpt_to(c.argument);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().text == c.reply);
    }
}

TEST_CASE("HELO names", "[smtp]")
{
    struct Case { std::string name; bool valid, full; };
    for (const auto& c : {Case{"client.example", true, true}, {"localhost", true, false}, {"localhost.", true, false}, {"[192.0.2.1]", true, true},
                          {"[IPv6:::1]", true, true}, {"192.0.2.1", false, false}, {"[nonsense]", false, false}, {"under_score.example", true, true},
                          {"a..b", false, false}, {"=?x", false, false}}) {
        CAPTURE(c.name);
        auto helo = smtp::parse_helo(c.name);
        REQUIRE(helo);
        CHECK(helo->is_valid == c.valid);
        CHECK(helo->is_full == c.full);
    }
    CHECK(smtp::parse_helo("client.example extra words")->name == "client.example");
    CHECK_FALSE(smtp::parse_helo(""));
    CHECK_FALSE(smtp::parse_helo(std::string(256, 'x')));
    CHECK_FALSE(smtp::parse_helo("a\x01" "b"));
}
