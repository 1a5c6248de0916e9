#include "sendmail/input.h"

#include <catch2/catch.hpp>
#include <unistd.h>

using namespace mta;

namespace {

std::string filtered(std::string_view text, std::size_t piece, bool dot_ends = true, bool fix = true)
{
    sendmail::Filter filter(dot_ends, fix);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece)
        filter.add(text.substr(at, piece), out);
    filter.finish(out);
    return out;
}

}  // namespace

TEST_CASE("input becomes content, whatever the pieces", "[sendmail]")
{
    struct Case { std::string text, result; };
    for (const auto& c : {Case{"a\nb\n", "a\nb\n"}, {"a\r\nb\r\n", "a\nb\n"}, {"a\n.\nb\n", "a\n"}, {"a\r\n.\r\nb", "a\n"}, {"..\n. \n", "..\n. \n"},
                          {"no end", "no end\n"}, {"no end\r", "no end\n"}, {"", ""}, {".\n", ""}, {"From me Mon\n>From you\nA: b\nFrom here\n", "A: b\nFrom here\n"},
                          {"a\rb\n", "a\rb\n"}, {"\n\nx\n", "\n\nx\n"}})
        for (auto piece : {1u, 2u, 1000u}) {
            INFO(c.text << " in pieces of " << piece);
            CHECK(filtered(c.text, piece) == c.result);
        }
}

TEST_CASE("with -i a dot is a line like any other", "[sendmail]") { CHECK(filtered("a\n.\nb\n", 3, false) == "a\n.\nb\n"); }

TEST_CASE("CRLF is kept if that is asked for", "[sendmail]") { CHECK(filtered("a\r\n", 1, true, false) == "a\r\n"); }

TEST_CASE("long lines pass without being collected", "[sendmail]")
{
    std::string line(20000, 'x');
    for (auto piece : {1000u, 8193u, 50000u}) {
        CHECK(filtered(line + "\r\n.\r\n", piece) == line + "\n");
        CHECK(filtered("From " + line + "\nA: b\n", piece) == "A: b\n");
        CHECK(filtered(line + "." + "\n.", piece) == line + ".\n");
    }
}

TEST_CASE("a message can be read again from its spool, and has a limit", "[sendmail]")
{
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    Fd reader(fds[0]), writer(fds[1]);
    REQUIRE(::write(writer.get(), "one\ntwo", 7) == 7);
    writer.reset();
    sendmail::Spool spool;
    sendmail::Filter filter(true, true);
    REQUIRE(sendmail::read_message(reader.get(), filter, spool, 8));
    for (int i = 0; i < 2; ++i) {
        std::string text;
        REQUIRE(spool.read([&](std::string_view bytes) { text += bytes; }));
        CHECK(text == "one\ntwo\n");
    }
    REQUIRE(::pipe(fds) == 0);
    Fd second(fds[0]), second_writer(fds[1]);
    REQUIRE(::write(second_writer.get(), "too long\n", 9) == 9);
    second_writer.reset();
    sendmail::Spool other;
    sendmail::Filter next(true, true);
    auto read = sendmail::read_message(second.get(), next, other, 8);
    REQUIRE_FALSE(read);
    CHECK(read.error().status == "5.3.4");
}
