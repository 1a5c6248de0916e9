#include "imap/search.h"

#include <utility>

#include "base/text.h"
#include "mime/charset.h"

namespace mta::imap {

namespace {

using Kind = SearchKey::Kind;

struct FlagName {
    std::string_view name;
    std::uint8_t flag;
    bool is_set;
};
constexpr FlagName flag_names[] = {
    {"ANSWERED", answered, true}, {"DELETED", deleted, true}, {"DRAFT", draft, true}, {"FLAGGED", flagged, true},
    {"SEEN", seen, true}, {"UNANSWERED", answered, false}, {"UNDELETED", deleted, false}, {"UNDRAFT", draft, false},
    {"UNFLAGGED", flagged, false}, {"UNSEEN", seen, false}};

struct KindName {
    std::string_view name;
    Kind kind;
};
constexpr KindName date_names[] = {{"BEFORE", Kind::before}, {"ON", Kind::on}, {"SINCE", Kind::since},
                                   {"SENTBEFORE", Kind::sent_before}, {"SENTON", Kind::sent_on}, {"SENTSINCE", Kind::sent_since}};
constexpr std::string_view address_names[] = {"FROM", "TO", "CC", "BCC", "SUBJECT"};

SearchKey simple(Kind kind)
{
    SearchKey key;
    key.kind = kind;
    return key;
}

SearchKey not_(SearchKey inner)
{
    auto key = simple(Kind::not_);
    key.keys.push_back(std::move(inner));
    return key;
}

SearchKey flag_key(std::uint8_t flag)
{
    auto key = simple(Kind::flag);
    key.flag = flag;
    return key;
}

class SearchReader {
public:
    explicit SearchReader(Parser& parser) : parser_(parser) {}

    Search read()
    {
        Search search;
        if (parser_.take_word("CHARSET")) {
            parser_.space();
            charset_ = parser_.astring();
            search.has_unknown_charset = !mime::is_known_charset(charset_);
            parser_.space();
        }
        search.key = keys_until_end();
        return search;
    }

private:
    SearchKey keys_until_end()
    {
        auto all = simple(Kind::and_);
        do
            all.keys.push_back(key());
        while (parser_.take(' '));
        return all;
    }

    SearchKey key()
    {
        if (++depth_ > max_list_depth || ++count_ > max_search_keys)
            parser_.fail("The search is too complex");
        parser_.charge(2 * sizeof(SearchKey));  // lists grow by doubling
        auto result = parser_.failed() ? SearchKey() : inner_key();
        --depth_;
        return result;
    }

    SearchKey inner_key()
    {
        if (parser_.take('(')) {
            auto inner = keys_until_end();
            parser_.expect(')');
            return inner;
        }
        if (is_digit(parser_.peek()) || parser_.peek() == '*')
            return set_key(Kind::sequence);
        auto name = upper(parser_.atom());
        for (const auto& flag : flag_names)
            if (name == flag.name)
                return flag.is_set ? flag_key(flag.flag) : not_(flag_key(flag.flag));
        for (const auto& date : date_names)
            if (name == date.name)
                return date_key(date.kind);
        for (auto field : address_names)
            if (name == field)
                return text_key(Kind::header, name);
        return other_key(name);
    }

    SearchKey other_key(const std::string& name)
    {
        if (name == "ALL")
            return simple(Kind::all);
        if (name == "RECENT")
            return simple(Kind::recent);
        if (name == "OLD")
            return not_(simple(Kind::recent));
        if (name == "NEW") {
            auto both = simple(Kind::and_);
            both.keys = {simple(Kind::recent), not_(flag_key(seen))};
            return both;
        }
        if (name == "UID") {
            parser_.space();
            return set_key(Kind::uids);
        }
        if (name == "BODY" || name == "TEXT")
            return text_key(name == "BODY" ? Kind::body : Kind::text, {});
        if (name == "LARGER" || name == "SMALLER")
            return number_key(name == "LARGER" ? Kind::larger : Kind::smaller);
        if (name == "HEADER") {
            parser_.space();
            auto field = parser_.astring();
            return text_key(Kind::header, field);
        }
        return operator_key(name);
    }

    SearchKey operator_key(const std::string& name)
    {
        if (name == "KEYWORD" || name == "UNKEYWORD") {
            parser_.space();
            auto keyword = simple(Kind::keyword);
            keyword.value = parser_.atom();
            return name == "KEYWORD" ? keyword : not_(std::move(keyword));
        }
        if (name == "NOT") {
            parser_.space();
            return not_(key());
        }
        if (name == "OR") {
            auto either = simple(Kind::or_);
            for (int i = 0; i < 2; ++i) {
                parser_.space();
                either.keys.push_back(key());
            }
            return either;
        }
        parser_.fail(cat("Unknown search key ", printable(name)));
        return {};
    }

    SearchKey set_key(Kind kind)
    {
        auto key = simple(kind);
        key.set = parser_.sequence_set();
        return key;
    }

    SearchKey date_key(Kind kind)
    {
        parser_.space();
        auto key = simple(kind);
        auto date = parser_.date();
        key.day = mime::days_since_1970(date.year, date.month, date.day);
        return key;
    }

    SearchKey number_key(Kind kind)
    {
        parser_.space();
        auto key = simple(kind);
        key.number = parser_.number();
        return key;
    }

    SearchKey text_key(Kind kind, std::string_view field)
    {
        parser_.space();
        auto key = simple(kind);
        key.name = field;
        auto value = parser_.astring();
        key.value = charset_.empty() ? mime::guess_utf8(value) : mime::to_utf8(value, charset_).value_or(value);
        return key;
    }

    Parser& parser_;
    std::string charset_;
    std::size_t depth_ = 0, count_ = 0;
};

}  // namespace

Search parse_search(Parser& parser) { return SearchReader(parser).read(); }

}  // namespace mta::imap
