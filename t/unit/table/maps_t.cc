#include "table/maps.h"

#include <catch2/catch.hpp>

#include "answers.h"
#include "scratch.h"
#include "table/match_list.h"

using namespace mta;
using namespace mta::table;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

Maps maps(std::string_view list)
{
    auto opened = Maps::open(list);
    REQUIRE(opened);
    return std::move(*opened);
}

std::string text(const AddressFound& found)
{
    if (!found)
        return "?" + found.error().text;
    return *found ? (*found)->value + ((*found)->extension.empty() ? "" : " " + (*found)->extension) : "-";
}

std::string text(const Result<bool>& answer) { return !answer ? "?" : *answer ? "yes" : "no"; }

MatchList list(std::string_view patterns, bool parents_match = false)
{
    MatchList::Options options;
    options.parents_match = parents_match;
    auto opened = MatchList::open(patterns, options);
    INFO(patterns);
    REQUIRE(opened);
    return std::move(*opened);
}

// A texthash of keys; every value is its key, so that the order of a search shows.
std::string keys(const Scratch& dir, std::initializer_list<const char*> list)
{
    std::string content;
    for (auto key : list)
        content += std::string(key) + " " + key + "\n";
    return "texthash:" + dir.write("keys", content);
}

}  // namespace

TEST_CASE("maps answer with the first hit, and stop at a table that cannot tell", "[table]")
{
    CHECK(text(maps("inline:{a=1}, inline:{a=2 b=3}").find("a")) == "1");
    CHECK(text(maps("inline:{a=1} inline:{a=2 b=3}").find("b")) == "3");
    CHECK(text(maps("inline:{a=1}").find("x")) == "-");
    CHECK(text(maps("").find("x")) == "-");
    CHECK(text(maps("inline:{a=1},fail:x,static:y").find("a")) == "1");
    CHECK_THAT(text(maps("inline:{a=1},fail:x,static:y").find("b")), StartsWith("?fail:x lookup error for \"b\""));
    CHECK(text(maps("static:y").find("")) == "-");
    CHECK_THAT(text(maps("inline:{a=},static:y").find("a")), Contains("returns an empty string result"));
    CHECK_FALSE(Maps::open("static:a, nosuch:b"));
    auto two = maps("inline:{a=1},static:z");
    CHECK((*two.search("q"))->table == two.tables()[1].get());
}

TEST_CASE("parts of keys are not shown to pattern tables", "[table]")
{
    auto both = maps("regexp:{{/./ pattern}},static:fixed");
    CHECK(text(both.find("k")) == "pattern");
    CHECK(text(both.find("k", Key::part)) == "fixed");
}

TEST_CASE("a virtual address is looked up from the special to the general", "[table]")
{
    Scratch dir;
    AddressOptions options{"+", [](std::string_view domain) -> Result<bool> { return domain == "here"; }};
    struct Case { std::initializer_list<const char*> keys; const char* address; const char* answer; };
    for (const auto& c : {Case{{"u+x@here", "u@here", "u+x", "u", "@here"}, "u+x@here", "u+x@here"}, {{"u@here", "u+x", "u", "@here"}, "u+x@here", "u@here +x"},
                          {{"u+x", "u", "@here"}, "u+x@here", "u+x"}, {{"u", "@here"}, "u+x@here", "u +x"}, {{"@here"}, "u+x@here", "@here"},
                          {{"u+x", "u", "@there"}, "u+x@there", "@there"}, {{"u+x", "u"}, "u+x@there", "-"}, {{"u@here"}, "U@HERE", "u@here"},
                          {{"\"a@b\"@here"}, "\"a@b\"@here", "\"a@b\"@here"}, {{"u"}, "u", "u"}, {{"u"}, "u+x", "u +x"}, {{"here"}, "u@here", "-"}}) {
        INFO(c.address);
        CHECK(text(find_address(maps(keys(dir, c.keys)), c.address, options)) == c.answer);
    }
    CHECK(text(find_address(maps("regexp:{{/^@here/ whole-only}}"), "u@here", options)) == "-");
    CHECK_THAT(text(find_address(maps("fail:x"), "u@here", options)), StartsWith("?"));
    options.is_local = [](std::string_view) -> Result<bool> { return failure("cannot tell"); };
    CHECK(text(find_address(maps(keys(dir, {"@here"})), "u@here", options)) == "?cannot tell");
}

TEST_CASE("a mailbox has no bare users", "[table]")
{
    Scratch dir;
    CHECK(text(find_mailbox(maps(keys(dir, {"u", "u+x", "@d"})), "u+x@d", "+")) == "@d");
    CHECK(text(find_mailbox(maps(keys(dir, {"u@d", "@d"})), "u+x@d", "+")) == "u@d +x");
    CHECK(text(find_mailbox(maps(keys(dir, {"u@d"})), "u+x@d", "")) == "-");
    CHECK(text(find_mailbox(maps(keys(dir, {"u@d"})), "u-x@d", "+-")) == "u@d -x");
}

TEST_CASE("an extension is never cut out of what is no user", "[table]")
{
    struct Case { const char* local; const char* delimiters; std::size_t at; };
    constexpr auto none = std::string_view::npos;
    for (auto c : {Case{"u+x", "+", 1}, {"u", "+", none}, {"+x", "+", none}, {"u+", "+", 1}, {"u+x-y", "-+", 1}, {"owner-list", "-", none}, {"owner-list", "+", none},
                   {"owner-l+x", "+", 7}, {"list-request", "-", none}, {"-request", "-", none}, {"MAILER-DAEMON", "-", none}, {"double-bounce", "-", none}, {"u+x", "", none}}) {
        INFO(c.local << " " << c.delimiters);
        CHECK(extension_of(c.local, c.delimiters) == c.at);
    }
}

TEST_CASE("a transport is looked up by address, domain, parents and *", "[table]")
{
    Scratch dir;
    struct Case { std::initializer_list<const char*> keys; bool parents; const char* answer; };
    for (const auto& c : {Case{{"u+x@a.b.c", "u@a.b.c", "a.b.c", "b.c", ".b.c", "c", "*"}, true, "u+x@a.b.c"}, {{"u@a.b.c", "a.b.c", "*"}, true, "u@a.b.c"},
                          {{"a.b.c", "b.c", "*"}, true, "a.b.c"}, {{"b.c", ".b.c", "*"}, true, "b.c"}, {{"b.c", ".b.c", "*"}, false, ".b.c"}, {{"b.c", "*"}, false, "*"},
                          {{"c", "*"}, true, "c"}, {{".c", "*"}, false, ".c"}, {{"*"}, true, "*"}, {{"u", "@a.b.c"}, true, "-"}})
        CHECK(text(find_transport(maps(keys(dir, c.keys)), "u+x@a.b.c", "+", c.parents)) == c.answer);
    CHECK(text(find_transport(maps(keys(dir, {"2.3.4]", "[1.2.3.4]"})), "u@[1.2.3.4]", "+")) == "[1.2.3.4]");
    CHECK(text(find_transport(maps(keys(dir, {"2.3.4]", ".2.3.4]"})), "u@[1.2.3.4]", "+")) == "-");
}

TEST_CASE("access tables are searched as access(5) says", "[table]")
{
    Scratch dir;
    struct Case { std::initializer_list<const char*> keys; bool parents; const char* answer; };
    for (const auto& c : {Case{{"u+x@b.c", "u@b.c", "b.c", "u@", "u+x@"}, true, "u+x@b.c"}, {{"u@b.c", "b.c", "u@"}, true, "u@b.c"}, {{"b.c", "c", "u@"}, true, "b.c"},
                          {{"c", "u@"}, true, "c"}, {{"c", ".c", "u@"}, false, ".c"}, {{"u+x@", "u@"}, true, "u+x@"}, {{"u@"}, true, "u@"}, {{"u", "@b.c"}, true, "-"}})
        CHECK(text(find_access(maps(keys(dir, c.keys)), "u+x@b.c", "+", c.parents)) == c.answer);
    CHECK(text(find_access(maps(keys(dir, {"<>"})), "<>", "+")) == "<>");
    CHECK(text(find_host_access(maps(keys(dir, {"b.c"})), "a.b.c", true)) == "b.c");
    CHECK(text(find_host_access(maps(keys(dir, {"b.c"})), "a.b.c", false)) == "-");
    CHECK(text(find_host_access(maps("regexp:{{/^a\\.b\\.c$/ whole}}"), "a.b.c")) == "whole");
    CHECK(text(find_address_access(maps(keys(dir, {"192.0", "192.0.2"})), "192.0.2.1")) == "192.0.2");
    CHECK(text(find_address_access(maps(keys(dir, {"192"})), "192.0.2.1")) == "192");
    CHECK(text(find_address_access(maps(keys(dir, {"19"})), "192.0.2.1")) == "-");
    CHECK(text(find_address_access(maps(keys(dir, {"2001:db8"})), "2001:db8::1")) == "2001:db8");
    CHECK(text(find_address_access(maps(keys(dir, {"x"})), "::1")) == "-");
    CHECK(text(find_address_access(maps("cidr:{{192.0.2.0/24 net}}"), "192.0.2.1")) == "net");
}

TEST_CASE("a list of domains has names, dots, exceptions and tables", "[table]")
{
    struct Case { const char* patterns; const char* domain; const char* strict; const char* parents; };
    for (auto c : {Case{"a.b, c.d", "c.d", "yes", "yes"}, {"a.b c.d", "A.B", "yes", "yes"}, {"a.b", "x.a.b", "no", "yes"}, {".a.b", "x.a.b", "yes", "no"},
                   {".a.b", "a.b", "no", "no"}, {"a.b", "xa.b", "no", "no"}, {"!x.a.b, .a.b, a.b", "x.a.b", "no", "no"}, {"!x.a.b, .a.b, a.b", "y.a.b", "yes", "yes"},
                   {"!!a.b", "a.b", "yes", "yes"}, {"inline:{a.b=1}", "a.b", "yes", "yes"}, {"inline:{a.b=1}", "x.a.b", "no", "yes"}, {"inline:{.a.b=1}", "x.a.b", "yes", "no"},
                   {"!inline:{a.b=1}, a.b", "a.b", "no", "no"}, {"fail:x, a.b", "a.b", "?", "?"}, {"a.b, fail:x", "a.b", "yes", "yes"},
                   {"regexp:{{/^b$/ x}}", "a.b", "no", "no"}, {"", "a.b", "no", "no"}, {"a.b", "", "no", "no"}, {"[1.2.3.4]", "[1.2.3.4]", "yes", "yes"},
                   {"m\xc3\xbc.de", "M\xc3\x9c.DE", "yes", "yes"}}) {
        INFO(c.patterns << " " << c.domain);
        CHECK(text(list(c.patterns).has_domain(c.domain)) == c.strict);
        CHECK(text(list(c.patterns, true).has_domain(c.domain)) == c.parents);
    }
}

TEST_CASE("a list of clients has networks, addresses and names", "[table]")
{
    struct Case { const char* patterns; const char* name; const char* address; const char* answer; };
    for (auto c : {Case{"127.0.0.0/8 [::1]/128", "h", "127.3.2.1", "yes"}, {"127.0.0.0/8 [::1]/128", "h", "::1", "yes"}, {"127.0.0.0/8 [::1]/128", "h", "::2", "no"},
                   {"[2001:db8::/32]", "h", "2001:db8::9", "yes"}, {"192.0.2.1", "h", "192.0.2.1", "yes"}, {"!192.0.2.1, 192.0.2.0/24", "h", "192.0.2.1", "no"},
                   {"!192.0.2.1, 192.0.2.0/24", "h", "192.0.2.2", "yes"}, {"host.example", "host.example", "192.0.2.1", "yes"}, {".example", "host.example", "192.0.2.1", "yes"},
                   {"cidr:{{192.0.2.0/24 x}}", "h", "192.0.2.1", "yes"}, {"inline:{192.0.2.1=x}", "h", "192.0.2.1", "yes"}, {"inline:{192.0.2=x}", "h", "192.0.2.1", "no"},
                   {"fail:x", "h", "192.0.2.1", "?"}, {"192.0.2.0/24", "192.0.2.0", "unknown", "no"}, {"0.0.0.0/0", "h", "::1", "no"}, {"10.0.0.0/8", "h", "::ffff:10.1.1.1", "yes"}}) {
        INFO(c.patterns << " " << c.address);
        CHECK(text(list(c.patterns).has_client(c.name, c.address)) == c.answer);
    }
    CHECK(text(list("192.0.2.0/24, host").has_address("192.0.2.7")) == "yes");
    CHECK(text(list("192.0.2.0/24, host").has_address("host")) == "no");
    CHECK(text(list("root, !.x, inline:{amy=}").has_word("Root")) == "yes");
    CHECK(text(list("root, static:any").has_word("amy")) == "yes");
    CHECK(text(list(".x").has_word("a.x")) == "no");
}

TEST_CASE("a list may stand in files, and knows when they change", "[table]")
{
    Scratch dir;
    auto inner = dir.write("inner", "deep.example\n");
    auto file = dir.write("domains", "# comment\none.example\ntwo.example, three.example\n !" + inner + "\n");
    auto domains = list(file + ", x");
    CHECK(text(domains.has_domain("three.example")) == "yes");
    CHECK(text(domains.has_domain("deep.example")) == "no");
    CHECK(text(domains.has_domain("x")) == "yes");
    CHECK(text(list("!" + file + ", one.example, deep.example").has_domain("one.example")) == "no");
    CHECK(text(list("!" + file + ", one.example, deep.example").has_domain("deep.example")) == "yes");
    CHECK_FALSE(domains.is_stale());
    dir.write("inner", "other.example\n");
    CHECK(domains.is_stale());
}

TEST_CASE("a list that cannot be read is refused when it is opened", "[table]")
{
    Scratch dir;
    auto loop = dir.path("loop");
    dir.write("loop", loop + "\n");
    for (auto bad : {std::string("/no/such/file"), std::string("nosuch:x"), std::string("10.0.0.1/8"), std::string("10.0.0.0/33"), std::string("!"), loop,
                     std::string("hash:/no/such")}) {
        INFO(bad);
        CHECK_FALSE(MatchList::open("a, " + bad));
    }
    CHECK_THAT(MatchList::open("10.0.0.1/8").error().text, Contains("perhaps you should use \"10.0.0.0/8\""));
    CHECK(MatchList::open("")->empty());
}

TEST_CASE("tables that were replaced are opened again, and the old ones stay while the new cannot be read", "[table]")
{
    Scratch dir;
    CapturedLog log(dir);
    auto maps = Maps::open("texthash:" + dir.write("a", "key one\n") + ", texthash:" + dir.write("b", "other two\n"));
    REQUIRE(maps);
    dir.write("a", "key changed\n");
    maps->renew();
    CHECK(**maps->find("key") == "changed");
    std::filesystem::remove(dir.path("b"));
    std::filesystem::create_directory(dir.path("b"));
    maps->renew();
    CHECK(**maps->find("other") == "two");
    auto missing = maps->find("new");  // it may be in the new table
    REQUIRE_FALSE(missing);
    CHECK_FALSE(missing.error().is_permanent());
    CHECK_THAT(log.text(), Contains("b has changed, but cannot be opened: read "));
}

TEST_CASE("a list reads its files and tables again", "[table]")
{
    Scratch dir;
    auto domains = list(dir.write("file", "one.example\n") + ", texthash:" + dir.write("table", "two.example x\n"));
    dir.write("table", "three.example x\n");
    domains.renew();
    CHECK(text(domains.has_domain("three.example")) == "yes");
    CHECK(text(domains.has_domain("two.example")) == "no");
    dir.write("file", "four.example\n");
    domains.renew();
    CHECK(text(domains.has_domain("four.example")) == "yes");
    CHECK(text(domains.has_domain("one.example")) == "no");
    CHECK(text(domains.has_domain("three.example")) == "yes");
    CapturedLog log(dir);
    dir.write("file", "10.0.0.1/8\n");
    domains.renew();
    CHECK(text(domains.has_domain("three.example")) == "yes");
    CHECK(text(domains.has_domain("new.example")) == "?");
}

TEST_CASE("a daemon's table may be missing: it cannot tell until it is there", "[table]")
{
    Scratch dir;
    CapturedLog log(dir);
    Options options;
    options.may_be_missing = true;
    for (std::string name : {"hash:" + dir.path("x"), "texthash:" + dir.path("x"), "unionmap:{static:a,regexp:" + dir.path("x") + "}"}) {
        INFO(name);
        CHECK_FALSE(Maps::open(name));
        auto maps = Maps::open(name, options);
        REQUIRE(maps);
        auto found = maps->find("key");
        REQUIRE_FALSE(found);
        CHECK_FALSE(found.error().is_permanent());
        CHECK_FALSE(maps->is_stale());
        CHECK_THAT(log.text(), Contains("is unavailable: open "));
    }
    CHECK_FALSE(Maps::open("nosuch:x", options));
}
