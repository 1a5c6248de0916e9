#include "table/build.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>

#include "answers.h"
#include "base/text.h"
#include "scratch.h"
#include "table/bdb.h"

using namespace mta;
using namespace mta::table;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::map<std::string, std::string> entries(const std::string& table)
{
    std::map<std::string, std::string> result;
    auto listed = list(table, [&](std::string_view key, std::string_view value) { result.emplace(key, value); });
    if (!listed)
        result["error"] = listed.error().text;
    return result;
}

struct Warnings {
    std::vector<std::string> texts;
    BuildOptions options()
    {
        BuildOptions result;
        result.warn = [this](const std::string& text) { texts.push_back(text); };
        return result;
    }
};

std::string many_entries(int count)
{
    std::string text;
    for (int i = 0; i < count; ++i)
        text += cat("key", i, "@example.com  value number ", i, "\n");
    return text;
}

unsigned mode_of(const std::string& path)
{
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

}  // namespace

TEST_CASE("hash and btree tables answer what their text says", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", many_entries(3000) + "Big " + std::string(20000, 'x') + "\n");
    for (std::string type : {"hash:", "btree:"}) {
        auto built = build(type + file);
        REQUIRE(built);
        CHECK(built->entries == 3001);
        CHECK(built->warnings == 0);
        auto table = open(type + file);
        REQUIRE(table);
        CHECK(text((*table)->find("key0@example.com")) == "value number 0");
        CHECK(text((*table)->find("KEY2999@Example.Com")) == "value number 2999");
        CHECK(text((*table)->find("key3000@example.com")) == "-");
        CHECK(text((*table)->find("big")) == std::string(20000, 'x'));
        CHECK(entries(type + file).size() == 3001);
        CHECK(std::distance(std::filesystem::directory_iterator(dir.path("")), {}) == 2);  // no temporary file is left
    }
}

TEST_CASE("a hash file is no btree file", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "k v\n");
    REQUIRE(build("hash:" + file));
    CHECK(ask("btree:" + file, "k") ==
          "!open database " + file + ".db: Invalid argument (run \"postmap btree:" + file + "\")");
}

TEST_CASE("a missing database names the command that makes it", "[table]")
{
    Scratch dir;
    CHECK_THAT(ask("hash:" + dir.path("x"), "k"), Contains(".db: No such file or directory (run \"postmap hash:" + dir.path("x")));
    CHECK_THAT(ask("hash:" + dir.path("aliases"), "k"), Contains("(run \"postalias hash:"));
    dir.write("x.db", "");
    CHECK_THAT(ask("hash:" + dir.path("x"), "k"), StartsWith("!open database "));
    dir.write("x.db", std::string(8192, 'j'));
    CHECK_THAT(ask("hash:" + dir.path("x"), "k"), StartsWith("!open database "));
}

TEST_CASE("tables with and without NUL bytes can be read, and added to", "[table]")
{
    Scratch dir;
    auto table = "hash:" + dir.write("list", "one 1\n");
    BuildOptions without;
    without.add_nul = false;
    REQUIRE(build(table, without));
    CHECK(ask(table, "one") == "1");
    REQUIRE(add(table, "two 2\n", "stdin", without));
    CHECK(ask(table, "two") == "2");
    Options only_with;
    only_with.nul = true;
    CHECK(ask(table, "one", only_with) == "-");
    REQUIRE(build(table));
    CHECK(ask(table, "one") == "1");
    CHECK(ask(table, "one", only_with) == "1");
}

TEST_CASE("bad entries and duplicates are warned of in Postfix's words", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "foo 1\nFoo 2\nalone\nkey: v\n");
    Warnings warnings;
    auto stats = build("hash:" + file, warnings.options());
    REQUIRE(stats);
    CHECK(stats->entries == 2);
    CHECK(warnings.texts == std::vector<std::string>{file + ".db: duplicate entry: \"foo\"",
                                                     file + ", line 3: expected format: key whitespace value",
                                                     file + ", line 4: record is in \"key: value\" format; is this an alias file?"});
    CHECK(ask("hash:" + file, "foo") == "1");
    auto replacing = warnings.options();
    replacing.replace = true;
    REQUIRE(build("hash:" + file, replacing));
    CHECK(ask("hash:" + file, "foo") == "2");
    auto silent = warnings.options();
    silent.ignore_duplicates = true;
    warnings.texts.clear();
    REQUIRE(add("hash:" + file, "FOO 3\n", "stdin", silent));
    CHECK(warnings.texts.empty());
    CHECK(ask("hash:" + file, "foo") == "2");
}

TEST_CASE("entries are added and removed in a new file, under a reader's feet", "[table]")
{
    Scratch dir;
    auto table = "hash:" + dir.write("list", "a 1\nb 2\n");
    REQUIRE(build(table));
    auto reader = open(table);
    REQUIRE(reader);
    CHECK_FALSE((*reader)->is_stale());
    REQUIRE(add(table, "c 3\n", "stdin"));
    CHECK((*reader)->is_stale());
    auto removed = remove(table, {"A", "x", ""});
    REQUIRE(removed);
    CHECK(*removed == std::vector<bool>{true, false, false});
    CHECK(text((*reader)->find("a")) == "1");
    CHECK(text((*reader)->find("c")) == "-");
    CHECK(entries(table) == std::map<std::string, std::string>{{"b", "2"}, {"c", "3"}});
    CHECK_FALSE(remove("hash:" + dir.path("none"), {"a"}));
    CHECK(add("hash:" + dir.path("new"), "n 1\n", "stdin"));  // as postmap -i
    CHECK(ask("hash:" + dir.path("new"), "n") == "1");
}

TEST_CASE("nothing changes when a table cannot be built", "[table]")
{
    Scratch dir;
    auto table = "hash:" + dir.write("list", "a 1\n");
    REQUIRE(build(table));
    std::filesystem::remove(dir.path("list"));
    auto failed = build(table);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().text == "open " + dir.path("list") + ": No such file or directory");
    CHECK(ask(table, "a") == "1");
    CHECK(build("texthash:" + dir.write("t", "a b\n")).error().text ==
          "unsupported dictionary type: texthash does not support bulk-mode creation.");
    CHECK_THAT(build("lmdb:/x").error().text, StartsWith("unsupported dictionary type: lmdb"));
}

TEST_CASE("a new table is readable by those who can read its text, an old one keeps its rights", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "a 1\n");
    ::chmod(file.c_str(), 0640);
    REQUIRE(build("hash:" + file));
    CHECK(mode_of(file + ".db") == 0640);
    ::chmod((file + ".db").c_str(), 0604);
    REQUIRE(build("hash:" + file));
    CHECK(mode_of(file + ".db") == 0604);
    std::filesystem::remove(file + ".db");
    BuildOptions usual;
    usual.copy_mode = false;
    REQUIRE(build("hash:" + file, usual));
    CHECK(mode_of(file + ".db") == 0644);
}

TEST_CASE("-F puts the content of files in, in base64", "[table]")
{
    Scratch dir;
    auto one = dir.write("one", "1\n"), two = dir.write("two", "2\n");
    auto file = dir.write("list", "k " + one + ", " + two + "\nbad /no/such/file\n");
    Warnings warnings;
    auto options = warnings.options();
    options.values_are_files = true;
    REQUIRE(build("hash:" + file, options));
    CHECK(ask("hash:" + file, "k") == "MQoKMgo=");
    CHECK(ask("hash:" + file, "bad") == "-");
    CHECK(warnings.texts ==
          std::vector<std::string>{file + ", line 2: open /no/such/file: No such file or directory: skipping this entry"});
}

TEST_CASE("alias files are read as RFC 822 tokens", "[table]")
{
    Scratch dir;
    auto file = dir.write("aliases", R"(# comment
Root: me, you
   , "|cmd arg"
"Quoted Name": x
bar: one: two
x(comment): z
p: "x y"@z , <a@b>, :include:/x
j: <a@b.c> , Name Foo<x@y>
k: a@[1.2.3.4], b
l: a@[x\]y\\z]
m: ,a,,b,
n: \backslash
o: "unterminated
v: a\,b
i: "|/usr/bin/x -a \"q\" b", /dev/null
nocolon x
user@dom.ain: k
x, y: z
empty:
: value
dup: 1
DUP: 2
)");
    Warnings warnings;
    auto options = warnings.options();
    options.syntax = Syntax::aliases;
    REQUIRE(build("hash:" + file, options));
    auto all = entries("hash:" + file);
    CHECK(all.count("YP_LAST_MODIFIED") == 1);
    CHECK(all.count("YP_MASTER_NAME") == 1);
    all.erase("YP_LAST_MODIFIED");
    all.erase("YP_MASTER_NAME");
    CHECK(all == std::map<std::string, std::string>{{"@", "@"}, {"root", "me, you, \"|cmd arg\""}, {"quoted name", "x"},
                                                    {"bar", "one:two"}, {"x (comment)", "z"},
                                                    {"p", "\"x y\"@z, <a@b>, :include:/x"}, {"j", "<a@b.c>, Name Foo <x@y>"},
                                                    {"k", "a@[1.2.3.4], b"}, {"l", "a@[x\\]y\\\\z]"}, {"m", ", a, , b, "}, {"n", "backslash"},
                                                    {"o", "\"unterminated\""}, {"v", "\"a,b\""},
                                                    {"i", "\"|/usr/bin/x -a \\\"q\\\" b\", /dev/null"}, {"dup", "1"}});
    auto at = [&](int line, const char* what) { return cat(file, ", line ", line, ": ", what); };
    CHECK(warnings.texts ==
          std::vector<std::string>{at(16, "need name:value pair"), at(17, "name must be local"), at(18, "need name:value pair"),
                                   at(19, "need name:value pair"), at(20, "need name:value pair"),
                                   file + ".db: duplicate entry: \"dup\""});
}

TEST_CASE("a damaged database never says not there, lies, or crashes", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", many_entries(400));
    for (std::string type : {"hash:", "btree:"}) {
        REQUIRE(build(type + file));
        const auto sound = dir.read("list.db");
        int damage_seen = 0;
        for (std::size_t offset = 0; offset < sound.size(); offset += offset < 512 ? 1 : 61) {
            auto bad = sound;
            bad[offset] = static_cast<char>(bad[offset] ^ (1 << offset % 8));
            dir.write("list.db", bad);
            auto table = open(type + file);
            damage_seen += !table;
            for (int i = 0; table && i < 400; i += 7) {
                auto found = (*table)->find(cat("key", i, "@example.com"));
                if (found ? *found != cat("value number ", i) : found.error().is_permanent())
                    FAIL(type << " offset " << offset << " key " << i << ": " << text(found));
                damage_seen += !found;
            }
        }
        CHECK(damage_seen > 100);
    }
}

TEST_CASE("a database cut short is an error, not an empty table", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", many_entries(400));
    for (std::string type : {"hash:", "btree:"}) {
        REQUIRE(build(type + file));
        const auto sound = dir.read("list.db");
        for (std::size_t size = 0; size < sound.size(); size += 1000) {
            dir.write("list.db", sound.substr(0, size));
            auto table = open(type + file);
            for (int i = 0; table && i < 400; i += 7) {
                auto found = (*table)->find(cat("key", i, "@example.com"));
                if (found && *found != cat("value number ", i))
                    FAIL(type << " size " << size << " key " << i << ": " << text(found));
            }
        }
    }
}

TEST_CASE("an incremental change of a damaged database changes nothing", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", many_entries(400));
    REQUIRE(build("hash:" + file));
    auto bad = dir.read("list.db");
    for (std::size_t offset = 4096 + 100; offset < bad.size(); offset += 4096)
        bad[offset] = static_cast<char>(bad[offset] ^ 4);
    dir.write("list.db", bad);
    CHECK_FALSE(add("hash:" + file, "new 1\n", "stdin"));
    CHECK_FALSE(remove("hash:" + file, {"key1@example.com"}));
    CHECK(dir.read("list.db") == bad);
    CHECK(entries("hash:" + file).count("error") == 1);
}

TEST_CASE("files of Debian's postmap open as they are, and it opens ours", "[table]")
{
    if (::access("/usr/sbin/postmap", X_OK) != 0) {
        WARN("skipped: no /usr/sbin/postmap");
        return;
    }
    Scratch dir;
    dir.write("main.cf", "compatibility_level=3.6\n");
    auto postmap = cat("/usr/sbin/postmap -c ", dir.path(""), " ");
    auto file = dir.write("list", many_entries(400));
    for (std::string type : {"hash:", "btree:"}) {
        for (const char* flag : {"", "-N ", "-n "}) {
            std::filesystem::remove(file + ".db");
            REQUIRE(std::system(cat(postmap, flag, type, file).c_str()) == 0);
            CHECK(ask(type + file, "key7@example.com") == "value number 7");
            CHECK(ask(type + file, "key400@example.com") == "-");
            REQUIRE(add(type + file, "added 1\n", "stdin"));
            CHECK(entries(type + file).size() == 401);
        }
        CHECK(std::system(cat(postmap, "-q key399@example.com ", type, file, " | grep -qx 'value number 399'").c_str()) == 0);
    }
}

TEST_CASE("a damaged structure of a file without checksums is found when it is opened", "[table]")
{
    Scratch dir;
    auto path = dir.path("old.db");
    DB* db = nullptr;
    REQUIRE(::db_create(&db, nullptr, 0) == 0);
    REQUIRE(db->open(db, nullptr, path.c_str(), nullptr, DB_HASH, DB_CREATE, 0600) == 0);
    for (int i = 0; i < 400; ++i) {
        auto text = cat("key", i, '\0');
        DBT key{}, value{};
        key.data = value.data = text.data();
        key.size = value.size = static_cast<u_int32_t>(text.size());
        db->put(db, nullptr, &key, &value, 0);
    }
    REQUIRE(db->close(db, 0) == 0);
    CHECK(ask("hash:" + dir.path("old"), "key399") == "key399");
    auto bad = dir.read("old.db");
    for (std::size_t page = 4096; page < bad.size(); page += 4096)
        bad[page + 20] = static_cast<char>(bad[page + 20] ^ 0x55);  // the number of entries
    dir.write("old.db", bad);
    CHECK_THAT(ask("hash:" + dir.path("old"), "key399"), StartsWith("!database " + path + " is damaged"));
}
