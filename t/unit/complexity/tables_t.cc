#include <catch2/catch.hpp>

#include "base/text.h"
#include "config/config.h"
#include "dns/packet.h"
#include "growth.h"
#include "local/members.h"
#include "route/router.h"
#include "t/unit/table/scratch.h"
#include "table/aliases.h"
#include "table/match_list.h"
#include "table/table.h"

// Large and nasty tables, configurations and DNS replies.
namespace mta {

using test::check_growth;
using test::repeat;

namespace {

std::string lines(std::size_t n, std::string_view before, std::string_view behind)
{
    std::string text;
    for (std::size_t i = 0; i < n; ++i)
        text += cat(before, i, behind, "\n");
    return text;
}

// Opens the table and looks the key up; the file is written before.
struct Lookup {
    Lookup(std::string_view type, const std::string& content, std::string wanted) : name(cat(type, ":", directory.write("table", content))), key(std::move(wanted)) {}
    table::Scratch directory;
    std::string name, key;
};

auto table_of(std::string type, std::function<std::string(std::size_t)> content, std::function<std::string(std::size_t)> key)
{
    return [=](std::size_t n) { return std::make_unique<Lookup>(type, content(n), key(n)); };
}

void open_and_find(const std::unique_ptr<Lookup>& lookup)
{
    auto table = table::open(lookup->name);
    REQUIRE(table);
    (void)(*table)->find(lookup->key);
}

// What is found once in an open table.
void check_search(std::string_view what, std::size_t n, std::string_view type, const std::string& rules, const std::function<std::string(std::size_t)>& key)
{
    table::Scratch directory;
    auto table = table::open(cat(type, ":", directory.write("table", rules)));
    REQUIRE(table);
    check_growth(what, n, key, [&](const std::string& text) { return (*table)->find(text) ? 1 : 0; });
}

std::function<std::string(std::size_t)> always(std::string text)
{
    return [=](std::size_t) { return text; };
}

std::string word(std::uint16_t number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 255)}; }

struct Packet {
    dns::Query query;
    std::string reply;
};

// So many records, in the answer or behind it; each owner's name is a pointer to the one before it.
Packet chained_names(std::size_t n, bool in_answer)
{
    Packet packet{*dns::make_query("a.example.com", dns::Type::a, false), {}};
    auto& reply = packet.reply;
    reply = packet.query.bytes;
    reply[2] = static_cast<char>(0x81);
    auto count = static_cast<std::uint16_t>(n);
    reply.replace(6, 6, in_answer ? word(count) + word(0) + word(0) : word(0) + word(0) + word(count));
    std::size_t name = 12;
    for (std::size_t i = 0; i < n; ++i) {
        auto here = reply.size();
        reply += word(static_cast<std::uint16_t>(0xc000 | name)) + word(1) + word(1) + word(0) + word(60) + word(4) + "\x7f\x01\x01\x01";
        name = here < 0x3fff ? here : name;
    }
    return packet;
}

}  // namespace

TEST_CASE("tables are read and asked in time in proportion to their size", "[complexity]")
{
    check_growth("texthash", 1000, table_of("texthash", [](std::size_t n) { return lines(n, "key", " value"); }, always("key1")), open_and_find);
    check_growth("continued lines", 2000, table_of("texthash", [](std::size_t n) { return "key value\n" + repeat("  more\n", n); }, always("key")), open_and_find);
    check_growth("cidr", 500, table_of("cidr", [](std::size_t n) { return repeat("10.0.0.0/8 x\n2001:db8::/32 y\n", n); }, always("192.0.2.1")), open_and_find);
    check_growth("cidr with conditions", 500, table_of("cidr", [](std::size_t n) { return repeat("if 10.0.0.0/8\n", n) + repeat("endif\n", n); }, always("192.0.2.1")),
                 open_and_find);
    check_growth("regexp", 50, table_of("regexp", [](std::size_t n) { return lines(n, "/^a[0-9]+(x|y)*b", "$/ $1"); }, always("user@example.com")), open_and_find);
    check_growth("pcre", 1000, table_of("pcre", [](std::size_t n) { return lines(n, "/^a[0-9]+(x|y)*b", "$/ $1"); }, always("user@example.com")), open_and_find);
}

TEST_CASE("patterns are matched in time in proportion to the text, or not at all", "[complexity]")
{
    auto address = [](std::size_t n) { return std::string(n, 'a') + "@example.com"; };
    check_search("regexp: an address", 500, "regexp", "/^(.*)@(.*)$/ $1\n", address);
    check_search("regexp: alternatives", 200, "regexp", "/^(a|aa|aaa)*b$/ x\n", address);
    check_search("pcre: an address", 2000, "pcre", "/^(.*)@(.*)$/ $1\n", address);
    // Here a match would take for ever: the limit makes it an answer "cannot tell".
    check_search("pcre: (a+)+$", 3000, "pcre", "/^(a+)+$/ x\n", address);
    check_search("pcre: (a|a)*b", 30000, "pcre", "/^(a|a)*b$/ x\n", address);
}

TEST_CASE("lists and aliases are read in time in proportion to their size", "[complexity]")
{
    auto alias = [](const std::string& text) { return table::parse_alias({1, text}, "aliases", [](const std::string&) {}).has_value(); };
    check_growth("members of an alias", 1000, [](std::size_t n) { return "list: a" + repeat(", b@c", n); }, alias);
    check_growth("quotes in an alias", 1000, [](std::size_t n) { return "list: " + repeat("\"|x \\\"y\", (z) ", n); }, alias);
    auto members = [](const std::string& text) { return local::parse_members(text) ? 1 : 0; };
    check_growth("members", 1000, [](std::size_t n) { return repeat("\"A, B\" <a@b>, \"|cmd \\\"x\", :include:/x, # y\n", n); }, members);
    check_growth("lines of members", 1000, [](std::size_t n) { return repeat("a@b\n# comment, \"\n", n); }, members);
    check_growth("a quote without end", 5000, [](std::size_t n) { return "\"" + repeat("a,", n); }, members);
    check_growth("a list of networks", 500, [](std::size_t n) { return repeat("10.0.0.0/8, !example.com ", n); },
                 [](const std::string& text) { return table::MatchList::open(text)->has_client("x.example.org", "192.0.2.1") ? 1 : 0; });
}

TEST_CASE("virtual aliases are expanded in time in proportion to what comes out", "[complexity]")
{
    auto routes = [](std::size_t n) {
        std::string members;
        for (std::size_t i = 0; i < n; ++i)
            members += cat(i > 0 ? ", a" : " a", i, "@b.example");
        auto text = cat("virtual_alias_expansion_limit = 1000000\nvirtual_alias_maps = inline:{ { list@c.example =", members, " } }\nmydestination =\nalias_maps =\nlocal_recipient_maps =\n");
        return std::make_unique<config::Config>(*config::Config::parse(text));
    };
    check_growth("members of a virtual alias", 200, routes, [](const std::unique_ptr<config::Config>& config) {
        const config::Common common(*config);
        const route::Params params(*config);
        auto router = route::Router::open(common, params);
        REQUIRE(router);
        auto expanded = router->expand("list@c.example");
        REQUIRE(expanded);
        CHECK(expanded->size() > 1);
    });
}

TEST_CASE("configurations are read in time in proportion to their size", "[complexity]")
{
    check_growth("main.cf", 500, [](std::size_t n) { return lines(n, "parameter", " = value") + "x = " + repeat("$parameter1 ", n); },
                 [](const std::string& text) { return config::Config::parse(text)->value("x") ? 1 : 0; });
    check_growth("continued lines of main.cf", 1000, [](std::size_t n) { return "x = y\n" + repeat("  # comment\n  z\n", n); },
                 [](const std::string& text) { return config::Config::parse(text)->value("x") ? 1 : 0; });
    check_growth("conditions in conditions", 1000, [](std::size_t n) { return "x = " + repeat("${y:{", n) + repeat("}}", n); },
                 [](const std::string& text) { return config::Config::parse(text)->value("x") ? 1 : 0; });
    check_growth("braces in a list", 3000, [](std::size_t n) { return repeat("{", n) + repeat("}", n); },
                 [](const std::string& text) { return config::split_list(text) ? 1 : 0; });
    check_growth("master.cf", 300, [](std::size_t n) { return lines(n, "service", " unix - - n - - smtp -o { a = b } -o c=d"); },
                 [](const std::string& text) { return config::parse_services(text) ? 1 : 0; });
}

TEST_CASE("DNS replies are read in time in proportion to their size", "[complexity]")
{
    auto read = [](const Packet& packet) { return dns::read_reply(packet.query, packet.reply, false).records.size(); };
    check_growth("chains of names in answers", 300, [](std::size_t n) { return chained_names(n, true); }, read);
    check_growth("chains of names behind answers", 300, [](std::size_t n) { return chained_names(n, false); }, read);
}

}  // namespace mta
