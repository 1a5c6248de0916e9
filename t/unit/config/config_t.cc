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
    CHECK(config.repetitions() == std::vector<std::string>{"main.cf, line 3: overriding earlier entry: x=a"});
}

TEST_CASE("$name and its relatives expand as postconf 3.7 expands them", "[config]")
{
    constexpr std::string_view base = "myhostname = mx.example.com\na0 =\na1 = $a0\nlevel = 3.6\nx = ";
    struct Case { std::string written, expanded; };
    for (const auto& c : {
             Case{"$myhostname", "mx.example.com"}, {"${myhostname}", "mx.example.com"}, {"$(myhostname)x", "mx.example.comx"},
             {"$$y", "$y"}, {"$$$myhostname", "$mx.example.com"}, {"$mydomain", "example.com"},
             {"${a1?x}", "x"}, {"${a1:y}", ""}, {"${a0?x}", ""}, {"${a0:y}", "y"},  // about the value as written
             {"${myhostname?{a b}:{c}}", "a b"}, {"${a0?{a b}:{c}}", "c"}, {"[${a0?{a b} : { c d } }]", "[ c d ]"},
             {"[${ myhostname ? yes }]", "[ yes ]"}, {"[${myhostname? a }]", "[ a ]"}, {"[${a0:{ a }}]", "[ a ]"},
             {"${myhostname?e:f}", "e:f"}, {"${a0?e:f}", ""}, {"${a0?{e}:f g}", "f g"}, {"${a0?{e}:$myhostname}", "mx.example.com"},
             {"${myhostname?{{x}}}", "{x}"}, {"${a0?}z", "z"}, {"${a0?{e}:}z", "z"}, {"${nosuch}z", "z"}, {"$nosuch.z", ".z"},
             {"${myhostname}}", "mx.example.com}"}, {"${myhostname?a}b}", "ab}"}, {"$(myhostname?a})", "a}"},
             {"${{$myhostname} == {mx.example.com} ? {same} : {diff}}", "same"}, {"${{10} > {9} ? {num} : {str}}", "num"},
             {"x${{a} < {b}}x", "xtruex"}, {"x${{a} > {b}}x", "xx"}, {"${{a}!={b}}", "true"}, {"${{08} == {8} ? {yes} : {no}}", "yes"},
             {"${{3.10} >= {3.9} ? {yes} : {no}}", "no"}, {"${{3.10} >=level {3.9} ? {yes} : {no}}", "yes"},
             {"${{3} >=level {3.9} ? {yes} : {no}}", "no"}, {"${{3.9.1} >level {3.9} ? {yes} : {no}}", "yes"},
             {"${{3.9} ==level {3.9.0} ? {yes} : {no}}", "yes"}, {"${{$level} <level {3.5} ? {yes} : {no}}", "no"},
             {"${{$level} <=level {3.6} ? {yes} : {no}}", "yes"}, {"${{$level} !=level {3.6} ? {yes} : {no}}", "no"},
             {"${{ a } == {a}?{e}:{n}}", "n"}, {"${{} == {}?{e}:{n}}", "e"}, {"${{a}=={a}?e}", "e"}, {"${{a}=={b}:e}", "e"},
             {"${{1} <  {b} ? {yes} : {no}}", "yes"}, {"${ {a} == {a} ? {y}}", "y"}, {"${{$a0$a0}=={}?{y}}", "y"},
             {"${{99999999999999999999999} > {99999999999999999999998}}", "true"}, {"${{100} > {20}}", "true"},
         }) {
        INFO(c.written);
        CHECK(value(parsed(cat(base, c.written)), "x") == c.expanded);
    }
}

TEST_CASE("a value with wrong syntax is refused with its place and Postfix's words", "[config]")
{
    struct Case { std::string written, message; };
    for (const auto& c : {
             Case{"${y", "truncated macro reference: \"${y\""}, {"$(y", "truncated macro reference: \"$(y\""},
             {"${}", "empty macro name: \"${}\""}, {"a$", "empty macro name: \"a$\""}, {"$-z", "empty macro name: \"$-z\""},
             {"${?x}", "empty macro name: \"?x\""}, {"${y*z}", "attribute name syntax error at: \"...y>>>*z\""},
             {"${y?{a} b}", "\":\" expected at: \"...?{a} >>>b\""}, {"${y:{a}:{b}}", "unexpected input at: \"...:{a}>>>:{b}\""},
             {"${{a} ? {b} : {c}}", "\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected at: \"...{a} >>>? {b} : {c}\""},
             {"${{a} == b}", "\"{expression}\" expected at: \"...{a} ==>>> b\""},
             {"${{a} == {a} x}", "\"?\" or \":\" expected at: \"...{a} == {a} >>>x\""},
             {"${{x} >=level {3.9}}", "malformed compatibility level syntax: \"x\""},
             {"${{1.2.3.4} <level {3.9}}", "malformed compatibility level syntax: \"1.2.3.4\""},
             {"${{3.9} <level {}}", "malformed compatibility level syntax: \"\""},
         }) {
        INFO(c.written);
        CHECK(value(parsed(cat("# c\nx = ", c.written)), "x") == cat("error: main.cf, line 2: x: ", c.message));
    }
}

TEST_CASE("a value that contains itself is refused, however it does", "[config]")
{
    CHECK(value(parsed("a = $a"), "a") == "error: main.cf, line 1: a: the value contains itself: a -> a");
    CHECK(value(parsed("a = x $b\nb = ${c}\nc = ${b?$a}"), "b") == "error: main.cf, line 2: b: the value contains itself: b -> c -> a -> b");
    CHECK(value(parsed("a = ${a?x}"), "a") == "x");  // only asks whether there is one
    auto bomb = parsed("a = " + std::string(100, 'x') + "\nb=$a$a$a$a$a$a$a$a$a$a\nc=$b$b$b$b$b$b$b$b$b$b\nd=$c$c$c$c$c$c$c$c$c$c\n"
                       "e=$d$d$d$d$d$d$d$d$d$d\nf=$e$e$e$e$e$e$e$e$e$e$e$e\ng=$f$f$f");
    CHECK(value(bomb, "g").find("longer than") != std::string::npos);
    std::string empty = "v0 =\n";
    for (int i = 1; i < 60; ++i)
        empty += cat("v", i, " = $v", i - 1, "$v", i - 1, "\n");
    CHECK(value(parsed(empty), "v15").empty());
    CHECK(value(parsed(empty), "v59").find("refers to more than") != std::string::npos);  // it never ended
    std::string nested;
    for (int i = 0; i < 20000; ++i)
        nested += "${myhostname?{";
    for (int i = 0; i < 20000; ++i)
        nested += "}}";
    CHECK(value(parsed(cat("x = ", nested)), "x") == "error: main.cf, line 1: x: unreasonable macro call nesting");
    std::string chain;
    for (int i = 0; i < 150; ++i)
        chain += cat("v", i, " = $v", i + 1, "\n");
    CHECK(value(parsed(chain), "v0") == "error: main.cf, line 1: v0: unreasonable macro call nesting: \"v100\"");
    std::string braces(100000, '{');
    CHECK(value(parsed(cat("x = $", braces)), "x").starts_with("error: main.cf, line 1: x: truncated"));
}

TEST_CASE("the names that a value refers to are found in all branches", "[config]")
{
    auto names = config::references("$a ${b?{$c}:{${d:$e}}} ${{$f} == {x} ? {$g}} $$h $(i)");
    REQUIRE(names);
    CHECK(join(*names, " ") == "a b c d e f g i");
    CHECK_FALSE(config::references("${a"));
}

TEST_CASE("host and domain name complete each other", "[config]")
{
    CHECK(value(parsed("myhostname = a.b.example\n"), "mydomain") == "b.example");
    CHECK(value(parsed("myhostname = plain\n"), "mydomain") == "localdomain");
    CHECK(value(parsed("mydomain = d.example\nmyhostname = mx.$mydomain\n"), "myorigin") == "mx.d.example");
    CHECK(value(parsed("mydomain = d.example\n"), "myhostname").find('.') != std::string::npos);
    CHECK(value(parsed(""), "mydestination").find(", localhost") != std::string::npos);
    CHECK(value(parsed("myhostname = h.$mydomain\n"), "myhostname") == "h.localdomain");
    CHECK(value(parsed("myhostname = h.$mydomain\n"), "mydomain") == "localdomain");
}

TEST_CASE("a file that is not there is an error with its name", "[config]")
{
    auto config = Config::load("/nonexistent");
    REQUIRE_FALSE(config);
    CHECK(config.error().text == "open /nonexistent/main.cf: No such file or directory");
    CHECK_FALSE(config::load_services("/nonexistent"));
}
