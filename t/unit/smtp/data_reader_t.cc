#include "smtp/data_reader.h"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "base/text.h"

using namespace mta;

namespace {

struct Seen {
    std::string text;
    std::size_t taken = 0;
    bool finished = false, bare_lf = false, bare_cr = false, false_end = false;
    bool operator==(const Seen&) const = default;
};

Seen read_in_pieces(std::string_view bytes, std::size_t piece)
{
    smtp::DataReader reader;
    Seen seen;
    while (seen.taken < bytes.size() && !reader.is_finished())
        seen.taken += reader.read(bytes.substr(seen.taken, piece), seen.text);
    seen.finished = reader.is_finished();
    seen.bare_lf = reader.has_bare_lf();
    seen.bare_cr = reader.has_bare_cr();
    seen.false_end = reader.has_false_end();
    return seen;
}

// The same by the plainest means: where the first CRLF.CRLF is (the DATA command's CRLF counts).
std::size_t end_of_data(std::string_view bytes)
{
    auto all = cat("\r\n", bytes);
    auto at = all.find("\r\n.\r\n");
    return at == std::string::npos ? at : at + 3;
}

std::string shown(std::string_view bytes)
{
    return replace_all(replace_all(bytes, "\r", "\\r"), "\n", "\\n");
}

}  // namespace

TEST_CASE("the message is unstuffed and gets LF line ends", "[smtp]")
{
    struct Case { std::string bytes, text; };
    for (const auto& c : {Case{".\r\n", ""}, {"a\r\n.\r\n", "a\n"}, {"a\r\n\r\nb\r\n.\r\n", "a\n\nb\n"}, {"..\r\n.\r\n", ".\n"},
                          {".a\r\n...\r\n.\r\n", "a\n..\n"}, {"a.\r\n.\r\n", "a.\n"}, {"\r\n.\r\n", "\n"}, {"a .\r\n.\r\n", "a .\n"}}) {
        CAPTURE(shown(c.bytes));
        auto seen = read_in_pieces(c.bytes, c.bytes.size());
        CHECK(seen.finished);
        CHECK(seen.text == c.text);
        CHECK_FALSE(seen.bare_lf);
        CHECK_FALSE(seen.bare_cr);
        CHECK_FALSE(seen.false_end);
    }
}

TEST_CASE("bytes behind the end are left for the next command", "[smtp]")
{
    auto seen = read_in_pieces("a\r\n.\r\nQUIT\r\n", 100);
    CHECK(seen.finished);
    CHECK(seen.taken == 6);
    CHECK(seen.text == "a\n");
}

TEST_CASE("of 256 ends of data only one is the end", "[smtp]")
{
    const std::vector<std::string> breaks{"",       "\n",     "\r",       "\r\n",     "\n\r",   "\r\r",   "\n\n",   "\r\r\n",
                                          "\r\n\r", "\n\r\n", "\r\n\n",   "\r\n\r\n", "\n\n\r", "\r\r\r", "\n\r\r", " \r\n"};
    REQUIRE(breaks.size() == 16);
    for (const auto& before : breaks)
        for (const auto& behind : breaks) {
            auto bytes = cat("text", before, ".", behind, "MAIL FROM:<x@y.example>\r\n");
            CAPTURE(shown(bytes));
            auto expected = end_of_data(bytes);
            auto whole = read_in_pieces(bytes, bytes.size());
            CHECK(whole.finished == (expected != std::string::npos));
            if (whole.finished)
                CHECK(whole.taken == expected);
            bool is_standard = before.ends_with("\r\n") && behind.starts_with("\r\n");
            CHECK(whole.finished == is_standard);
            auto is_break = [](const std::string& text, char c) { return !text.empty() && (c == '\r' || c == '\n'); };
            bool looks_like_end = is_break(before, before.empty() ? 'x' : before.back()) && is_break(behind, behind.empty() ? 'x' : behind.front());
            CHECK(whole.false_end == (looks_like_end && !is_standard));
            CHECK(whole.text.find('\r') == std::string::npos);
            for (std::size_t piece = 1; piece < 8; ++piece)
                CHECK(read_in_pieces(bytes, piece) == whole);
        }
}

TEST_CASE("any text is read the same whatever the pieces", "[smtp]")
{
    std::mt19937 random(20260301);
    const std::string alphabet = "\r\n.a\r\n";
    for (int round = 0; round < 2000; ++round) {
        std::string bytes;
        for (auto size = random() % 40; size > 0; --size)
            bytes += alphabet[random() % alphabet.size()];
        CAPTURE(shown(bytes));
        auto whole = read_in_pieces(bytes, bytes.size() + 1);
        auto expected = end_of_data(bytes);
        CHECK(whole.finished == (expected != std::string::npos));
        if (whole.finished)
            CHECK(whole.taken == expected);
        for (std::size_t piece : {1, 2, 3, 5, 7})
            CHECK(read_in_pieces(bytes, piece) == whole);
        // What a reader of CR and LF alone finds in the used part: any that is not within a CRLF.
        auto used = replace_all(bytes.substr(0, whole.taken), "\r\n", "");
        auto pending = !whole.finished && bytes.ends_with('\r') ? 1u : 0u;
        CHECK(whole.bare_lf == (used.find('\n') != std::string::npos));
        CHECK(whole.bare_cr == (std::count(used.begin(), used.end(), '\r') > pending));
    }
}

TEST_CASE("bare CR and LF leave nothing behind that could end a line elsewhere", "[smtp]")
{
    auto seen = read_in_pieces("a\rb\r\rc\nd\r\n.\r\n", 100);
    CHECK(seen.text == "a b  c\nd\n");
    CHECK(seen.bare_cr);
    CHECK(seen.bare_lf);
}

TEST_CASE("a megabyte of line ends of any kind is read in linear time", "[smtp]")
{
    for (std::string unit : {"\r", "\n", "\rx", "\nx", "\r\n", ".\r", ".\n", "x"}) {
        std::string bytes;
        while (bytes.size() < (1u << 20))
            bytes += unit;
        auto seen = read_in_pieces(bytes, 65536);
        CHECK(seen.taken == bytes.size());
        CHECK_FALSE(seen.finished);
        CHECK(seen.text.size() <= bytes.size());
    }
}

TEST_CASE("the values of smtpd_forbid_bare_newline", "[smtp]")
{
    CHECK(smtp::bare_newline_named("yes") == smtp::BareNewline::normalize);
    CHECK(smtp::bare_newline_named("Normalize") == smtp::BareNewline::normalize);
    CHECK(smtp::bare_newline_named("no") == smtp::BareNewline::allow);
    CHECK(smtp::bare_newline_named("reject") == smtp::BareNewline::reject);
    CHECK(smtp::bare_newline_named("note") == smtp::BareNewline::note);
    CHECK_FALSE(smtp::bare_newline_named("maybe"));
}
