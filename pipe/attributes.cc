#include "pipe/attributes.h"

#include <array>

#include "base/text.h"
#include "config/config.h"
#include "pipe/expand.h"

namespace mta::pipe {

namespace {

struct Flag {
    char letter;
    bool Attributes::*member;
};
constexpr std::array<Flag, 11> flags{{{'B', &Attributes::ends_with_blank_line},
                                      {'D', &Attributes::has_delivered_to},
                                      {'F', &Attributes::has_from_line},
                                      {'O', &Attributes::has_original_to},
                                      {'R', &Attributes::has_return_path},
                                      {'X', &Attributes::is_final},
                                      {'h', &Attributes::folds_domain},
                                      {'q', &Attributes::quotes_local_part},
                                      {'u', &Attributes::folds_local_part},
                                      {'.', &Attributes::doubles_dots},
                                      {'>', &Attributes::quotes_from}}};

Result<void> set_flags(Attributes& attributes, std::string_view letters)
{
    for (char letter : letters) {
        bool is_known = false;
        for (const auto& flag : flags) {
            if (flag.letter != letter)
                continue;
            attributes.*flag.member = true;
            is_known = true;
        }
        if (!is_known)
            return failure(cat("flags=", letters, ": unknown flag '", letter, "', must be of BDFORXhqu.>"));
    }
    return {};
}

constexpr std::string_view escape_letters = "abfnrtv\\";
constexpr std::string_view escape_values = "\a\b\f\n\r\t\v\\";

// "\r\n" as it is written in C: the letters above, and up to three octal digits.
Result<std::string> unescape(std::string_view text)
{
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            result += text[i];
            continue;
        }
        std::size_t digits = 0;
        while (digits < 3 && i + 1 + digits < text.size() && text[i + 1 + digits] >= '0' && text[i + 1 + digits] <= '7')
            ++digits;
        if (auto number = parse_number<unsigned char>(text.substr(i + 1, digits), 8); digits > 0 && number) {
            result += static_cast<char>(*number);
            i += digits;
            continue;
        }
        auto letter = i + 1 < text.size() ? escape_letters.find(text[i + 1]) : std::string_view::npos;
        if (letter == std::string_view::npos)
            return failure(cat("eol=", text, ": unknown escape"));
        result += escape_values[letter];
        ++i;
    }
    return result;
}

Result<void> set_size(Attributes& attributes, std::string_view value)
{
    auto number = parse_number<long>(value);
    if (!number || *number < 0)
        return failure(cat("size=", value, ": not a number of bytes"));
    attributes.size_limit = *number;
    return {};
}

Result<void> set_eol(Attributes& attributes, std::string_view value)
{
    auto eol = unescape(value);
    if (!eol)
        return eol.error();
    attributes.eol = *eol;
    return {};
}

Result<void> set(Attributes& attributes, const std::string& name, const std::string& value)
{
    static const std::vector<std::string> names{"argv", "directory", "eol", "flags", "null_sender", "size", "user"};
    if (name == "flags")
        return set_flags(attributes, value);
    if (name == "size")
        return set_size(attributes, value);
    if (name == "eol")
        return set_eol(attributes, value);
    if (name == "directory") {
        attributes.directory = value;
    } else if (name == "null_sender") {
        attributes.null_sender = value;
    } else if (name == "user") {
        auto colon = value.find(':');
        attributes.user = value.substr(0, colon);
        attributes.group = colon == std::string::npos ? "" : value.substr(colon + 1);
    } else {
        auto guess = config::nearest(name, names);
        return failure(cat("unknown attribute \"", name, "=\"", guess ? cat("; did you mean \"", *guess, "=\"?") : ""));
    }
    return {};
}

}  // namespace

Result<Attributes> parse_attributes(const std::vector<std::string>& words)
{
    Attributes attributes;
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto equals = words[i].find('=');
        if (equals == std::string::npos)
            return failure(cat("\"", words[i], "\": must be attribute=value"));
        auto name = words[i].substr(0, equals), value = words[i].substr(equals + 1);
        if (name == "argv") {  // all that follows is the command
            attributes.argv.push_back(value);
            attributes.argv.insert(attributes.argv.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
            break;
        }
        if (auto done = set(attributes, name, value); !done)
            return done.error();
    }
    if (attributes.argv.empty() || attributes.argv.front().empty())
        return failure("missing argv= attribute: the command");
    if (attributes.user.empty())
        return failure("missing user= attribute: whom the command runs as");
    for (const auto& word : attributes.argv)
        if (auto checked = check_template(word); !checked)
            return checked.error();
    return attributes;
}

}  // namespace mta::pipe
