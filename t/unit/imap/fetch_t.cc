#include "imap/fetch.h"

#include <catch2/catch.hpp>

#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "imap/structure.h"
#include "mime/crlf.h"

using namespace mta;
using imap::FetchItem;

namespace {

// The labels, with "!" where \Seen is set, or "bad".
std::string labels(std::string_view text)
{
    imap::Parser parser(text);
    auto items = imap::parse_fetch_items(parser);
    if (!parser.finish())
        return "bad";
    std::string out;
    for (const auto& item : items)
        out += cat(out.empty() ? "" : "|", item.label, item.sets_seen ? "!" : "");
    return out;
}

std::string section(const std::string& message, std::string_view text)
{
    imap::Parser parser(text);
    auto items = imap::parse_fetch_items(parser);
    REQUIRE(parser.finish());
    return imap::read_section(message, mime::parse_structure(message), items.at(0).section).value_or("NIL");
}

// The example of RFC 3501 section 6.4.5, with bodies that say which part they are.
const std::string example =
    "Subject: outer\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n"
    "--a\r\n\r\none"
    "\r\n--a\r\nContent-Type: application/octet-stream\r\n\r\ntwo"
    "\r\n--a\r\nContent-Type: message/rfc822\r\nX-Mime: three\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\n\r\n3.1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n3.2\r\n--b--"
    "\r\n--a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    "--c\r\nContent-Type: image/gif\r\n\r\n4.1"
    "\r\n--c\r\nContent-Type: message/rfc822\r\n\r\nSubject: deep\r\n\r\n4.2 text"
    "\r\n--c--\r\n--a--\r\n";

}  // namespace

TEST_CASE("FETCH items, lists and macros", "[imap]")
{
    struct Case { std::string text, wanted; };
    for (const auto& c : {Case{"ALL", "FLAGS|INTERNALDATE|RFC822.SIZE|ENVELOPE"}, {"fast", "FLAGS|INTERNALDATE|RFC822.SIZE"},
                          {"FULL", "FLAGS|INTERNALDATE|RFC822.SIZE|ENVELOPE|BODY"}, {"(UID flags)", "UID|FLAGS"}, {"BODYSTRUCTURE", "BODYSTRUCTURE"},
                          {"body", "BODY"}, {"body[]", "BODY[]!"}, {"BODY.PEEK[]", "BODY[]"}, {"rfc822", "RFC822!"}, {"RFC822.HEADER", "RFC822.HEADER"},
                          {"RFC822.TEXT", "RFC822.TEXT!"}, {"RFC822.SIZE", "RFC822.SIZE"}, {"body[header]", "BODY[HEADER]!"},
                          {"BODY[1.2.Mime]", "BODY[1.2.MIME]!"}, {"BODY[1]<0.100>", "BODY[1]<0>!"}, {"BODY.PEEK[TEXT]<5.1>", "BODY[TEXT]<5>"},
                          {"BODY[header.fields (From \"To\")]", "BODY[HEADER.FIELDS (From To)]!"},
                          {"BODY.PEEK[2.HEADER.FIELDS.NOT (X)]", "BODY[2.HEADER.FIELDS.NOT (X)]"}, {"(FLAGS FLAGS)", "FLAGS"},
                          {"(BODY.PEEK[] BODY[])", "BODY[]!"}, {"(BODY[1]<0.1> BODY[1]<0.2>)", "BODY[1]<0>!|BODY[1]<0>!"}})
        CHECK(labels(c.text) == c.wanted);
    for (const char* bad : {"", "()", "(FLAGS", "NONSENSE", "BODY[MIME]", "BODY[0]", "BODY[1.]", "BODY[1.X]", "BODY[", "BODY[]<0.0>", "BODY[]<0>", "BODY[]<1.2",
                            "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]", "(ALL)", "FLAGS UID", "(FLAGS  UID)", "ENVELOPE[1]", "BODY[TEXT.1]", "BODY.PEEK"})
        CHECK(labels(bad) == "bad");
    std::string many = "(FLAGS";
    for (int i = 1; i <= 250; ++i)
        many += cat(" BODY[", i, "]");
    CHECK(labels(many + ")") == "bad");
}

TEST_CASE("part numbers as RFC 3501 section 6.4.5 has them", "[imap]")
{
    CHECK(section(example, "BODY[HEADER]") == "Subject: outer\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n");
    CHECK(section(example, "BODY[1]") == "one");
    CHECK(section(example, "BODY[2]") == "two");
    CHECK(section(example, "BODY[3.HEADER]") == "Subject: inner\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    CHECK(section(example, "BODY[3.TEXT]") == "--b\r\n\r\n3.1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n3.2\r\n--b--");
    CHECK(section(example, "BODY[3]") == section(example, "BODY[3.HEADER]") + section(example, "BODY[3.TEXT]"));
    CHECK(section(example, "BODY[3.MIME]") == "Content-Type: message/rfc822\r\nX-Mime: three\r\n\r\n");
    CHECK(section(example, "BODY[3.1]") == "3.1");
    CHECK(section(example, "BODY[3.2]") == "3.2");
    CHECK(section(example, "BODY[3.2.MIME]") == "Content-Type: application/octet-stream\r\n\r\n");
    CHECK(section(example, "BODY[4.1]") == "4.1");
    CHECK(section(example, "BODY[4.2.HEADER]") == "Subject: deep\r\n\r\n");
    CHECK(section(example, "BODY[4.2.TEXT]") == "4.2 text");
    CHECK(section(example, "BODY[4.2.1]") == "4.2 text");
    CHECK(section(example, "BODY[4.2]") == "Subject: deep\r\n\r\n4.2 text");
    CHECK(section(example, "BODY[4]").starts_with("--c\r\n"));
    CHECK(section(example, "BODY[]") == example);
    CHECK(section(example, "BODY[HEADER]") + section(example, "BODY[TEXT]") == example);
    for (const char* none : {"BODY[5]", "BODY[1.1]", "BODY[3.3]", "BODY[4.2.2]", "BODY[1.HEADER]", "BODY[4.TEXT]", "BODY[4.1.1]", "BODY[3.1.HEADER]"})
        CHECK(section(example, none) == "NIL");
}

TEST_CASE("the body of a message that is no multipart is its part 1", "[imap]")
{
    CHECK(section("A: b\r\n\r\ntext", "BODY[1]") == "text");
    CHECK(section("A: b\r\n\r\ntext", "BODY[1.MIME]") == "A: b\r\n\r\n");
    CHECK(section("A: b\r\n\r\ntext", "BODY[2]") == "NIL");
    CHECK(section("A: b\r\n\r\ntext", "BODY[1.1]") == "NIL");
    CHECK(section("A: b", "BODY[TEXT]") == "");
    std::string forwarded = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext";
    CHECK(section(forwarded, "BODY[1]") == "Subject: in\r\n\r\ntext");
    CHECK(section(forwarded, "BODY[1.HEADER]") == "Subject: in\r\n\r\n");
    CHECK(section(forwarded, "BODY[1.1]") == "text");
}

TEST_CASE("HEADER.FIELDS keeps order, folding and duplicates, and ends with an empty line", "[imap]")
{
    std::string message = "To: a\r\nReceived: 1\r\nSubject: x\r\n y\r\nreceived: 2\r\n\r\nbody";
    CHECK(section(message, "BODY[HEADER.FIELDS (SUBJECT To)]") == "To: a\r\nSubject: x\r\n y\r\n\r\n");
    CHECK(section(message, "BODY[HEADER.FIELDS (Received)]") == "Received: 1\r\nreceived: 2\r\n\r\n");
    CHECK(section(message, "BODY[HEADER.FIELDS (None)]") == "\r\n");
    CHECK(section(message, "BODY[HEADER.FIELDS.NOT (Received To)]") == "Subject: x\r\n y\r\n\r\n");
    CHECK(section("A: b\r\nC: d", "BODY[HEADER.FIELDS (C)]") == "C: d\r\n\r\n");
}

TEST_CASE("HEADER and TEXT of any message are together the message", "[imap]")
{
    for (const auto& entry : std::filesystem::directory_iterator("t/data/mime")) {
        if (entry.path().extension() != ".eml")
            continue;
        auto raw = read_file(entry.path().string());
        REQUIRE(raw);
        std::string message(mime::CrlfText(*raw).view());
        CHECK(section(message, "BODY[HEADER]") + section(message, "BODY[TEXT]") == message);
        auto root = mime::parse_structure(message);
        auto text = imap::body_structure(message, root, true);
        CHECK(text.starts_with('('));
        CHECK(is_ascii(text));
        CHECK(is_ascii(imap::envelope(root.header_of(message))));
    }
}
