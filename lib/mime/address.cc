#include "mime/address.h"

#include "base/text.h"
#include "mime/lexer.h"

namespace mta::mime {

namespace {

constexpr std::string_view atom_end = " \t\r\n()<>@,;:\"[]";

bool needs_quotes(std::string_view local_part)
{
    if (local_part.empty() || local_part.front() == '.' || local_part.back() == '.')
        return true;
    return local_part.find_first_of(" \t\r\n()<>@,;:\\\"[]") != std::string_view::npos ||
           local_part.find("..") != std::string_view::npos;
}

// Words and what stood between them, until it is known whether they are a name or an address.
struct Words {
    std::string phrase;          // with single spaces
    std::string local, domain;   // without white space, split at the last "@"
    std::string comment;         // the last one
    bool has_at = false;
    bool is_empty() const { return phrase.empty(); }

    void add(std::string_view text, bool is_after_space)
    {
        if (is_after_space && !phrase.empty())
            phrase.push_back(' ');
        phrase.append(text);
        domain.append(text);
    }
    void add_at(bool is_after_space)
    {
        if (has_at)
            local.push_back('@');
        local.append(domain);
        domain.clear();
        has_at = true;
        if (is_after_space && !phrase.empty())
            phrase.push_back(' ');
        phrase.push_back('@');
    }
    // What was collected is an address without angle brackets.
    Address address() &&
    {
        Address result;
        result.name = std::move(comment);
        result.local_part = has_at ? std::move(local) : std::move(phrase);
        if (has_at)
            result.domain = std::move(domain);
        return result;
    }
};

Address marker(Address::Kind kind, std::string name)
{
    Address entry;
    entry.kind = kind;
    entry.name = std::move(name);
    return entry;
}

class AddressReader {
public:
    AddressReader(std::string_view value, std::size_t limit) : lexer_(value), limit_(limit) {}

    std::vector<Address> read()
    {
        while (!lexer_.at_end() && list_.size() < limit_)
            entry();
        if (is_in_group_)
            list_.push_back(marker(Address::Kind::group_end, {}));
        return std::move(list_);
    }

private:
    void entry()
    {
        auto words = read_words("<,;:");
        switch (lexer_.peek()) {
        case '<':
            return angle(std::move(words));
        case ':':
            if (!is_in_group_)
                return start_group(std::move(words));
            lexer_.skip();  // a group in a group, or a port: noise
            return;
        default:
            bool is_group_end = lexer_.peek() == ';' && is_in_group_;
            lexer_.skip();
            if (!words.is_empty())
                list_.push_back(std::move(words).address());
            if (is_group_end)
                end_group();
        }
    }

    // RFC 5322 section 3.4: angle-addr, with the route of section 4.4.
    void angle(Words name)
    {
        lexer_.skip();
        Address address;
        lexer_.skip_space_and_comments();
        if (lexer_.peek() == '@')
            address.route = route();
        auto words = read_words(">,;");
        address.local_part = words.has_at ? std::move(words.local) : std::move(words.phrase);
        if (words.has_at)
            address.domain = std::move(words.domain);
        lexer_.take('>');
        auto rest = read_words(",;<:");
        for (std::string* text : {&name.phrase, &rest.comment, &name.comment, &rest.phrase})
            if (address.name.empty())
                address.name = std::move(*text);
        list_.push_back(std::move(address));
        if (lexer_.peek() != '<')  // a missing comma
            separator();
    }

    void separator()
    {
        bool is_group_end = lexer_.peek() == ';' && is_in_group_;
        lexer_.skip();
        if (is_group_end)
            end_group();
    }

    std::string route()
    {
        std::string text;
        while (!lexer_.at_end() && lexer_.peek() != ':' && lexer_.peek() != '>') {
            text += lexer_.until(" \t\r\n(:>");
            lexer_.skip_space_and_comments();
        }
        lexer_.take(':');
        return text;
    }

    void start_group(Words words)
    {
        lexer_.skip();
        is_in_group_ = true;
        list_.push_back(marker(Address::Kind::group_start, std::move(words.phrase)));
    }

    void end_group()
    {
        is_in_group_ = false;
        list_.push_back(marker(Address::Kind::group_end, {}));
    }

    Words read_words(std::string_view delimiters)
    {
        Words words;
        while (true) {
            bool is_after_space = lexer_.skip_space();
            while (lexer_.peek() == '(') {
                words.comment = lexer_.comment();
                lexer_.skip_space();
                is_after_space = true;
            }
            char c = lexer_.peek();
            if (lexer_.at_end() || delimiters.find(c) != std::string_view::npos)
                return words;
            if (c == '"') {
                words.add(lexer_.quoted_string(), is_after_space);
            } else if (c == '[') {
                words.add(lexer_.domain_literal(), is_after_space);
            } else if (c == '@') {
                lexer_.skip();
                words.add_at(is_after_space);
            } else if (auto atom = lexer_.until(atom_end); !atom.empty()) {
                words.add(atom, is_after_space);
            } else {
                words.add(std::string_view(&c, 1), is_after_space);  // a special where none can be
                lexer_.skip();
            }
        }
    }

    Lexer lexer_;
    std::size_t limit_;
    std::vector<Address> list_;
    bool is_in_group_ = false;
};

}  // namespace

std::string Address::text() const
{
    std::string out;
    if (needs_quotes(local_part)) {
        out.push_back('"');
        for (char c : local_part) {
            if (c == '"' || c == '\\')
                out.push_back('\\');
            out.push_back(c);
        }
        out.push_back('"');
    } else {
        out = local_part;
    }
    return domain.empty() ? out : cat(out, "@", domain);
}

std::vector<Address> parse_addresses(std::string_view value, std::size_t limit)
{
    return AddressReader(value, limit).read();
}

}  // namespace mta::mime
