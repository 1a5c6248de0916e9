#include <catch2/catch.hpp>

#include <algorithm>

#include "base/text.h"
#include "mime/address.h"
#include "mime/content.h"
#include "mime/structure.h"

using namespace mta;
using mime::Part;

namespace {

std::string nested(std::size_t multiparts)
{
    std::string message;
    for (std::size_t i = 0; i < multiparts; ++i)
        message += cat("Content-Type: multipart/mixed; boundary=b", i, "-\n\n--b", i, "-\n");
    return message + "Content-Type: text/html\n\nx\n";
}

// The number of levels, and the innermost part.
std::pair<std::size_t, const Part*> innermost(const Part& root)
{
    std::size_t levels = 1;
    const auto* part = &root;
    for (; !part->parts.empty(); ++levels)
        part = &part->parts.front();
    return {levels, part};
}

std::string many(std::string_view head, std::string_view one, std::size_t count)
{
    std::string text(head);
    for (std::size_t i = 0; i < count; ++i)
        text += one;
    return text;
}

}  // namespace

TEST_CASE("parts nest 50 deep, and what is deeper is one opaque part", "[mime][limits]")
{
    for (std::size_t levels : {49u, 50u}) {
        auto root = mime::parse_structure(nested(levels - 1));
        auto [found, part] = innermost(root);
        CHECK(found == levels);
        CHECK(part->type.is("text", "html"));
    }
    auto root = mime::parse_structure(nested(50));
    auto [levels, part] = innermost(root);
    CHECK(levels == 50);
    CHECK(part->type.is("application", "octet-stream"));
}

TEST_CASE("a message has 1,000 parts, and what is behind them belongs to the last", "[mime][limits]")
{
    constexpr std::string_view head = "Content-Type: multipart/mixed; boundary=b\n\n", one = "--b\n\nx\n";
    for (std::size_t parts : {998u, 999u})  // and the one around them
        CHECK(mime::parse_structure(many(head, one, parts)).parts.size() == parts);
    auto message = many(head, one, 1000);
    auto root = mime::parse_structure(message);
    REQUIRE(root.parts.size() == 999);
    CHECK(root.parts.back().body_of(message) == "x\n--b\n\nx\n");
}

TEST_CASE("who wants other limits on parts has them, but no message is deeper than 500", "[mime][limits]")
{
    constexpr std::size_t none = ~std::size_t{0};
    for (std::size_t levels : {1u, 2u, 3u})
        CHECK(innermost(mime::parse_structure(nested(levels - 1), {.depth = 2})).first == std::min<std::size_t>(levels, 2));
    for (std::size_t levels : {499u, 500u, 501u})
        CHECK(innermost(mime::parse_structure(nested(levels - 1), {.depth = none})).first == std::min<std::size_t>(levels, 500));
    constexpr std::string_view head = "Content-Type: multipart/mixed; boundary=b\n\n", one = "--b\n\nx\n";
    for (std::size_t parts : {3u, 4u, 5u})
        CHECK(mime::parse_structure(many(head, one, parts), {.parts = 5}).parts.size() == std::min<std::size_t>(parts, 4));
    CHECK(mime::parse_structure(many(head, one, 2000), {.parts = none}).parts.size() == 2000);
}

TEST_CASE("a boundary has 200 characters, and with a longer one there are no parts", "[mime][limits]")
{
    auto kind = [](std::size_t bytes) {
        auto boundary = std::string(bytes, 'b');
        return mime::parse_structure(cat("Content-Type: multipart/mixed; boundary=", boundary, "\n\n--", boundary, "\n\nx\n--", boundary, "--\n")).kind;
    };
    for (std::size_t bytes : {199u, 200u})
        CHECK(kind(bytes) == Part::Kind::multipart);
    CHECK(kind(201) == Part::Kind::leaf);
}

TEST_CASE("a field has 64 parameters, and a list 1,000 addresses", "[mime][limits]")
{
    for (std::size_t count : {63u, 64u, 65u})
        CHECK(mime::parse_with_parameters(many("a/b", "; x=y", count)).parameters.size() == std::min<std::size_t>(count, 64));
    for (std::size_t count : {999u, 1000u, 1001u})
        CHECK(mime::parse_addresses(many("", "a@b.example,", count)).size() == std::min<std::size_t>(count, 1000));
}
