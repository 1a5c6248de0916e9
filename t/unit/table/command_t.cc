#include "table/command.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <iostream>
#include <sstream>

#include "answers.h"
#include "base/text.h"
#include "scratch.h"
#include "table/message_lines.h"
#include "table/rebuild.h"

using namespace mta;
using namespace mta::table;
using Catch::Matchers::Contains;

namespace {

constexpr CommandDialect postmap{"postmap", "bc:d:fFhijmnNopq:rsuvw", "USAGE", "specify only one of -s -q or -d", "\t", Syntax::table};

struct Outcome {
    int status;
    std::string out, err;
};

// Runs the command in a child process of its own: it may end in log::fatal().
Outcome run(const Scratch& dir, std::vector<std::string> arguments, const std::string& input = "")
{
    dir.write("main.cf", "default_database_type = btree\n");
    arguments.insert(arguments.begin(), {"postmap", "-c", dir.path("")});
    dir.write("in", input);
    std::cout.flush();
    auto child = ::fork();
    if (child == 0) {
        bool ready = std::freopen(dir.path("in").c_str(), "r", stdin) && std::freopen(dir.path("out").c_str(), "w", stdout) &&
                     std::freopen(dir.path("err").c_str(), "w", stderr);
        std::vector<char*> argv;
        for (auto& argument : arguments)
            argv.push_back(argument.data());
        argv.push_back(nullptr);
        int status = ready ? run_command(postmap, static_cast<int>(arguments.size()), argv.data()) : 99;
        std::cout.flush();
        ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, dir.read("out"), dir.read("err")};
}

std::string lines_of(const std::string& message, bool headers, bool body)
{
    std::istringstream stream(message);
    std::string all;
    for_each_message_line(stream, headers, body, [&](const std::string& line) { all += "[" + line + "]"; });
    return all;
}

}  // namespace

TEST_CASE("postmap builds, asks, lists, adds and removes", "[table]")
{
    Scratch dir;
    auto table = "hash:" + dir.write("list", "a 1\nb 2\n");
    auto built = run(dir, {table});
    CHECK(built.status == 0);
    CHECK(built.out + built.err == "");
    CHECK(run(dir, {"-q", "A", table}).out == "1\n");
    CHECK(run(dir, {"-q", "x", table}).status == 1);
    CHECK(run(dir, {"-q", "", table}).status == 1);
    CHECK(run(dir, {"-fq", "A", table}).status == 1);
    auto several = run(dir, {"-q", "-", table, "static:z"}, "b\nx\n");
    CHECK(several.status == 0);
    CHECK(several.out == "b\t2\nx\tz\n");
    CHECK(run(dir, {"-q", "-", table}, "x\ny\n").status == 1);
    CHECK(run(dir, {"-i", table}, "c \"3\"\n").status == 0);
    CHECK(run(dir, {"-jq", "c", table}).out == "{\"c\": \"\\\"3\\\"\"}\n");
    CHECK(run(dir, {"-i", table}, "c 4\n").err == "postmap: warning: " + dir.path("list") + ".db: duplicate entry: \"c\"\n");
    CHECK(run(dir, {"-d", "c", table}).status == 0);
    CHECK(run(dir, {"-d", "c", table}).status == 1);
    CHECK(run(dir, {"-d", "-", table}, "b\nx\n").status == 0);
    CHECK(run(dir, {"-s", table}).out == "a\t1\n");
}

TEST_CASE("postmap makes the default type of main.cf", "[table]")
{
    Scratch dir;
    auto file = dir.write("list", "a 1\n");
    CHECK(run(dir, {file}).status == 0);
    CHECK(ask("btree:" + file, "a") == "1");
    CHECK(run(dir, {"-q", "a", file}).out == "1\n");
}

TEST_CASE("postmap says what is wrong and exits with 1", "[table]")
{
    Scratch dir;
    struct Case { std::vector<std::string> arguments; const char* text; };
    for (const auto& c : {Case{{}, "postmap: fatal: usage: postmap USAGE\n"}, {{"-z", "x"}, "postmap: invalid option -- 'z'\npostmap: fatal: usage: postmap USAGE\n"},
                          {{"-q"}, "postmap: option requires an argument -- 'q'\npostmap: fatal: usage: postmap USAGE\n"},
                          {{"-q", "a", "-s", "static:x"}, "postmap: fatal: specify only one of -s -q or -d\n"},
                          {{"-q", "a", "fail:x"}, "postmap: fatal: table fail:x: query error: Application error\n"},
                          {{"-s", "static:x"}, "postmap: fatal: table static:x: sequence operation is not supported\n"},
                          {{"-d", "a", "static:x"}, "postmap: fatal: table static:x: delete operation is not supported\n"},
                          {{"-hq", "a", "static:x"}, "postmap: fatal: specify -b or -h only with \"-q -\"\n"},
                          {{"/no/such"}, "postmap: fatal: open /no/such: No such file or directory\n"}}) {
        auto outcome = run(dir, c.arguments);
        CHECK(outcome.status == 1);
        CHECK(outcome.err == c.text);
        CHECK(outcome.out == "");
    }
    CHECK_THAT(run(dir, {"-hmq", "-", "static:x"}).err, Contains("postmap: fatal: -m: MIME parsing"));
    CHECK(run(dir, {"-c", "/no/such", "-q", "a", "static:x"}).err == "postmap: fatal: open /no/such/main.cf: No such file or directory\n");
    CHECK(run(dir, {"-q", "a", "inline:{a=}"}).err ==
          "postmap: warning: table inline:{a=}: key a: empty string result is not allowed\n"
          "postmap: warning: table inline:{a=} should return NO RESULT in case of NOT FOUND\n");
}

TEST_CASE("postmap -F gives back the content of files, or says that it is none", "[table]")
{
    Scratch dir;
    auto table = "hash:" + dir.write("list", "k " + dir.write("one", std::string("1\n\0x", 4)) + "\n");
    CHECK(run(dir, {"-F", table}).status == 0);
    CHECK(run(dir, {"-Fq", "k", table}).out == std::string("1\n\0x\n", 5));
    CHECK(run(dir, {"-Fs", table}).out == std::string("k\t1\n\0x\n", 7));
    CHECK_THAT(run(dir, {"-Fq", "k", "static:%%"}).err, Contains("key k: malformed BASE64 value"));
}

TEST_CASE("header and body lines become keys", "[table]")
{
    const std::string message = "A: 1\r\n  more\nB : 2\n\nbody: x\n\n last";
    CHECK(lines_of(message, true, false) == "[A: 1\n  more][B : 2]");
    CHECK(lines_of(message, false, true) == "[body: x][][ last]");
    CHECK(lines_of(message, true, true) == "[A: 1\n  more][B : 2][body: x][][ last]");
    CHECK(lines_of("A: 1\nno header\nB: 2\n", true, false) == "[A: 1]");
    CHECK(lines_of("A: 1\nno header\nB: 2\n", false, true) == "[no header][B: 2]");
    CHECK(lines_of(": no name\nx y: z\n", true, false) == "");
    CHECK(lines_of("A: 1", true, false) == "[A: 1]");
}

TEST_CASE("an open table needs no file to be opened", "[table]")
{
    Scratch dir;
    std::string text;
    for (int i = 0; i < 2000; ++i)
        text += cat("key", i, " ", i, "\n");
    auto file = dir.write("list", text);
    std::vector<std::unique_ptr<Table>> tables;
    for (std::string type : {"hash:", "btree:", "texthash:"}) {
        if (type != "texthash:")
            REQUIRE(build(type + file));
        auto table = open(type + file);
        REQUIRE(table);
        tables.push_back(std::move(*table));
    }
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    std::string answers;
    for (const auto& table : tables)
        for (int i = 0; i < 2000; i += 13)
            if (auto found = table->find(cat("key", i)); !found || *found != cat(i))
                answers += table->name() + " " + mta::table::text(found) + "\n";
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(answers == "");
}

TEST_CASE("root works in another user's directory as that user", "[table]")
{
    if (::geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    constexpr uid_t somebody = 65533;
    Scratch dir;
    ::chmod(dir.path("").c_str(), 0755);
    auto home = dir.path("home");
    std::filesystem::create_directory(home);
    auto file = dir.write("home/list", "a 1\n");
    REQUIRE(::chown(home.c_str(), somebody, somebody) == 0);
    REQUIRE(::chown(file.c_str(), somebody, somebody) == 0);
    auto owner_of = [](const std::string& path) {
        struct stat status {};
        return ::stat(path.c_str(), &status) == 0 ? static_cast<long>(status.st_uid) : -1;
    };
    REQUIRE(build("hash:" + file));
    CHECK(owner_of(file + ".db") == somebody);
    CHECK(::geteuid() == 0);
    CHECK((*open("hash:" + file))->owner() == somebody);
    // What that user may not write stays as it is, unless root says -o.
    REQUIRE(::chown(home.c_str(), 0, somebody) == 0);
    ::chmod(home.c_str(), 0775);
    std::filesystem::remove(file + ".db");
    REQUIRE(::chown(home.c_str(), 1, 1) == 0);
    ::chmod(home.c_str(), 0755);
    CHECK_FALSE(build("hash:" + file));
    CHECK(::geteuid() == 0);
    BuildOptions as_root;
    as_root.become_owner = false;
    REQUIRE(build("hash:" + file, as_root));
    CHECK(owner_of(file + ".db") == 0);
}
