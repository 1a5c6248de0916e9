// Covers: lib/imap/search.cc
#include "imap/search.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"

// SEARCH: the tree that a client asks for has bounds.
namespace {

using namespace mta;

std::size_t check(const imap::SearchKey& key, std::size_t depth)
{
    using Kind = imap::SearchKey::Kind;
    HOLDS(depth <= 2 * imap::max_list_depth + 8);
    std::size_t count = 1;
    for (const auto& inside : key.keys)
        count += check(inside, depth + 1);
    HOLDS(key.kind != Kind::not_ || key.keys.size() == 1);
    HOLDS(key.kind != Kind::or_ || key.keys.size() == 2);
    HOLDS(key.keys.empty() || key.kind == Kind::not_ || key.kind == Kind::or_ || key.kind == Kind::and_);
    HOLDS(is_utf8(key.value));
    return count;
}

}  // namespace

FUZZ(input)
{
    imap::Parser parser(input);
    auto search = imap::parse_search(parser);
    if (parser.finish())
        HOLDS(search.has_unknown_charset || check(search.key, 0) <= 2 * imap::max_search_keys);
}
