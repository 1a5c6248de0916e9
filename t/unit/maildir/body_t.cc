#include "maildir/body.h"

#include "fixture.h"

namespace mta::maildir::test {
namespace {

Body body_with(const std::string& stored, const std::string& path)
{
    write_file(path, stored);
    bool after_cr = false;
    return Body(Fd(::open(path.c_str(), O_RDONLY)), stored.size(), count_crlf(stored, after_cr));
}

std::string with_crlf(const std::string& stored)
{
    std::string text;
    for (std::size_t i = 0; i < stored.size(); ++i) {
        if (stored[i] == '\n' && (i == 0 || stored[i - 1] != '\r'))
            text += '\r';
        text += stored[i] == '\0' ? '\x80' : stored[i];
    }
    return text;
}

}  // namespace

TEST_CASE("a body reads with every line end as CRLF", "[maildir]")
{
    const Place place;
    for (const auto& stored : std::initializer_list<std::string>{"a\nb\n", "a\r\nb\r\n", "a\r\nb\nc", "\n", "", "\r\r\n", "a\rb\n", "no end", "\r", std::string("\0\n", 2), std::string("a\0\r\n\0", 5)}) {
        auto body = body_with(stored, place.path() + "/m");
        CAPTURE(stored);
        CHECK(body.size() == with_crlf(stored).size());
        CHECK(*body.read_all() == with_crlf(stored));
    }
}

TEST_CASE("any part of a body can be read, forwards and backwards", "[maildir]")
{
    const Place place;
    std::string stored;
    while (stored.size() < 400'000)
        stored += std::string(stored.size() % 77, 'x') + (stored.size() % 3 ? "\n" : "\r\n");
    for (bool verbatim : {false, true}) {
        const auto whole = with_crlf(stored);
        auto body = body_with(verbatim ? whole : stored, place.path() + "/m");
        CHECK(body.is_verbatim() == verbatim);
        for (std::size_t offset : {0u, 1u, 131071u, 131072u, 131073u, 300000u, 7u, 262144u, 200000u})
            for (std::size_t size : {1u, 2u, 100u, 150000u})
                REQUIRE(*body.read(offset, size) == whole.substr(offset, size));
        CHECK(*body.read(whole.size() - 1, 100) == whole.substr(whole.size() - 1));
        CHECK(body.read(whole.size(), 100)->empty());
        CHECK(body.read(whole.size() + 5, 100)->empty());
        CHECK(*body.read_all() == whole);
    }
}

TEST_CASE("CRLF octets are counted across pieces", "[maildir]")
{
    bool after_cr = false;
    CHECK(count_crlf("a\r", after_cr) + count_crlf("", after_cr) + count_crlf("\nb\n", after_cr) == 6);
}

TEST_CASE("a file that was cut meanwhile is an error, not an endless loop", "[maildir]")
{
    const Place place;
    auto body = body_with("some text\n", place.path() + "/m");
    REQUIRE(::truncate((place.path() + "/m").c_str(), 3) == 0);
    const auto text = body.read_all();
    REQUIRE_FALSE(text);
    CHECK(text.error().status == message_gone);
}

}  // namespace mta::maildir::test
