#include "pickup/envelope.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "pickup/content.h"
#include "queue/id.h"

using namespace mta;

namespace {

std::string guarded(std::string_view text, std::size_t piece)
{
    pickup::HeaderEnd header_end;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece)
        header_end.add(text.substr(at, piece), out);
    header_end.finish(out);
    return out;
}

}  // namespace

TEST_CASE("a local program has no say in queue ID, origin, client and arrival", "[pickup]")
{
    service::Mail submitted;
    submitted.queue_id = "../../etc/passwd";
    submitted.origin = "smtp";
    submitted.client_name = "trusted.example.com";
    submitted.client_address = "192.0.2.1";
    submitted.sasl_username = "boss";
    submitted.arrival = 1;
    submitted.reverse_path = "me";
    submitted.full_name = "Me";
    submitted.ret = "hdrs";
    submitted.extract_recipients = true;
    auto id = queue::new_id();
    auto mail = pickup::checked_mail(submitted, id, "example.com");
    REQUIRE(mail);
    CHECK(mail->queue_id == id);
    CHECK(mail->origin == "local");
    submitted.origin = "gateway";
    CHECK(pickup::checked_mail(submitted, id, "example.com")->origin == "gateway");
    CHECK(mail->client_name + mail->client_address + mail->sasl_username == "");
    CHECK(mail->arrival > 1'000'000'000'000'000);
    CHECK(mail->reverse_path == "me@example.com");
    CHECK(mail->full_name == "Me");
    CHECK(mail->ret == "HDRS");
    CHECK(mail->extract_recipients);
}

TEST_CASE("addresses of local programs get a domain, and must be ones that SMTP can say", "[pickup]")
{
    struct Case { std::string address, result; };
    for (const auto& c : {Case{"user", "user@example.com"}, {"user@example.org", "user@example.org"}, {"a b@example.org", "a b@example.org"},
                          {"jürgen@example.org", "jürgen@example.org"}, {"user@[192.0.2.1]", "user@[192.0.2.1]"}})
        CHECK(*pickup::checked_address(c.address, "example.com") == c.result);
    for (const std::string& bad : {std::string(), std::string("a\nb@example.org"), std::string("a\0b@example.org", 15), std::string("@example.org"),
                                   std::string("a@b@"), std::string("a@exa mple.org"), std::string("a@example.org\r\nRCPT TO:<x>"), std::string("\x7f"),
                                   std::string("a@-bad-"), std::string("\xff@example.org")}) {
        INFO(printable(bad));
        auto result = pickup::checked_address(bad, "example.com");
        REQUIRE_FALSE(result);
        CHECK(result.error().status == "5.1.3");
    }
}

TEST_CASE("bad values of a local program's envelope are refused", "[pickup]")
{
    auto refused = [](auto change) {
        service::Mail mail;
        change(mail);
        auto checked = pickup::checked_mail(mail, queue::new_id(), "example.com");
        return !checked && checked.error().is_permanent();
    };
    CHECK_FALSE(refused([](service::Mail&) {}));
    CHECK(refused([](service::Mail& m) { m.reverse_path = "a\nb"; }));
    CHECK(refused([](service::Mail& m) { m.body = "BINARY"; }));
    CHECK(refused([](service::Mail& m) { m.ret = "ALL"; }));
    CHECK(refused([](service::Mail& m) { m.envid = "not xtext"; }));
    CHECK(refused([](service::Mail& m) { m.full_name = "A\nBcc: all@example.com"; }));
    CHECK(refused([](service::Mail& m) { m.full_name.assign(1000, 'x'); }));
    CHECK(pickup::checked_recipient({"a", "", "rfc822;a", "success,Delay"}, "example.com")->notify == "SUCCESS,DELAY");
    CHECK_FALSE(pickup::checked_recipient({"a", "", "", "SOMETIMES"}, "example.com"));
    CHECK_FALSE(pickup::checked_recipient({"a", "", "no type", ""}, "example.com"));
    CHECK(pickup::checked_recipient({"a", "forged", "", ""}, "example.com")->orig_address.empty());
}

TEST_CASE("the trace field of a local mail names the user", "[pickup]")
{
    auto field = pickup::received_field(1000, "4XQ1", "mail.example.com", "Buuta", 1'700'000'000'000'000);
    CHECK(field.starts_with("Received: by mail.example.com (Buuta, from userid 1000)\n\tid 4XQ1; "));
    CHECK(field.find("Nov 2023") != std::string::npos);
    CHECK(field.back() == '\n');
}

TEST_CASE("a header that lacks its empty line gets one, whatever the pieces", "[pickup]")
{
    struct Case { std::string text, result; };
    for (const auto& c : {Case{"Subject: x\n\nbody\n", "Subject: x\n\nbody\n"}, {"hello\nworld\n", "\nhello\nworld\n"}, {"A: 1\n folded\nB: 2\n", "A: 1\n folded\nB: 2\n"},
                          {"A: 1\nnot a field\nB: 2\n", "A: 1\n\nnot a field\nB: 2\n"}, {" blank first\n", "\n blank first\n"}, {"\nbody", "\nbody"},
                          {"Name : old form\n\nx", "Name : old form\n\nx"}, {"unfinished", "\nunfinished"}, {"", ""}, {":no name\n", "\n:no name\n"},
                          {"two words: x\n", "\ntwo words: x\n"}, {"J\xc3\xbc: x\n", "\nJ\xc3\xbc: x\n"}, {"A: 1", "A: 1"}})
        for (auto piece : {1u, 3u, 1000u}) {
            INFO(c.text << " in pieces of " << piece);
            CHECK(guarded(c.text, piece) == c.result);
        }
    std::string long_line(5000, 'x');
    CHECK(guarded(long_line, 100) == "\n" + long_line);
}
