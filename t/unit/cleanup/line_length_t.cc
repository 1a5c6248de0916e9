#include "cleanup/line_length.h"

#include <catch2/catch.hpp>
#include <string>

using namespace mta;

TEST_CASE("lines are measured, whatever the pieces are that they come in", "[cleanup][limits]")
{
    const std::string text = "a\n\n12345678\n123\nno end";
    for (std::size_t size = 1; size <= text.size(); ++size) {
        cleanup::LineLength length;
        for (std::size_t at = 0; at < text.size(); at += size)
            length.read(std::string_view(text).substr(at, size));
        CHECK(length.longest() == 8);
    }
    cleanup::LineLength open;
    open.read("12");
    open.read("345");
    CHECK(open.longest() == 5);
    CHECK(cleanup::LineLength().longest() == 0);
}
