#include "table/table.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "answers.h"
#include "scratch.h"

using namespace mta;
using namespace mta::table;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("a type that does not exist is refused with the names of those that do", "[table]")
{
    for (auto name : {"ldap:/x", "mysql:/x", "proxy:hash:/x", "socketmap:inet:h:1:n", "HASH:x"})
        CHECK_THAT(ask(name, "k"), StartsWith("!unsupported dictionary type: ") && Contains("hash") && Contains("texthash"));
    for (auto name : {"static:", ":x", ""})
        CHECK_THAT(ask(name, "k"), StartsWith("!open dictionary: expecting \"type:name\" form instead of \""));
}

TEST_CASE("a name without a type is of the default type", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "k v\n");
    Options options;
    options.default_type = "texthash";
    CHECK(ask(file, "k", options) == "v");
    auto odd = dir.write("a:b", "k w\n");
    CHECK(ask(odd, "k", options) == "w");  // a path begins with a slash: its colon is no type's
    CHECK((*open(file, options))->name() == "texthash:" + file);
}

TEST_CASE("texthash reads entries, comments and continuation lines as postmap does", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "# comment\nFoo   bar baz\n  cont\n# between\n\n  more\r\nfoo second\nonly-a-key\n"
                                  "\"a b\"c  val\n\"open val\na\\ b z\n\xc3\x80" "B V\xc3\xa9\nbad\xff x\nkey: v\nlast noeol");
    CapturedLog log(dir);
    auto table = open("texthash:" + file);
    REQUIRE(table);
    struct Case { const char* key; const char* answer; };
    for (auto c : {Case{"foo", "bar baz  cont  more"}, {"FOO", "bar baz  cont  more"}, {"only-a-key", "-"}, {"\"a b\"c", "val"},
                   {"a b", "-"}, {"a\\ b", "z"}, {"\xc3\xa0" "b", "V\xc3\xa9"}, {"\xc3\x80" "B", "V\xc3\xa9"}, {"bad\xff", "-"},
                   {"key:", "v"}, {"last", "noeol"}, {"", "-"}, {"# comment", "-"}})
        CHECK(text((*table)->find(c.key)) == c.answer);
    for (auto warning : {", line 7: duplicate entry: \"foo\"\n",
                         ", line 8: expected format: key whitespace value -- ignoring this line\n",
                         ", line 10: unbalanced '\"' in '\"open val' -- ignoring this line\n",
                         ", line 13: non-UTF-8 input \"bad? x\" -- ignoring this line\n",
                         ", line 14: record is in \"key: value\" format; is this an alias file?\n"})
        CHECK_THAT(log.text(), Contains("warning: " + file + warning));
    Options exact;
    exact.fold = false;
    auto as_written = open("texthash:" + file, exact);
    CHECK(text((*as_written)->find("Foo")) == "bar baz  cont  more");
    CHECK(text((*as_written)->find("foo")) == "second");
}

TEST_CASE("a text that begins with a continuation line loses it", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "\n  lost x\n lost2 y\nA b\n");
    CapturedLog log(dir);
    CHECK(ask("texthash:" + file, "lost") == "-");
    CHECK(ask("texthash:" + file, "a") == "b");
    CHECK_THAT(log.text(), Contains(file + ": logical line must not start with whitespace: \"  lost x lost2 y\"\n"));
}

TEST_CASE("a source that cannot be read is an error when the table is opened", "[table]")
{
    Scratch dir;
    CHECK(ask("texthash:" + dir.path("no"), "k") == "!open database " + dir.path("no") + ": No such file or directory");
    CHECK(ask("texthash:" + dir.path(""), "k") == "!read " + dir.path("") + ": Is a directory");
}

TEST_CASE("inline tables take pairs, in braces with white space", "[table]")
{
    struct Case { const char* table; const char* key; const char* answer; };
    for (auto c : {Case{"inline:{a=b, { c = d e }, {f=g h},}", "c", "d e"}, {"inline:{a=b c=d}", "c", "d"},
                   {"inline:{ {F = g  h } }", "f", "g  h"}, {"inline:{ {F = g  h } }", "F", "g  h"},
                   {"inline:{a=b a=c}", "a", "c"}, {"inline:{a=}", "a", ""}, {"inline:{a=b=c}", "a", "b=c"},
                   {"inline:{a=b}", "b", "-"}})
        CHECK(ask(c.table, c.key) == c.answer);
    for (auto bad : {"{a=b, c = d}", "{a}", "{{a b=c}}", "{}", "a=b", "{a=b", "{a=b}x", "{=b}", "{{a=b}x}"}) {
        INFO(bad);
        auto answer = ask(std::string("inline:") + bad, "a");
        CHECK_THAT(answer, StartsWith("!"));
        CHECK_THAT(answer, Contains("need \"inline:{name=value...}\""));
    }
}

TEST_CASE("static has one value for all keys, fail none for any", "[table]")
{
    CHECK(ask("static:x", "any") == "x");
    CHECK(ask("static:{ x y }", "") == "x y");
    CHECK(ask("static:{x", "k") == "!bad static:name syntax: missing '}' in \"{x\"");
    CHECK(ask("fail:x", "any") == "?Application error");
}

TEST_CASE("unix tables answer as the system's databases are written", "[table]")
{
    CHECK_THAT(ask("unix:passwd.byname", "root"), StartsWith("root:") && Contains(":0:0:"));
    CHECK_THAT(ask("unix:passwd.byname", "ROOT"), StartsWith("root:"));
    CHECK(ask("unix:passwd.byname", "no-such-user") == "-");
    CHECK(ask("unix:passwd.byname", std::string_view("root\0x", 6)) == "-");
    CHECK_THAT(ask("unix:group.byname", "root"), StartsWith("root:"));
    CHECK(ask("unix:hosts.byname", "x") == "!unknown table: unix:hosts.byname");
}

TEST_CASE("a text table knows when its file was replaced, and who owns it", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "k v\n");
    auto table = open("texthash:" + file);
    REQUIRE(table);
    CHECK_FALSE((*table)->is_stale());
    CHECK((*table)->owner() == ::geteuid());
    dir.write("new", "k w\n");
    std::filesystem::rename(dir.path("new"), file);
    CHECK((*table)->is_stale());
    CHECK(text((*table)->find("k")) == "v");
    std::filesystem::remove(file);
    CHECK_FALSE((*table)->is_stale());  // nothing better to be had
}
