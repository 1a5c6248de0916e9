#include "mime/structure.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <functional>

#include "base/file.h"
#include "base/text.h"
#include "mime/crlf.h"

using namespace mta;
using mime::Part;

namespace {

// "type/subtype[body]" or "type/subtype(parts)".
std::string shown(const Part& part, std::string_view message)
{
    auto out = cat(part.type.type, "/", part.type.subtype);
    if (part.kind == Part::Kind::leaf)
        return cat(out, "[", part.body_of(message), "]");
    std::vector<std::string> parts;
    for (const auto& child : part.parts)
        parts.push_back(shown(child, message));
    return cat(out, "(", join(parts, " "), ")");
}

std::string shown(std::string_view message) { return shown(mime::parse_structure(message), message); }

std::string shape(const Part& part)
{
    auto out = cat(part.type.type, "/", part.type.subtype, ":", part.body_lines, "(");
    for (const auto& child : part.parts)
        out += shape(child);
    return out + ")";
}

void check_places(const Part& part, std::size_t begin, std::size_t end)
{
    CHECK(part.begin >= begin);
    CHECK(part.body >= part.begin);
    CHECK(part.end >= part.body);
    CHECK(part.end <= end);
    auto next = part.body;
    for (const auto& child : part.parts) {
        check_places(child, next, part.end);
        next = child.end;
    }
}

}  // namespace

TEST_CASE("a message without MIME fields is one text/plain", "[mime]")
{
    CHECK(shown("Subject: x\r\n\r\nbody\r\n") == "text/plain[body\r\n]");
    CHECK(shown("") == "text/plain[]");
    CHECK(shown("Subject: x") == "text/plain[]");
    CHECK(shown("\r\nbody") == "text/plain[body]");
    CHECK(shown("Content-Type: nonsense\r\n\r\nbody") == "text/plain[body]");
    auto part = mime::parse_structure("A: b\r\n\r\none\r\ntwo\r\nthree");
    CHECK(part.body == 8);
    CHECK(part.body_lines == 2);
}

TEST_CASE("parts end before the line end that precedes the boundary (RFC 2046 section 5.1.1)", "[mime]")
{
    std::string message = "Content-Type: multipart/mixed; boundary=\"simple boundary\"\r\n\r\npreamble\r\n--simple boundary\r\n\r\n"
                          "no line end\r\n--simple boundary \t\r\nContent-type: text/html; charset=us-ascii\r\n\r\nwith line end\r\n\r\n"
                          "--simple boundary--\r\nepilogue\r\n--simple boundary\r\n";
    CHECK(shown(message) == "multipart/mixed(text/plain[no line end] text/html[with line end\r\n])");
    auto part = mime::parse_structure(message);
    CHECK(part.parts[0].body_lines == 0);
    CHECK(part.parts[1].body_lines == 1);
    CHECK(part.end == message.size());
    CHECK(part.body_lines == 12);
}

TEST_CASE("nested multiparts and messages", "[mime]")
{
    CHECK(shown("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=ab\n\n--ab\n\n1\n--ab\n\n2\n--ab--\n"
                "--a\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n3\n--c--\n\n--a--\n") ==
          "multipart/mixed(multipart/alternative(text/plain[1] text/plain[2]) message/rfc822(multipart/mixed(text/plain[3])))");
}

TEST_CASE("an outer boundary ends everything inside, closed or not", "[mime]")
{
    CHECK(shown("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--a\n\n2\n") ==
          "multipart/mixed(multipart/mixed(text/plain[1]) text/plain[2\n])");
    CHECK(shown("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n--a\n\n2") ==
          "multipart/mixed(message/rfc822(text/plain[]) text/plain[2])");
    CHECK(shown("Content-Type: multipart/mixed; boundary=a\n\n--a\nX: y\n--a--\n") == "multipart/mixed(text/plain[])");
}

TEST_CASE("boundaries must match the whole line", "[mime]")
{
    CHECK(shown("Content-Type: multipart/mixed; boundary=a\n\n--a\n\n--ab\n--a -\n --a\nx--a\n--a--b\n--a--") ==
          "multipart/mixed(text/plain[--ab\n--a -\n --a\nx--a\n--a--b])");
}

TEST_CASE("the parts of a digest are messages unless they say otherwise", "[mime]")
{
    CHECK(shown("Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: 1\n\none\n--a\nContent-Type: text/html\n\ntwo\n--a--\n") ==
          "multipart/digest(message/rfc822(text/plain[one]) text/html[two])");
}

TEST_CASE("a multipart without parts gets an empty one, without a boundary it is text", "[mime]")
{
    CHECK(shown("Content-Type: multipart/mixed; boundary=a\n\nnothing\n") == "multipart/mixed(text/plain[])");
    CHECK(shown("Content-Type: multipart/mixed; boundary=a\n") == "multipart/mixed(text/plain[])");
    CHECK(shown("Content-Type: multipart/mixed\n\n--\n\n") == "text/plain[--\n\n]");
    CHECK(shown("Content-Type: multipart/mixed; boundary=" + std::string(201, 'x') + "\n\nt") == "text/plain[t]");
}

TEST_CASE("depth and number of parts are limited; what is beyond is one leaf", "[mime]")
{
    std::string deep;
    for (int i = 0; i < 500; ++i)
        deep += "Content-Type: message/rfc822\n\n";
    auto part = mime::parse_structure(deep);
    std::size_t depth = 1;
    const auto* innermost = &part;
    for (; !innermost->parts.empty(); innermost = &innermost->parts[0])
        ++depth;
    CHECK(depth == mime::Limits().depth);
    CHECK(innermost->type.is("application", "octet-stream"));
    CHECK(innermost->end == deep.size());

    std::string wide = "Content-Type: multipart/mixed; boundary=a\n\n";
    for (int i = 0; i < 5000; ++i)
        wide += "--a\n\nx\n";
    CHECK(mime::parse_structure(wide).parts.size() == mime::Limits().parts - 1);
}

TEST_CASE("hostile structures cost linear time", "[mime]")
{
    std::string message;
    for (int i = 0; i < 60; ++i)
        message += cat("Content-Type: multipart/mixed; boundary=", std::string(150, 'a'), i, "\n\n--", std::string(150, 'a'), i, "\n");
    for (int i = 0; i < 100000; ++i)
        message += "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
    CHECK(mime::parse_structure(message).end == message.size());
}

TEST_CASE("the structure of any message lies within it and is the same with LF and CRLF", "[mime]")
{
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("t/data/mime")) {
        if (entry.path().extension() != ".eml")
            continue;
        CAPTURE(entry.path().string());
        auto message = read_file(entry.path().string());
        REQUIRE(message);
        auto part = mime::parse_structure(*message);
        check_places(part, 0, message->size());
        mime::CrlfText crlf(*message);
        auto crlf_part = mime::parse_structure(crlf.view());
        check_places(crlf_part, 0, crlf.size());
        CHECK(shape(part) == shape(crlf_part));
        // Cut anywhere, it is still a message.
        for (std::size_t size = 0; size < message->size(); size += 1 + message->size() / 50)
            check_places(mime::parse_structure(std::string_view(*message).substr(0, size)), 0, size);
        ++count;
    }
    CHECK(count > 30);
}
