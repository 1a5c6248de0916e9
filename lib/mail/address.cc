#include "mail/address.h"

#include <algorithm>

#include "base/text.h"

namespace mta::mail {

namespace {

// RFC 5322 section 3.2.3.
bool is_atext(char c)
{
    return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_utf8_byte(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

Error bad(std::string text) { return Error{std::move(text), "5.1.3"}; }

// Takes one path or address apart, from left to right.
class Parser {
public:
    Parser(std::string_view text, const Syntax& syntax) : rest_(text), syntax_(syntax) {}

    Result<Address> path()
    {
        if (!take('<')) {
            if (syntax_.brackets)
                return bad("missing '<'");
            return whole(address());
        }
        if (take('>'))
            return whole(Address{});
        if (auto route = skip_source_route(); !route)
            return route.error();
        auto result = address();
        if (result && !take('>'))
            return bad("missing '>'");
        return whole(std::move(result));
    }

    Result<Address> whole(Result<Address> result)
    {
        if (result && !rest_.empty())
            return bad("text after the address");
        return result;
    }

    Result<Address> address()
    {
        Address address;
        auto local = starts_with('"') ? quoted_string() : dot_string();
        if (!local)
            return local.error();
        address.local_part = *std::move(local);
        if (address.local_part.size() > max_local_part_bytes)
            return bad("local part too long");
        if (!take('@'))
            return address;
        auto domain = domain_text(">");
        if (auto valid = check_domain(domain); !valid)
            return valid.error();
        address.domain = std::string(domain);
        return address;
    }

private:
    bool starts_with(char c) const { return !rest_.empty() && rest_.front() == c; }
    bool take(char c)
    {
        if (!starts_with(c))
            return false;
        rest_.remove_prefix(1);
        return true;
    }

    // "@a,@b:" has no meaning any more (RFC 5321 appendix C), but must be of this form.
    Result<void> skip_source_route()
    {
        if (!starts_with('@'))
            return {};
        while (take('@')) {
            if (auto valid = check_domain(domain_text(",:>")); !valid)
                return valid;
            if (take(':'))
                return {};
            if (!take(','))
                break;
        }
        return bad("bad source route");
    }

    std::string_view domain_text(std::string_view ends)
    {
        std::size_t size = 0;
        if (starts_with('['))
            size = std::min(rest_.find(']'), rest_.size() - 1) + 1;
        else
            size = std::min(rest_.find_first_of(ends), rest_.size());
        auto text = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return text;
    }

    Result<void> check_domain(std::string_view text) const
    {
        if (text.size() > max_domain_bytes)
            return bad("domain too long");
        if (!syntax_.utf8 && !is_ascii(text))
            return Error{"non-ASCII address without SMTPUTF8", "5.6.7"};
        if (!text.empty() && text.front() == '[')
            return is_address_literal(text) ? Result<void>() : bad("bad address literal");
        return is_domain(text, syntax_.utf8) ? Result<void>() : bad("bad domain");
    }

    Result<std::string> dot_string()
    {
        std::string out;
        while (!rest_.empty() && rest_.front() != '@' && rest_.front() != '>') {
            char c = rest_.front();
            if (is_utf8_byte(c) && !syntax_.utf8)
                return Error{"non-ASCII address without SMTPUTF8", "5.6.7"};
            if (!is_atext(c) && c != '.' && !is_utf8_byte(c))
                return bad("bad character in the local part");
            out += c;
            rest_.remove_prefix(1);
        }
        if (out.empty())
            return bad("empty local part");
        if (out.front() == '.' || out.back() == '.' || out.find("..") != std::string::npos)
            return bad("misplaced dot in the local part");
        return check_utf8(std::move(out));
    }

    Result<std::string> quoted_string()
    {
        std::string out;
        rest_.remove_prefix(1);
        while (!take('"')) {
            if (starts_with('\\'))
                rest_.remove_prefix(1);
            if (rest_.empty())
                return bad("missing '\"'");
            char c = rest_.front();
            if (is_control(c))
                return bad("control character in the local part");
            if (is_utf8_byte(c) && !syntax_.utf8)
                return Error{"non-ASCII address without SMTPUTF8", "5.6.7"};
            out += c;
            rest_.remove_prefix(1);
        }
        if (out.empty())
            return bad("empty local part");
        return check_utf8(std::move(out));
    }

    static Result<std::string> check_utf8(std::string text)
    {
        if (!is_utf8(text))
            return Error{"malformed UTF-8 in the address", "5.6.7"};
        return text;
    }

    std::string_view rest_;
    Syntax syntax_;
};

bool is_dot_atom(std::string_view text)
{
    if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos)
        return false;
    for (char c : text)
        if (!is_atext(c) && c != '.' && !is_utf8_byte(c))
            return false;
    return true;
}

}  // namespace

std::string Address::internal() const { return domain.empty() ? local_part : cat(local_part, "@", domain); }

std::string Address::external() const
{
    if (is_null())
        return "";
    auto local = quote_local_part(local_part);
    return domain.empty() ? local : cat(local, "@", domain);
}

Result<Address> parse_path(std::string_view text, const Syntax& syntax)
{
    if (text.size() > max_path_bytes)
        return bad("path too long");
    return Parser(text, syntax).path();
}

Result<Address> parse_external(std::string_view text, const Syntax& syntax)
{
    if (text.size() > max_path_bytes)
        return bad("address too long");
    Parser parser(text, syntax);
    auto result = parser.address();
    return parser.whole(std::move(result));
}

Address from_internal(std::string_view text)
{
    auto at = text.rfind('@');
    if (at == std::string_view::npos)
        return {std::string(text), ""};
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::size_t path_length(std::string_view text)
{
    bool has_brackets = !text.empty() && text.front() == '<';
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\')
            ++i;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && has_brackets && text[i] == '>')
            return i + 1;
        else if (!quoted && !has_brackets && text[i] == ' ')
            return i;
    }
    return text.size();
}

std::string quote_local_part(std::string_view local_part)
{
    if (is_dot_atom(local_part))
        return std::string(local_part);
    std::string out = "\"";
    for (char c : local_part) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out += '"';
}

}  // namespace mta::mail
