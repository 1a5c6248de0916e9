#include <catch2/catch.hpp>
#include <chrono>

#include "answers.h"
#include "scratch.h"

using namespace mta;
using namespace mta::table;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

// What the rules say, and what was said of them.
struct Asked {
    std::string answer, warnings;
};

Asked ask_rules(const std::string& type, const std::string& rules, std::string_view key, const Options& options = {})
{
    Scratch dir;
    CapturedLog log(dir);
    auto answer = ask(type + ":" + dir.write("rules", rules), key, options);
    return {answer, log.text()};
}

}  // namespace

TEST_CASE("pattern tables try their rules in order, with conditions", "[table]")
{
    struct Case { const char* rules; const char* key; const char* answer; };
    for (const std::string type : {"regexp", "pcre"})
        for (auto c : {Case{"/a/ 1\n/ab/ 2\n", "ab", "1"}, {"/ab/ 2\n/a/ 1\n", "xaby", "2"}, {"/a/ 1\n", "A", "1"}, {"/a/i 1\n", "A", "-"},
                       {"/a/ii 1\n", "A", "1"}, {"! /a/ no-a\n", "b", "no-a"}, {"!/a/ no-a\n", "ba", "-"}, {"!!/a/ a\n", "a", "a"},
                       {"|a/b| x\n", "a/b", "x"}, {"/a\\/b/ x\n", "a/b", "x"}, {"/(a)(b)?/ <$1><${2}>$(1)$$\n", "a", "<a><>a$"},
                       {"if /a/\nif /b/\n/c/ x\nendif\n/a/ y\nendif\n/./ z\n", "abd", "y"},
                       {"if /a/\nif /b/\n/c/ x\nendif\n/a/ y\nendif\n/./ z\n", "bcd", "z"},
                       {"if /a/\nif /b/\n/c/ x\nendif\n/a/ y\nendif\n/./ z\n", "abc", "x"},
                       {"IF !/a/\n/b/ x\nEndIf\n/./ y\n", "ab", "y"}, {"if ! /a/\n/b/ x\nendif\n", "b", "x"}, {"if/a/\n/c/ x\nendif\n", "ac", "x"},
                       {"/a$/m x\n", "a\nb", "x"}, {"/a$/ x\n", "a\nb", "-"}, {"# no\n/a/\n  b c\n", "a", "b c"}, {"// all\n", "", "all"}}) {
            INFO(type << ": " << c.rules << " key " << c.key);
            auto asked = ask_rules(type, c.rules, c.key);
            CHECK(asked.answer == c.answer);
            CHECK(asked.warnings == "");
        }
}

TEST_CASE("a bad rule is skipped with a warning that names it", "[table]")
{
    struct Case { const char* rules; const char* warning; };
    for (const std::string type : {"regexp", "pcre"})
        for (auto c : {Case{"/a/ $1\n/a/ good", "line 1: out of range replacement index \"1\": skipping this rule"},
                       {"/a/ $0\n/a/ good", "line 1: out-of-range replacement index \"0\""},
                       {"!/b/ $1\n/a/ good", "line 1: $number found in negative match replacement text: skipping this rule"},
                       {"/a/ ${1\n/a/ good", "line 1: bad replacement syntax: skipping this rule"},
                       {"/(a)/ $1x\n/a/ good", "line 1: non-numeric replacement index \"1x\""},
                       {"/a/ x$\n/a/ good", "line 1: empty macro name: \"x$\""},
                       {"/a\n/a/ good", "line 1: no closing regexp delimiter \"/\": skipping this rule"},
                       {"/a\\", "line 1: no closing regexp delimiter \"/\": skipping this rule"},
                       {"/a/q x\n/a/ good", "line 1: unknown regexp option \"q\": skipping this rule"}, {"/(/ x\n/a/ good", "line 1: "},
                       {"abc x\n/a/ good", "line 1: ignoring unrecognized request"}, {"!\n/a/ good", "line 1: no regexp: skipping this rule"},
                       {"endif\n/a/ good", "line 1: ignoring ENDIF without matching IF"},
                       {"if /a/ x\n/a/ good\nendif", "line 1: ignoring extra text after IF statement: \"x\""},
                       {"if /a/\n/a/ good\nendif x", "line 3: ignoring extra text after ENDIF"},
                       {"if /a/\n/a/ good", "line 1: IF has no matching ENDIF"}}) {
            INFO(type << ": " << c.rules);
            auto asked = ask_rules(type, c.rules, "a");
            CHECK(asked.answer == (std::string(c.rules).ends_with("\\") ? "-" : "good"));
            CHECK_THAT(asked.warnings, Contains("warning: " + type + " map ") && Contains(c.warning));
        }
    CHECK_THAT(ask_rules("regexp", "if /x/\n/a/ y\n", "a").warnings, Contains("IF has no matching ENDIF"));
    CHECK(ask_rules("regexp", "if /x/\n/a/ y\n", "a").answer == "-");
}

TEST_CASE("a table that decides about privileges has no rules with substitutions", "[table]")
{
    Options options;
    options.allow_substitution = false;
    auto asked = ask_rules("pcre", "/^(.*)@x/ /mail/$1\n/./ fixed\n", "u@x", options);
    CHECK(asked.answer == "fixed");
    CHECK_THAT(asked.warnings, Contains("line 1: regular expression substitution is not allowed: skipping this rule"));
}

TEST_CASE("pcre has its own flags and UTF-8", "[table]")
{
    CHECK(ask_rules("pcre", "/a.c/ 1", "a\nc").answer == "1");
    CHECK(ask_rules("pcre", "/a.c/s 1", "a\nc").answer == "-");
    CHECK(ask_rules("pcre", "/ a b /x 1", "ab").answer == "1");
    CHECK(ask_rules("pcre", "/b/A 1", "ab").answer == "-");
    CHECK(ask_rules("pcre", "/(a+)/U $1", "aaa").answer == "a");
    CHECK(ask_rules("pcre", "/b$/E 1", "b\n").answer == "-");
    CHECK(ask_rules("pcre", "/b$/X 1", "b").answer == "1");
    CHECK(ask_rules("pcre", "/^.$/ 1", "\xc3\xa9").answer == "1");
    CHECK(ask_rules("pcre", "/a/ 1", "\xff" "a").answer == "1");  // a key need not be UTF-8
    CHECK(ask_rules("pcre", "/(?:x)|(a)/ <$1>", "x").answer == "<>");
    CHECK(ask_rules("pcre", "/(?<=a)\\Kb/ 1", "ab").answer == "1");
}

TEST_CASE("a pattern that would take for ever is 'cannot tell', soon", "[table]")
{
    auto began = std::chrono::steady_clock::now();
    auto asked = ask_rules("pcre", "/^(a+)+$/ bad\n/./ next\n", std::string(60, 'a') + "b");
    CHECK_THAT(asked.answer, StartsWith("?error matching a pattern: "));
    asked = ask_rules("pcre", "if !/^(a|aa)+$/\n/./ next\nendif\n", std::string(60, 'a') + "b");
    CHECK_THAT(asked.answer, StartsWith("?error matching a pattern: "));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
    CHECK(ask_rules("regexp", "/^(a+)+$/ bad\n/./ next\n", std::string(60, 'a') + "b").answer == "next");
}

TEST_CASE("regexp keys may contain NUL and be empty", "[table]")
{
    CHECK(ask_rules("regexp", "/b/ 1", std::string_view("a\0b", 3)).answer == "1");
    CHECK(ask_rules("regexp", "/x*(b)/ [$1]", std::string_view("a\0b", 3)).answer == "[b]");
    CHECK(ask_rules("regexp", "/^$/ 1", "").answer == "1");
    CHECK(ask_rules("regexp", "/a+b/x 1", "a+b").answer == "1");  // x is on already: a basic expression now
}

TEST_CASE("cidr tables match addresses of both families in order", "[table]")
{
    struct Case { const char* rules; const char* key; const char* answer; };
    for (auto c : {Case{"10.0.0.0/8 ten\n0.0.0.0/0 any\n", "10.255.255.255", "ten"}, {"10.0.0.0/8 ten\n0.0.0.0/0 any\n", "11.0.0.0", "any"},
                   {"10.0.0.0/8 ten\n", "9.255.255.255", "-"}, {"10.0.0.0/8 ten\n", "host.example", "-"}, {"0.0.0.0/0 v4\n", "::1", "-"},
                   {"::/0 v6\n", "1.2.3.4", "-"}, {"1.2.3.4 x\n", "1.2.3.4", "x"}, {"1.2.3.4/32 x\n", "1.2.3.5", "-"},
                   {"1.2.3.4/31 x y\n", "1.2.3.5", "x y"}, {"2001:db8::/32 d\n", "2001:0DB8:ffff::1", "d"}, {"[2001:db8::]/33 d\n", "2001:db8:8000::", "-"},
                   {"[2001:db8::]/33 d\n", "2001:db8:7fff::", "d"}, {"[2001:db8::/33] d\n", "2001:db8:7fff::", "d"}, {"[::1] l\n", "0:0:0:0:0:0:0:1", "l"},
                   {"::1/128 l\n", "::2", "-"}, {"::ffff:1.2.3.0/120 m\n", "1.2.3.9", "m"}, {"1.2.3.0/24 m\n", "::ffff:1.2.3.9", "m"},
                   {"!1.2.3.0/24 n\n", "1.2.4.0", "n"}, {"!1.2.3.0/24 n\n", "1.2.3.4", "-"}, {"!1.2.3.0/24 n\n", "::1", "-"}, {"! 1.2.3.4 n\n", "1.2.3.5", "n"},
                   {"if 1.0.0.0/8\n1.2.3.4 in\nendif\n1.2.3.5 out\n", "1.2.3.5", "out"}, {"if !1.0.0.0/8\n0.0.0.0/0 x\nendif\n", "2.0.0.1", "x"},
                   {"if !1.0.0.0/8\n0.0.0.0/0 x\nendif\n", "1.0.0.1", "-"}, {"1.2.3.4 x\n", "[1.2.3.4]", "-"}, {"1.2.3.4 x\n", "", "-"}}) {
        INFO(c.rules << " key " << c.key);
        auto asked = ask_rules("cidr", c.rules, c.key);
        CHECK(asked.answer == c.answer);
        CHECK(asked.warnings == "");
    }
}

TEST_CASE("a key with a NUL in it is no address", "[table]")
{
    CHECK(ask("cidr:{{1.2.3.4 x}}", std::string_view("1.2.3.4\0x", 9)) == "-");
}

TEST_CASE("a bad network is skipped with a warning that says what was meant", "[table]")
{
    struct Case { const char* rule; const char* warning; };
    for (auto c : {Case{"10.0.0.1/8 x", "non-null host address bits in \"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" instead"},
                   {"2001:db8::1/32 x", "perhaps you should use \"2001:db8::/32\" instead"}, {"foo x", "bad address pattern: \"foo\""},
                   {"1.2.3 x", "bad address pattern: \"1.2.3\""}, {"010.0.0.1 x", "bad address pattern: \"010.0.0.1\""}, {"9.9.9.9", "no lookup result"},
                   {"1.2.3.4/33 x", "bad mask length in \"1.2.3.4/33\""}, {"::/129 x", "bad mask length"}, {"1.2.3.4/ x", "bad mask value in \"1.2.3.4/\""},
                   {"1.2.3.4/-1 x", "bad mask value"}, {"1.2.3.4/255.0.0.0 x", "bad mask value"}, {"[::1 x", "missing ']' character after \"[::1\""},
                   {"[::1]x y", "garbage after \"[::1]\""}, {"!", "no address pattern"}, {"if", "no address pattern"}, {"endif", "ENDIF without IF"},
                   {"::ffff:1.2.3.0/24 x", "bad mask length"}}) {
        INFO(c.rule);
        auto asked = ask_rules("cidr", std::string(c.rule) + "\n9.9.9.9 good\n", "9.9.9.9");
        CHECK(asked.answer == "good");
        CHECK_THAT(asked.warnings, Contains(", line 1: ") && Contains(c.warning) && Contains(": skipping this rule\n"));
    }
}

TEST_CASE("rules may stand in the table's name", "[table]")
{
    CHECK(ask("cidr:{{1.2.3.0/24 x}, {5.5.5.5 y z}}", "5.5.5.5") == "y z");
    CHECK(ask("regexp:{ { /^a{2}$/ two } , {/./ one} }", "aa") == "two");
    CHECK(ask("pcre:{{if /a/}{/ab/ x}{endif}{/./ y}}", "a") == "!pcre map: syntax error after '}' in \"{if /a/}{/ab/ x}{endif}{/./ y}\"");
    CHECK(ask("pcre:{{if /a/}, {/ab/ x}, {endif}, {/./ y}}", "a") == "y");
    CHECK(ask("cidr:{1.2.3.4 x}", "1.2.3.4") == "!cidr map: no '{' at start of text in \"1.2.3.4\"");
    CHECK(ask("cidr:{{1.2.3.4 x}", "1.2.3.4") == "!cidr map: missing '}' in \"{{1.2.3.4 x}\"");
    CHECK(ask("cidr:{{1.2.3.4 x}} y", "1.2.3.4") == "!cidr map: syntax error after '}' in \"{{1.2.3.4 x}} y\"");
    CHECK_THAT(ask("regexp:/no/such", "a"), StartsWith("!open /no/such: No such file"));
}

TEST_CASE("pipes and unions of tables nest", "[table]")
{
    struct Case { const char* table; const char* answer; };
    for (auto c : {Case{"pipemap:{inline:{a=b},inline:{b=c}}", "c"}, {"pipemap:{inline:{a=b}, inline:{c=c}}", "-"}, {"pipemap:{inline:{a=b},fail:x}", "?Application error"},
                   {"pipemap:{inline:{z=b},fail:x}", "-"}, {"unionmap:{inline:{a=b},static:c, inline:{x=y}}", "b,c"}, {"unionmap:{inline:{x=y}}", "-"},
                   {"unionmap:{static:x,fail:b}", "?Application error"}, {"unionmap:{static:{x y}}", "x y"},
                   {"pipemap:{pipemap:{inline:{a=b},inline:{b=c}},unionmap:{static:x,inline:{c=z}}}", "x,z"},
                   {"unionmap:{pipemap:{inline:{a=b},cidr:{{1.2.3.4 x}}},regexp:{{/a{1}/ $$}}}", "$"},
                   {"pipemap:{}", "!bad syntax: \"pipemap:{}\"; need \"pipemap:{type:name...}\""},
                   {"pipemap:x", "!bad syntax: \"pipemap:x\"; need \"pipemap:{type:name...}\""},
                   {"unionmap:{static:x y}", "!bad syntax: \"unionmap:{static:x y}\"; need \"unionmap:{type:name...}\""},
                   {"unionmap:{static:x,texthash:/no/such}", "!open database /no/such: No such file or directory"}}) {
        INFO(c.table);
        CHECK(ask(c.table, "a") == c.answer);
    }
    CHECK((*open("unionmap:{cidr:{{1.2.3.4 x}},static:y}"))->takes_whole_keys_only());
    CHECK_FALSE((*open("pipemap:{static:y,cidr:{{1.2.3.4 x}}}"))->takes_whole_keys_only());
    CHECK((*open("unionmap:{static:a,static:b}"))->owner() == 0);
    CHECK((*open("unionmap:{static:a,fail:b}"))->owner() == std::nullopt);
}
