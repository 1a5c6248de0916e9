#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/text.h"
#include "growth.h"
#include "imap/fetch.h"
#include "imap/flags.h"
#include "imap/pattern.h"
#include "imap/search.h"
#include "imap/sequence.h"
#include "imap/utf7.h"
#include "imap/write.h"
#include "maildir/mailbox.h"
#include "maildir/uid_state.h"
#include "notify/registry.h"

// Nasty IMAP commands, and lists of messages.
namespace mta {

using test::check_growth;
using test::repeat;

namespace {

// "a1,a2,...": words that differ.
std::string numbered(std::size_t n, std::string_view before, std::string_view behind)
{
    std::string text;
    for (std::size_t i = 1; i <= n; ++i)
        text += cat(before, i, behind);
    return text;
}

std::size_t parse_flags(const std::string& text)
{
    imap::Parser parser(text);
    return parser.flag_list(true).keywords.size();
}

std::size_t parse_fetch(const std::string& text)
{
    imap::Parser parser(text);
    return imap::parse_fetch_items(parser).size();
}

bool parse_search(const std::string& text)
{
    imap::Parser parser(text);
    (void)imap::parse_search(parser);
    return parser.failed();
}

// A header, and a question about its fields.
struct Question {
    std::string header;
    imap::Section section;
};

Question question(std::size_t n, imap::Section::What what)
{
    Question result{numbered(n, "X", ": y\r\n") + "\r\n", {}};
    auto text = cat("BODY[HEADER.FIELDS", what == imap::Section::What::fields ? "" : ".NOT", " (Subject", numbered(n, " Y", ""), ")]");
    imap::Parser parser(text);
    result.section = imap::parse_fetch_items(parser).at(0).section;
    return result;
}

std::string uid_list(std::size_t n)
{
    maildir::Lines lines;
    lines.header(1);
    for (maildir::Uid uid = 1; uid <= n; ++uid) {
        maildir::Record record;
        record.uid = uid;
        record.name = cat("1600000000.", uid, ".host:2,");
        lines.add(record);
    }
    for (maildir::Uid uid = 1; uid <= n; ++uid)
        uid % 2 == 0 ? lines.set_keywords(uid, 1) : lines.expunge(uid);
    return lines.text();
}

}  // namespace

TEST_CASE("sets of messages take time in proportion to their ranges", "[complexity]")
{
    auto resolve = [](const std::string& text) {
        auto set = imap::SequenceSet::parse(text);
        auto ranges = set ? set->resolve(1000000) : std::vector<imap::Range>();
        std::size_t found = 0;
        for (std::uint32_t i = 1; i < ranges.size(); ++i)
            found += imap::contains(ranges, i);
        return found;
    };
    check_growth("ranges", 1000, [](std::size_t n) { return "1" + numbered(n, ",", "9:*"); }, resolve);
    check_growth("ranges that overlap", 1000, [](std::size_t n) { return "1" + repeat(",*:1,5:900000,7", n); }, resolve);
    check_growth("single messages", 20000, [](std::size_t n) { return "1" + numbered(n, ",", "0"); }, resolve);
    check_growth("writing a set", 2000,
                 [](std::size_t n) {
                     std::vector<std::uint32_t> numbers(n);
                     std::iota(numbers.begin(), numbers.end(), 1u);
                     for (auto& number : numbers)
                         number += number / 3;
                     return numbers;
                 },
                 [](const auto& numbers) { return imap::compact_set(numbers); });
}

TEST_CASE("commands take time in proportion to their length", "[complexity]")
{
    check_growth("keywords", 2000, [](std::size_t n) { return "($x" + numbered(n, " $k", "") + ")"; }, parse_flags);
    check_growth("a keyword again and again", 3000, [](std::size_t n) { return "($x" + repeat(" $x \\Seen", n) + ")"; }, parse_flags);
    check_growth("FETCH items", 1000, [](std::size_t n) { return "(FLAGS" + numbered(n, " BODY[", "]") + ")"; }, parse_fetch);
    check_growth("FETCH items twice", 1000, [](std::size_t n) { return "(FLAGS" + repeat(" BODY.PEEK[1.2.MIME]<0.5> UID", n) + ")"; }, parse_fetch);
    check_growth("part numbers", 3000, [](std::size_t n) { return "BODY[1" + repeat(".1", n) + "]"; }, parse_fetch);
    check_growth("names of fields", 2000, [](std::size_t n) { return "BODY[HEADER.FIELDS (a" + numbered(n, " b", "") + ")]"; }, parse_fetch);
    check_growth("search keys", 500, [](std::size_t n) { return "ALL" + repeat(" SUBJECT x 1:5", n); }, parse_search);
    check_growth("search keys in parentheses", 2000, [](std::size_t n) { return repeat("(", n) + "ALL" + repeat(")", n); }, parse_search);
    check_growth("NOT NOT NOT", 2000, [](std::size_t n) { return repeat("NOT ", n) + "ALL"; }, parse_search);
    check_growth("OR OR OR", 2000, [](std::size_t n) { return repeat("OR ", n) + repeat("ALL ", n); }, parse_search);
    check_growth("OR side by side", 500, [](std::size_t n) { return repeat("OR NOT SEEN (FROM a TO b) ", n) + "ALL"; }, parse_search);
    check_growth("a long search text", 5000, [](std::size_t n) { return "CHARSET UTF-8 TEXT \"" + repeat("\xc3\xa4", n) + "\""; }, parse_search);
    check_growth("literals", 1000, [](std::size_t n) { return "ALL" + repeat(" TEXT {3}\r\n{1}", n); }, parse_search);
    check_growth("a literal that is none", 5000, [](std::size_t n) { return "TEXT " + repeat("{1", n); }, parse_search);
    check_growth("quoted strings", 3000, [](std::size_t n) { return "TEXT \"" + repeat("\\\"\\\\", n) + "\""; }, parse_search);
}

TEST_CASE("names of mailboxes take time in proportion to their length", "[complexity]")
{
    auto in_long_name = [](const std::string& pattern) { return imap::matches(pattern, "INBOX." + repeat("a", 200), '.'); };
    check_growth("wildcards", 200, [](std::size_t n) { return repeat("*a%", n) + "b"; }, in_long_name);
    check_growth("stars", 300, [](std::size_t n) { return repeat("*", n) + "b"; }, in_long_name);
    check_growth("mUTF-7", 1000, [](std::size_t n) { return repeat("&IKw-a", n); }, [](const std::string& text) { return imap::decode_utf7(text); });
    check_growth("ampersands", 3000, [](std::size_t n) { return repeat("&-", n) + repeat("&", n); }, [](const std::string& text) { return imap::decode_utf7(text); });
    check_growth("UTF-8 to mUTF-7", 1000, [](std::size_t n) { return repeat("\xf0\x9f\x98\x80" "a", n); },
                 [](const std::string& text) { return imap::encode_utf7(text); });
    check_growth("strings to be quoted", 3000, [](std::size_t n) { return repeat("\"\\\r\n", n); }, [](const std::string& text) {
        std::string out;
        imap::append_astring(out, text);
        return out.size();
    });
}

TEST_CASE("asking for many fields of a header with many takes no time for each pair", "[complexity]")
{
    for (auto what : {imap::Section::What::fields, imap::Section::What::fields_not})
        check_growth(what == imap::Section::What::fields ? "HEADER.FIELDS" : "HEADER.FIELDS.NOT", 200, [what](std::size_t n) { return question(n, what); },
                     [](const Question& q) { return imap::read_header_section(q.header, q.section); });
}

TEST_CASE("a list of folders takes time in proportion to their number", "[complexity]")
{
    struct Folders {
        explicit Folders(std::size_t n)
        {
            char name[] = "/tmp/buuta-folders-XXXXXX";
            root = ::mkdtemp(name);
            std::ofstream subscriptions(root + "/subscriptions");
            for (std::size_t i = 0; i < n; ++i) {
                std::filesystem::create_directory(cat(root, "/.folder", i));
                subscriptions << "folder" << i << '\n';
            }
        }
        ~Folders() { std::filesystem::remove_all(root); }
        std::string root;
    };
    check_growth("subscribed folders", 200, [](std::size_t n) { return std::make_unique<Folders>(n); },
                 [](const std::unique_ptr<Folders>& folders) { return (*maildir::Mailbox::open(folders->root))->list()->size(); });
}

TEST_CASE("sessions that wait for news cost those nothing that come and go", "[complexity]")
{
    check_growth("keys of waiting sessions", 300, [](std::size_t n) { return n; }, [](std::size_t n) {
        notify::Registry registry({1u << 20, 1u << 20});
        for (std::size_t i = 1; i <= n; ++i) {
            auto digits = cat(i);
            auto key = std::string(notify::Registry::key_bytes - digits.size(), '0') + digits;
            REQUIRE(registry.add(5000, key, {static_cast<int>(i)}, {}));
            registry.claim(key, 1);
            registry.leave(i + 1);
        }
        registry.leave(1);
        CHECK(registry.size() == 0);
    });
}

TEST_CASE("a list of messages is read in time in proportion to its lines", "[complexity]")
{
    check_growth("lines of a UID list", 1000, uid_list, [](const std::string& text) {
        maildir::UidState state;
        maildir::apply_lines(state, text, true, "boot");
        return state.records.size();
    });
}

}  // namespace mta
