#include "fixture.h"

namespace mta::maildir::test {

TEST_CASE("a header is read without the body, however long it is", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    std::string lines;
    while (lines.size() < 20'000)
        lines += cat("X-Line: ", lines.size(), "\n");
    const std::pair<std::string, std::string> cases[] = {{"A: b\n\nbody\n", "A: b\r\n\r\n"},
                                                         {"A: b\r\n\r\n\r\nbody", "A: b\r\n\r\n"},
                                                         {"no body\n", "no body\r\n"},
                                                         {"\nbody\n", "\r\n"},
                                                         {"", ""},
                                                         {lines + "\nbody\n", replace_all(lines, "\n", "\r\n") + "\r\n"},
                                                         {lines, replace_all(lines, "\n", "\r\n")}};
    for (std::size_t i = 0; i < std::size(cases); ++i)
        write_file(cat(place.box(), "/cur/", 1500000000 + i, ".plain"), cases[i].first);
    // The end of the header falls on every place around the end of a piece.
    const std::size_t first = std::size(cases);
    for (std::size_t i = 0; i < 8; ++i)
        write_file(cat(place.box(), "/cur/", 1600000000 + i, ".plain"), cat("A: ", std::string(4088 + i, 'x'), "\r\n\r\nbody"));
    auto folder = open_folder(*box);
    for (std::size_t i = 0; i < std::size(cases); ++i)
        CHECK(*folder->header(static_cast<Uid>(i + 1)) == cases[i].second);
    for (std::size_t i = 0; i < 8; ++i)
        CHECK(*folder->header(static_cast<Uid>(first + i + 1)) == cat("A: ", std::string(4088 + i, 'x'), "\r\n\r\n"));
    REQUIRE(folder->expunge({1}));
    CHECK(folder->header(1).error().status == message_gone);
}

TEST_CASE("opening a folder looks at no file", "[maildir]")
{
    const Place place;
    const auto box = open_box(place.box());
    const auto count_calls = [&] {
        return trace([&] { auto folder = (*Mailbox::open(place.box()))->open_folder("INBOX", false); }).size();
    };
    write_file(place.box() + "/cur/1500000000.first", "x\n");
    const auto calls = count_calls();
    std::filesystem::remove(place.box() + "/buuta-uidlist");
    for (int i = 0; i < 50; ++i)
        write_file(cat(place.box(), "/cur/", 1500000001 + i, ".plain"), "x\n");
    CHECK(count_calls() < calls + 10);
    auto folder = open_folder(*box);
    CHECK(folder->messages().size() == 51);
    CHECK(std::llabs(*folder->internal_date(7) - std::time(nullptr)) < 100);
}

}  // namespace mta::maildir::test
