// Covers: lib/mime/address.cc lib/mime/lexer.cc
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mime/address.h"
#include "mime/lexer.h"

// RFC 5322 address lists: nothing is refused, groups nest rightly, and an address that was understood is understood again.
namespace {

using namespace mta;

void check_groups(const std::vector<mime::Address>& list)
{
    bool is_in_group = false;
    for (const auto& entry : list) {
        if (entry.kind == mime::Address::Kind::mailbox)
            continue;
        HOLDS(is_in_group == (entry.kind == mime::Address::Kind::group_end));
        is_in_group = !is_in_group;
    }
    HOLDS(!is_in_group);
}

bool is_plain(const mime::Address& address)
{
    auto is_graphic = [](char c) { return c > ' ' && c < 127; };
    return !address.local_part.empty() && !address.domain.empty() && std::all_of(address.local_part.begin(), address.local_part.end(), is_graphic) &&
           std::all_of(address.domain.begin(), address.domain.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '.' || c == '-'; });
}

}  // namespace

FUZZ(input)
{
    auto list = mime::parse_addresses(input);
    HOLDS(list.size() <= mime::Limits().addresses + 1);  // the end of a group follows whatever the limit says
    check_groups(list);
    for (const auto& entry : list) {
        if (!is_plain(entry))
            continue;
        auto again = mime::parse_addresses(entry.text());
        HOLDS(again.size() == 1 && again[0].local_part == entry.local_part && again[0].domain == entry.domain);
    }
    auto few = mime::parse_addresses(input, 3);
    HOLDS(few.size() <= 4);
    check_groups(few);
    auto bare = mime::without_comments(input);
    HOLDS(bare.size() <= input.size() + 1);
}
