#include "smtp/reply.h"

#include <algorithm>

#include "base/text.h"

namespace mta::smtp {

namespace {

constexpr std::size_t code_digits = 3;

// RFC 3463 section 2: class "." subject "." detail, the last two of one to three digits.
std::size_t enhanced_length(std::string_view text)
{
    if (text.size() < 5 || text[1] != '.')
        return 0;
    std::size_t at = 2;
    for (int part = 0; part < 2; ++part) {
        auto begin = at;
        while (at < text.size() && at - begin < 3 && is_digit(text[at]))
            ++at;
        if (at == begin)
            return 0;
        if (part == 0 && (at >= text.size() || text[at++] != '.'))
            return 0;
    }
    return at == text.size() || is_space(text[at]) ? at : 0;
}

}  // namespace

std::optional<std::string> find_enhanced_status(std::string_view text, int code)
{
    auto length = enhanced_length(text);
    auto wanted = static_cast<char>('0' + code / 100);
    if (length == 0 || text.front() != wanted || (wanted != '2' && wanted != '4' && wanted != '5'))
        return std::nullopt;
    return std::string(text.substr(0, length));
}

std::string Reply::text(std::size_t max_bytes) const
{
    std::string text;
    for (std::size_t i = 0; i < lines.size() && text.size() < max_bytes; ++i) {
        bool is_last = i + 1 == lines.size();
        text += cat(i == 0 ? "" : " ", code, is_last ? (lines[i].empty() ? "" : " ") : "-", lines[i]);
    }
    if (text.size() > max_bytes)
        text = printable(std::string_view(text).substr(0, max_bytes));  // a character may have been cut
    return text;
}

Result<std::optional<Reply>> ReplyParser::add(std::string_view line)
{
    auto code = parse_number<int>(line.substr(0, code_digits));
    char separator = line.size() > code_digits ? line[code_digits] : ' ';
    if (line.size() < code_digits || !is_digit(line[0]) || !code || *code < 200 || *code > 599 || (separator != ' ' && separator != '-'))
        return failure(cat("not an SMTP reply: ", printable(line.substr(0, 100))));
    if (reply_.lines.size() >= max_lines)
        return failure("SMTP reply with too many lines");
    auto text = line.size() > code_digits ? line.substr(code_digits + 1, max_line_bytes) : std::string_view();
    reply_.lines.push_back(printable(text));
    reply_.code = *code;  // that of the last line counts
    if (separator == '-')
        return std::optional<Reply>();
    auto first = text.substr(std::min(text.find_first_not_of(' '), text.size()));
    reply_.status = find_enhanced_status(first, *code).value_or(cat(*code / 100, ".0.0"));
    return std::optional<Reply>(std::exchange(reply_, Reply()));
}

std::vector<Extension> parse_extensions(const Reply& reply)
{
    std::vector<Extension> extensions;
    for (std::size_t i = 1; i < reply.lines.size(); ++i) {
        auto words = split_words(reply.lines[i], " \t=");
        if (words.empty() || !std::all_of(words[0].begin(), words[0].end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; }))
            continue;
        Extension extension{upper(words[0]), {}};
        for (std::size_t word = 1; word < words.size(); ++word)
            extension.parameters.push_back(upper(words[word]));
        extensions.push_back(std::move(extension));
    }
    return extensions;
}

}  // namespace mta::smtp
