#include "imap/search.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;
using imap::SearchKey;
using Kind = imap::SearchKey::Kind;

namespace {

std::string shown(const SearchKey& key)
{
    static constexpr std::string_view names[] = {"all", "seq", "uids", "flag", "keyword", "recent", "before", "on", "since", "sentbefore", "senton",
                                                 "sentsince", "larger", "smaller", "header", "body", "text", "not", "or", "and"};
    std::string out(names[static_cast<std::size_t>(key.kind)]);
    if (key.flag != 0)
        out += cat(" ", key.flag);
    for (const auto* text : {&key.name, &key.value})
        if (!text->empty())
            out += cat(" ", *text);
    if (key.number != 0 || key.day != 0)
        out += cat(" ", key.number + key.day);
    if (key.kind == Kind::sequence || key.kind == Kind::uids)
        for (auto range : key.set.resolve(99))
            out += cat(" ", range.first, "-", range.last);
    if (key.keys.empty())
        return out;
    std::vector<std::string> inner;
    for (const auto& next : key.keys)
        inner.push_back(shown(next));
    return cat(out, "(", join(inner, ", "), ")");
}

std::string search(std::string_view text)
{
    imap::Parser parser(text);
    auto result = imap::parse_search(parser);
    if (!parser.finish())
        return "bad";
    return result.has_unknown_charset ? "badcharset" : shown(result.key);
}

}  // namespace

TEST_CASE("search keys of RFC 3501 section 6.4.4", "[imap]")
{
    struct Case { std::string text, wanted; };
    for (const auto& c : {
             Case{"ALL", "and(all)"}, {"FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", "and(flag 4, since 8797, not(header FROM Smith))"},
             {"unseen", "and(not(flag 1))"}, {"NEW", "and(and(recent, not(flag 1)))"}, {"OLD", "and(not(recent))"},
             {"1:3,5", "and(seq 1-3 5-5)"}, {"*", "and(seq 99-99)"}, {"UID 7:*", "and(uids 7-99)"},
             {"OR SEEN (DRAFT BODY x)", "and(or(flag 1, and(flag 16, body x)))"}, {"NOT NOT DELETED", "and(not(not(flag 8)))"},
             {"KEYWORD $Junk UNKEYWORD x", "and(keyword $Junk, not(keyword x))"}, {"LARGER 10 SMALLER 4294967295", "and(larger 10, smaller 4294967295)"},
             {"HEADER Subject \"\"", "and(header Subject)"}, {"header x-y {3}\r\na b", "and(header x-y a b)"}, {"SENTON \"2-Jan-1970\"", "and(senton 1)"},
             {"((ALL))", "and(and(and(all)))"}, {"TEXT \"a b\"", "and(text a b)"}, {"RECENT", "and(recent)"},
             {"CHARSET UTF-8 SUBJECT \"\xc3\xbc\"", "and(header SUBJECT \xc3\xbc)"}, {"CHARSET iso-8859-1 BODY {1}\r\n\xfc", "and(body \xc3\xbc)"},
             {"CHARSET x-nonsense ALL", "badcharset"}, {"SUBJECT \xfc", "bad"}, {"SUBJECT \"\xfc\"", "and(header SUBJECT \xc3\xbc)"}}) {
        CAPTURE(c.text);
        CHECK(search(c.text) == c.wanted);
    }
    for (const char* bad : {"", "NONSENSE", "ALL ", " ALL", "NOT", "OR ALL", "()", "(ALL", "SINCE x", "SINCE 31-Feb-1994", "UID", "UID x", "KEYWORD \"a\"", "LARGER -1",
                            "HEADER x", "CHARSET UTF-8", "1,", "0", "SEEN)", "LARGER 4294967296"})
        CHECK(search(bad) == "bad");
}

TEST_CASE("depth and number of search keys are limited", "[imap]")
{
    std::string nots, parens;
    for (int i = 0; i < 40; ++i) {
        nots += "NOT ";
        parens += "(";
    }
    CHECK(search(nots + "ALL") == "bad");
    CHECK(search(parens + "ALL" + std::string(40, ')')) == "bad");
    CHECK(search("((((((((((ALL))))))))))") != "bad");
    std::string many = "ALL";
    for (std::size_t i = 0; i < imap::max_search_keys; ++i)
        many += " ALL";
    CHECK(search(many) == "bad");
}
