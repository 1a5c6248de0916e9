#include "config/config.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "config/common.h"

using namespace mta;
using config::Config;

namespace {

Config parsed(std::string_view text, const config::Overrides& overrides = {})
{
    auto config = Config::parse(text, "main.cf", overrides);
    INFO((config ? "" : config.error().text));
    REQUIRE(config);
    return *config;
}

std::string value(const Config& config, std::string_view name)
{
    auto result = config.value(name);
    return result ? *result : cat("error: ", result.error().text);
}

}  // namespace

TEST_CASE("main.cf lines are joined, trimmed, and comments are left out as in Postfix", "[config]")
{
    auto config = parsed("# a comment\n"
                         "x = a\n# c\n\n  b,  c\n #d\n    e\n"
                         "empty =\r\n"
                         "tight=1 # not a comment\n"
                         "   \t\n"
                         "last = the end");
    CHECK(value(config, "x") == "a  b,  c    e");
    CHECK(config.find("empty")->value.empty());
    CHECK(value(config, "tight") == "1 # not a comment");
    CHECK(value(config, "last") == "the end");
    CHECK(config.find("last")->place.text() == "main.cf, line 11");
    CHECK(config.find("x")->place.text() == "main.cf, line 2");
    CHECK(config.find("nothing") == nullptr);
    CHECK(config.settings().size() == 4);
}

TEST_CASE("a bad main.cf line is refused with file and line", "[config]")
{
    struct Case { std::string text, message; };
    for (const auto& c : {
             Case{"a = b\nx\n", "main.cf, line 2: missing '=' after attribute name: \"x\""},
             {"= y\n", "main.cf, line 1: missing attribute name: \"= y\""},
             {"\n\nx y = z\n", "main.cf, line 3: missing '=' after attribute name: \"x y = z\""},
             {"# c\n  x = y\n", "main.cf, line 2: logical line must not start with whitespace: \"  x = y\""},
             {std::string("a = b\nc = d\0e\n", 13), "main.cf, line 2: the line contains a NUL character"},
         }) {
        auto config = Config::parse(c.text);
        REQUIRE_FALSE(config);
        CHECK(config.error().text == c.message);
    }
}

TEST_CASE("the last of several settings wins, and an override wins over the file", "[config]")
{
    auto config = parsed("x = a\ny = 1\nx = b\n", {{"y", "2"}, {"y", "3"}});
    CHECK(value(config, "x") == "b");
    CHECK(value(config, "y") == "3");
    CHECK(config.find("y")->place.text() == "-o y");
}
