// Covers: lib/imap/parser.cc lib/imap/sequence.cc lib/imap/flags.cc
#include "base/text.h"
#include "imap/parser.h"
#include "imap/write.h"
#include "t/fuzz/lib/imap_response.h"
#include "t/fuzz/lib/target.h"

// The pieces that IMAP commands are made of. What was read as a string is written so that it can be read as the same again.
namespace {

using namespace mta;

void check_astring(imap::Parser& parser)
{
    auto text = parser.astring();
    if (parser.failed()) {
        HOLDS(!parser.finish());
        return;
    }
    HOLDS(text.find('\0') == std::string::npos);
    std::string written;
    imap::append_astring(written, text);
    imap::Parser again(written);
    HOLDS(again.astring() == text && again.finish());
}

void check_set(imap::Parser& parser)
{
    auto set = parser.sequence_set();
    if (parser.failed())
        return;
    for (std::uint32_t largest : {0u, 1u, 7u, 4294967295u}) {
        std::uint64_t last = 0;
        auto ranges = set.resolve(largest);
        for (const auto& range : ranges) {
            HOLDS(range.first <= range.last && range.first > 0 && (last == 0 || range.first > last + 1));
            HOLDS(imap::contains(ranges, range.first) && imap::contains(ranges, range.last));
            last = range.last;
        }
        HOLDS(set.goes_beyond(largest) || last <= largest);
    }
}

void check_flags(imap::Parser& parser, bool may_be_bare)
{
    auto flags = parser.flag_list(may_be_bare);
    if (parser.failed())
        return;
    std::vector<std::string_view> keywords(flags.keywords.begin(), flags.keywords.end());
    auto text = cat("(", imap::flags_text(flags.system, false, keywords), ")");
    std::string_view rest = text;
    fuzz::take_imap_value(rest);  // in which "BODY[" is a keyword
    HOLDS(rest.empty());
    imap::Parser again(text);
    auto same = again.flag_list(false);
    HOLDS(again.finish() && same.system == flags.system && same.keywords == flags.keywords);
}

void check_numbers(imap::Parser& parser, std::size_t which)
{
    if (which == 0)
        parser.number();
    else if (which == 1)
        parser.number64();
    else if (which == 2)
        HOLDS(parser.failed() || mime::is_valid(parser.date()) || parser.failed());
    else
        HOLDS(mime::is_valid(parser.date_time()) || parser.failed());
}

void take_piece(imap::Parser& parser, std::size_t what)
{
    switch (what) {
    case 0: parser.tag(); break;
    case 1: HOLDS(parser.atom().find_first_of(" (){%*\"\\\r\n") == std::string::npos); break;
    case 2: parser.string(); break;
    case 3: check_astring(parser); break;
    case 4: parser.mailbox(); break;
    case 5: parser.list_pattern(); break;
    case 6: check_set(parser); break;
    case 7: check_flags(parser, true); break;
    case 8: check_flags(parser, false); break;
    case 9: parser.take_word("FETCH"); break;
    case 10: parser.take('('); break;
    case 11: parser.space(); break;
    default: check_numbers(parser, what - 12);
    }
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto program = in.text('\n');
    auto text = in.rest();
    if (auto literal = imap::literal_at_end(text))
        HOLDS(text.ends_with('}') && text.find('{') != std::string_view::npos);
    imap::Parser parser(text);
    for (char c : program.substr(0, 64)) {
        auto before = parser.rest().size();
        take_piece(parser, static_cast<unsigned char>(c) % 16);
        HOLDS(parser.rest().size() <= before);
    }
    HOLDS(!parser.failed() || (parser.at_end() && parser.rest().empty()));
    HOLDS(parser.failed() ? !parser.finish() : true);
    if (auto set = imap::SequenceSet::parse(text)) {
        std::vector<std::uint32_t> numbers;
        for (const auto& range : set->resolve(40))
            for (auto number = range.first; number <= range.last && number <= 100; ++number)
                numbers.push_back(number);
        auto compact = imap::SequenceSet::parse(imap::compact_set(numbers));
        HOLDS(numbers.empty() || (compact && compact->resolve(100).size() <= numbers.size()));
    }
}
