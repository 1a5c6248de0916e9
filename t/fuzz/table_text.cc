// Covers: lib/table/source.cc lib/table/texthash.cc lib/table/inline.cc lib/table/memory.cc lib/table/match_list.cc lib/table/addresses.cc lib/table/aliases.cc local/members.cc
#include "base/text.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"
#include "local/members.h"
#include "table/aliases.h"
#include "table/maps.h"
#include "table/match_list.h"
#include "table/source.h"
#include "table/types.h"

// The text of tables, of lists in main.cf, of aliases(5) and .forward; and that an address is looked up in the same way in
// tables of different types with the same text.
namespace {

using namespace mta;

std::string path_of_table() { return fuzz::scratch_directory() + "/table"; }

// The key and its value by reading lines.
void check_texthash(std::string_view text, std::string_view key)
{
    fuzz::write_file(path_of_table(), text);
    auto table = table::open("texthash:" + path_of_table());
    HOLDS(table);
    std::optional<std::string> expected;
    auto ignore = [](const std::string&) {};
    for (const auto& line : table::logical_lines(text, "table", ignore)) {
        auto entry = table::parse_entry(line, "table", ignore);
        if (entry && !expected && table::fold(entry->key) == table::fold(key))
            expected = entry->value;
    }
    auto found = (*table)->find(key);
    HOLDS(found && *found == expected);
    auto maps = table::Maps::open("texthash:" + path_of_table());
    HOLDS(maps);
    table::AddressOptions options{"+", [](std::string_view domain) { return Result<bool>(domain == "here.example"); }};
    for (auto result : {table::find_address(*maps, key, options), table::find_mailbox(*maps, key, "+")})
        HOLDS(result);
    for (auto result : {table::find_transport(*maps, key, "+"), table::find_access(*maps, key, "+"), table::find_host_access(*maps, key), table::find_address_access(*maps, key)})
        HOLDS(result);
}

// What a list says must not depend on more than its words and the question. Files that it names are not ours to read.
void check_list(std::string_view text, std::string_view key)
{
    if (text.find('/') != std::string_view::npos && text.find_first_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos)
        return;
    for (std::string_view type : {"unix", "hash", "btree", "fail"})
        if (text.find(type) != std::string_view::npos)
            return;
    auto list = table::MatchList::open(text);
    if (!list)
        return;
    HOLDS(list->has_domain(key) && list->has_client(key, "192.0.2.1") && list->has_address(key) && list->has_word(key));
    HOLDS(!list->empty() || (!*list->has_domain(key) && !*list->has_word(key)));
}

void check_inline(std::string_view text, std::string_view key)
{
    auto table = table::open(cat("inline:", text));
    if (!table)
        return;
    HOLDS((*table)->find(key));
    auto* listing = dynamic_cast<table::Listing*>(table->get());
    HOLDS(listing);
    auto done = listing->list([&](std::string_view name, std::string_view value) {
        auto found = (*table)->find(name);
        HOLDS(found && *found == value);
    });
    HOLDS(done);
}

// A line of aliases in its normal form stays as it is, and local can read the value.
void check_alias(std::string_view text)
{
    auto ignore = [](const std::string&) {};
    for (const auto& line : table::logical_lines(text, "aliases", ignore)) {
        auto alias = table::parse_alias(line, "aliases", ignore);
        if (!alias)
            continue;
        HOLDS(!alias->value.empty());
        auto again = table::parse_alias({1, cat("x: ", alias->value)}, "aliases", ignore);
        HOLDS(again && again->value == alias->value);
    }
}

void check_members(std::string_view text)
{
    auto members = local::parse_members(text);
    if (!members)
        return;
    for (const auto& member : *members)
        HOLDS(!member.text.empty() || member.kind != local::Member::Kind::address);
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    fuzz::Input in(input);
    auto key = in.text('\n');
    auto text = in.rest();
    check_texthash(text, key);
    check_list(text, key);
    check_inline(text, key);
    check_alias(text);
    check_members(text);
    table::fold(text);
}
