#include "base/encode.h"

#include <catch2/catch.hpp>

#include "base/checksum.h"
#include "base/text.h"

using namespace mta;

TEST_CASE("base64 encodes and decodes the examples of RFC 4648 section 10", "[base]")
{
    struct Case { std::string plain, coded; };
    for (const auto& c : {Case{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="},
                          {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}}) {
        CHECK(base64_encode(c.plain) == c.coded);
        CHECK(base64_decode(c.coded) == c.plain);
    }
}

TEST_CASE("base64 that no encoder makes is refused", "[base]")
{
    for (const char* bad : {"Zg", "Zg=", "Zh==", "Z===", "Zg==Zg==", "Z g=", "Zm9v\n"})
        CHECK_FALSE(base64_decode(bad));
}

TEST_CASE("xtext is decoded strictly (RFC 3461 section 4)", "[base]")
{
    CHECK(xtext_encode("a+b=c d") == "a+2Bb+3Dc+20d");
    CHECK(xtext_decode("a+2Bb+3Dc+20d") == "a+b=c d");
    for (const char* bad : {"a+2", "a+", "a=b", "a b", "+GG"})
        CHECK_FALSE(xtext_decode(bad));
}

TEST_CASE("crc32c gives the check value of the polynomial, in pieces too", "[base]")
{
    CHECK(crc32c("123456789") == 0xe3069283);
    CHECK(crc32c("6789", crc32c("12345")) == 0xe3069283);
    CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aa);  // RFC 3720 appendix B.4
}

TEST_CASE("printable() leaves text and hides controls and broken UTF-8", "[base]")
{
    CHECK(printable("b\xc6\xb0u t\xc3\xa1") == "b\xc6\xb0u t\xc3\xa1");
    CHECK(printable("a\r\nb\x1b[2J\xff\xc0\xaf") == "a??b?[2J???");
    CHECK(printable("\xc2\x9b") == "?");  // a C1 control
}
