// Covers: lib/table/cidr.cc lib/table/pattern.cc lib/table/pcre.cc lib/table/regexp.cc lib/table/rules.h lib/table/pipemap.cc lib/table/unionmap.cc lib/table/members.cc lib/table/table.cc
#include "base/text.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"
#include "table/maps.h"
#include "table/types.h"

// cidr:, pcre: and regexp: tables with any rules and any key; tables made of tables. The expressions of regexp: are the C library's,
// which falls to many a pattern: it only gets simple ones here.
namespace {

using namespace mta;

std::string path_of_table() { return fuzz::scratch_directory() + "/rules"; }

bool has_simple_patterns(std::string_view text)
{
    auto is_simple = [](char c) { return is_alpha(c) || is_digit(c) || is_space(c) || std::string_view("/!.@^$#:-_,;=\"'%&").find(c) != std::string_view::npos; };
    return std::all_of(text.begin(), text.end(), is_simple);
}

void check(const std::string& type, std::string_view key)
{
    auto table = table::open(cat(type, ":", path_of_table()));
    HOLDS(table && (*table)->takes_whole_keys_only());
    auto first = (*table)->find(key);
    auto second = (*table)->find(key);
    HOLDS(static_cast<bool>(first) == static_cast<bool>(second) && (!first || *first == *second));
}

// No table in it opens a file.
void check_composed(std::string_view text, std::string_view key)
{
    for (std::string_view type : {"pipemap", "unionmap"}) {
        if (text.find('/') != std::string_view::npos || text.find("unix") != std::string_view::npos)
            return;
        auto table = table::open(cat(type, ":", text));
        if (table)
            (void)(*table)->find(key).operator bool();
    }
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    fuzz::Input in(input);
    auto key = in.text('\n');
    auto text = in.rest();
    fuzz::write_file(path_of_table(), text);
    check("cidr", key);
    check("pcre", key);
    if (has_simple_patterns(text))
        check("regexp", key);
    check_composed(text, key);
}
