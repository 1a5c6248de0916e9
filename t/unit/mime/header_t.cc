#include "mime/header.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;
using mime::Field;
using mime::Header;

TEST_CASE("fields keep their case, folding and offsets", "[mime]")
{
    std::string block = "Subject: one\r\n two\r\nTO : a@b\r\nX-Empty:\r\n\r\nBody: no\r\n";
    std::vector<Field> fields(Header(block).begin(), Header(block).end());
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].name == "Subject");
    CHECK(fields[0].value == " one\r\n two");
    CHECK(fields[0].raw == "Subject: one\r\n two\r\n");
    CHECK(fields[1].is("to"));
    CHECK(fields[1].offset == 20);
    CHECK(fields[1].value == " a@b");
    CHECK(fields[2].value.empty());
    CHECK(mime::header_size(block) == block.find("Body"));
}

TEST_CASE("the raw texts of all fields are the whole block, whatever stands in it", "[mime]")
{
    for (std::string block : {"From joe Mon Jan 1\nA: b\n", " continuation of nothing\nA: b\n\tc\n", "no colon at all",
                              "Bad name: x\n: y\n\xff: z\n", "A: b", "A: b\r", "A: b\n \n c\n", "\tx"}) {
        std::string all;
        for (const Field& field : Header(block))
            all += field.raw;
        CHECK(all == block);
    }
}

TEST_CASE("a line that is no field has no name and is never found", "[mime]")
{
    std::string block = "From joe 12:30\nBad name: x\nDate: y\n";
    std::vector<Field> fields(Header(block).begin(), Header(block).end());
    REQUIRE(fields.size() == 3);
    CHECK(fields[0].name.empty());
    CHECK(fields[1].name.empty());
    CHECK(fields[2].name == "Date");
    CHECK_FALSE(Header(block).has(""  "From joe 12"));
}

TEST_CASE("a block without an empty line is header to its end; one that starts with it has no field", "[mime]")
{
    CHECK(mime::header_size("A: b\r\nC: d") == 10);
    CHECK(mime::header_size("\r\nbody") == 2);
    CHECK(mime::header_size("") == 0);
    CHECK(Header("\nA: b\n").begin() == Header("").end());
    CHECK(Header("\r").begin() == Header("").end());  // an empty line, but for its LF
    CHECK(Header("").begin() == Header("").end());
}

TEST_CASE("find() takes the first, count() all, value() is unfolded and trimmed", "[mime]")
{
    Header header("Received: 1\nreceived: 2\nRECEIVED:  3\n\t4  \n");
    CHECK(header.find("Received")->value == " 1");
    CHECK(header.count("rEceived") == 3);
    CHECK(header.value("Subject") == std::nullopt);
    CHECK(Header("Subject:  a\r\n\tb \r\n").value("subject") == "a\tb");
}

TEST_CASE("missing() names the absent fields in the order asked", "[mime]")
{
    std::vector<std::string_view> wanted{"From", "Date", "Message-ID"};
    auto missing = Header("date: x\nSubject: From\n\nFrom: body\n").missing(wanted);
    CHECK(missing == std::vector<std::string_view>{"From", "Message-ID"});
}

TEST_CASE("unfold() removes line ends only", "[mime]")
{
    CHECK(mime::unfold("a\r\n b\n\tc\rd") == "a b\tc\rd");
}

TEST_CASE("header limits: the limit itself passes, one more is refused", "[mime]")
{
    mime::HeaderLimits limits{.field_bytes = 10, .block_bytes = 24, .fields = 3};
    CHECK(mime::check_limits("A: 345678\nB: c\nC: d\n\nbody body body", limits));
    CHECK_FALSE(mime::check_limits("A: 3456789\n\n", limits));
    CHECK_FALSE(mime::check_limits("A: b\nA: b\nA: b\nA: b\n\n", limits));
    CHECK(mime::check_limits("A: 345678\nA: 345678\nA:\n\n", limits));
    auto refused = mime::check_limits("A: 345678\nA: 345678\nA: b\n\n", limits);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is_permanent());
}
