#include "smtp/content.h"

#include <catch2/catch.hpp>

#include "smtp/envelope.h"

using namespace mta;
using namespace mta::smtpc;

namespace {

std::string encode(const std::string& text, std::size_t chunk, std::size_t limit = 998)
{
    Encoder encoder(limit);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += chunk)
        encoder.add(std::string_view(text).substr(at, chunk), out);
    encoder.finish(out);
    return out;
}

}  // namespace

TEST_CASE("content goes out with CRLF and doubled dots, however it is cut into pieces", "[smtp]")
{
    struct Case { std::string in, out; };
    for (const auto& c : {
             Case{"", ""},
             {"a\n", "a\r\n"},
             {"a", "a\r\n"},
             {"\n", "\r\n"},
             {".\n", "..\r\n"},
             {"..\n", "...\r\n"},
             {"a.\n.b\n.", "a.\r\n..b\r\n..\r\n"},
             {"a\n\n.\n\nb\n", "a\r\n\r\n..\r\n\r\nb\r\n"},
             {"a\r\n.\r\n", "a\r\n..\r\n"},
             {"a\r.\r\nb\r", "a .\r\nb\r\n"},
             {"a\n\r.\n\r\r\n\r", "a\r\n .\r\n \r\n\r\n"},
         })
        for (std::size_t chunk : {1, 2, 3, 1000}) {
            INFO(c.in << " in pieces of " << chunk);
            CHECK(encode(c.in, chunk) == c.out);
        }
}

TEST_CASE("lines over the limit are folded", "[smtp]")
{
    for (std::size_t chunk : {1, 3, 7, 1000}) {
        CHECK(encode("abcdefgh\n", chunk, 8) == "abcdefgh\r\n");
        CHECK(encode("abcdefghi\n", chunk, 8) == "abcdefgh\r\n i\r\n");
        CHECK(encode("abcdefghijklmnopq\n.x\n", chunk, 8) == "abcdefgh\r\n ijklmno\r\n pq\r\n..x\r\n");
        CHECK(encode(std::string(3000, 'x') + "\n", chunk, 0) == std::string(3000, 'x') + "\r\n");
    }
    CHECK(encode("abcd\n", 9, 1) == "ab\r\n c\r\n d\r\n");  // it never ended
    auto long_line = encode(std::string(5000, 'x'), 64);
    for (std::size_t at = 0, end; (end = long_line.find("\r\n", at)) != std::string::npos; at = end + 2)
        CHECK(end - at <= 998);
}

TEST_CASE("commands carry only what the server offers and what is safe", "[smtp]")
{
    service::DeliveryRequest request;
    request.reverse_path = "a b@c.example";
    request.size = 100;
    request.body = "8BITMIME";
    request.ret = "HDRS";
    request.envid = "QQ314159";
    Features features;
    CHECK(mail_command(request, features) == "MAIL FROM:<\"a b\"@c.example>");
    features.size = features.eight_bit = features.dsn = features.utf8 = true;
    CHECK(mail_command(request, features) == "MAIL FROM:<\"a b\"@c.example> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=QQ314159");
    request.reverse_path = "";
    request.envid = "x\r\nRCPT";
    request.body = "7BIT";
    CHECK(mail_command(request, features) == "MAIL FROM:<> SIZE=100 RET=HDRS");
    request.recipients.push_back({1, "b\xc3\xbc@d.example", "", "", ""});
    CHECK(mail_command(request, features) == "MAIL FROM:<> SIZE=100 SMTPUTF8 RET=HDRS");
    service::DeliveryRecipient recipient{1, "u@d.example", "", "rfc822;u@d.example", "SUCCESS,FAILURE"};
    CHECK(rcpt_command(recipient, features) == "RCPT TO:<u@d.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;u@d.example");
    recipient.orcpt = "a b";
    features.dsn = false;
    CHECK(rcpt_command(recipient, features) == "RCPT TO:<u@d.example>");
    CHECK_FALSE(is_sendable("a\nb@c"));
    CHECK_FALSE(is_sendable(std::string("a\0b", 3)));
    CHECK(is_sendable("a b@c"));
}
