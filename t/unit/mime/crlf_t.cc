#include "mime/crlf.h"

#include <catch2/catch.hpp>

using namespace mta;

TEST_CASE("the CRLF form: bare LF is completed, CRLF and bare CR stay, NUL becomes 0x80", "[mime]")
{
    struct Case { std::string raw, shown; };
    for (const auto& c : {Case{"", ""}, {"a\nb\n", "a\r\nb\r\n"}, {"a\r\nb\r\n", "a\r\nb\r\n"}, {"\n", "\r\n"}, {"\r\n", "\r\n"},
                          {"\n\n", "\r\n\r\n"}, {"a\rb\n", "a\rb\r\n"}, {"a\r\r\nb", "a\r\r\nb"}, {"\r", "\r"},
                          {"a\r\nb\nc", "a\r\nb\r\nc"}, {std::string("a\0b\n", 4), "a\x80" "b\r\n"},
                          {std::string("\0\r\n", 3), "\x80\r\n"}}) {
        CAPTURE(c.raw);
        CHECK(mime::CrlfText(c.raw).view() == c.shown);
        CHECK(mime::crlf_size(c.raw) == c.shown.size());
    }
}

TEST_CASE("a text in CRLF form is not copied", "[mime]")
{
    std::string raw = "a\r\nb\r\n";
    CHECK(mime::CrlfText(raw).view().data() == raw.data());
}

TEST_CASE("a text converted in pieces is the same wherever it is cut", "[mime]")
{
    std::string raw("a\r\nb\nc\r\r\n\n\rd\0\n\n", 16);
    mime::CrlfText whole(raw);
    for (std::size_t cut = 0; cut <= raw.size(); ++cut)
        for (std::size_t second = cut; second <= raw.size(); ++second) {
            mime::CrlfWriter writer;
            std::string out;
            writer.add(raw.substr(0, cut), out);
            writer.add(raw.substr(cut, second - cut), out);
            writer.add(raw.substr(second), out);
            CHECK(out == whole.view());
        }
}
