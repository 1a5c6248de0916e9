#include "t/fuzz/lib/imap_response.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"

namespace mta::fuzz {

namespace {

constexpr int max_depth = 200;

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings)
{
    return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view begin) { return text.starts_with(begin); });
}

void take_quoted(std::string_view& text)
{
    text.remove_prefix(1);
    while (true) {
        HOLDS(!text.empty());
        char c = text.front();
        text.remove_prefix(1);
        if (c == '"')
            return;
        HOLDS(c != '\r' && c != '\n' && c != '\0');
        if (c != '\\')
            continue;
        HOLDS(!text.empty() && (text.front() == '"' || text.front() == '\\'));
        text.remove_prefix(1);
    }
}

void take_literal(std::string_view& text)
{
    auto end = text.find("}\r\n");
    HOLDS(end != std::string_view::npos);
    auto size = parse_number<std::size_t>(text.substr(1, end - 1));
    HOLDS(size && *size <= text.size() - end - 3);
    HOLDS(text.substr(end + 3, *size).find('\0') == std::string_view::npos);
    text.remove_prefix(end + 3 + *size);
}

// "BODY[HEADER.FIELDS ("a]" b)]" up to the bracket that closes it.
void take_section(std::string_view& text)
{
    while (!text.starts_with(']')) {
        HOLDS(!text.empty() && static_cast<unsigned char>(text.front()) >= ' ');
        if (text.front() == '"')
            take_quoted(text);
        else if (text.front() == '{')
            take_literal(text);
        else
            text.remove_prefix(1);
    }
}

// Whether BODY[...] is an atom, or the start of something that may hold spaces and strings.
enum class In { fetch, others };

// An atom, and what FLAGS and FETCH add: a backslash, a section.
void take_atom(std::string_view& text, In response)
{
    if (response == In::fetch && text.starts_with("BODY["))
        take_section(text);
    auto size = std::min(text.find_first_of(" ()\"{\r\n"), text.size());
    HOLDS(size > 0);
    for (char c : text.substr(0, size))
        HOLDS(c > ' ' && c < 127);
    text.remove_prefix(size);
}

void take_value(std::string_view& text, In response, int depth);

void take_list(std::string_view& text, In response, int depth)
{
    HOLDS(depth < max_depth);
    text.remove_prefix(1);
    while (!text.starts_with(')')) {
        take_value(text, response, depth + 1);
        if (text.starts_with(' '))
            text.remove_prefix(1);
        else
            HOLDS(text.starts_with(')') || text.starts_with('('));  // as the parts of a multipart
    }
    text.remove_prefix(1);
}

void take_value(std::string_view& text, In response, int depth)
{
    HOLDS(!text.empty());
    switch (text.front()) {
    case '(': return take_list(text, response, depth);
    case '"': return take_quoted(text);
    case '{': return take_literal(text);
    default: return take_atom(text, response);
    }
}

void take_line_of_values(std::string_view& text)
{
    auto words = split_words(text.substr(0, 40), " ");
    auto response = words.size() > 2 && words[2] == "FETCH" ? In::fetch : In::others;
    while (!text.starts_with("\r\n")) {
        take_value(text, response, 0);
        if (text.starts_with(' '))
            text.remove_prefix(1);
    }
    text.remove_prefix(2);
}

void take_line_of_text(std::string_view& text)
{
    auto end = text.find("\r\n");
    HOLDS(end != std::string_view::npos);
    for (char c : text.substr(0, end))
        HOLDS(c != '\r' && c != '\n' && c != '\0');
    text.remove_prefix(end + 2);
}

}  // namespace

void take_imap_value(std::string_view& text) { take_value(text, In::others, 0); }

void check_imap_values(std::string_view text)
{
    while (!text.empty()) {
        take_value(text, In::fetch, 0);
        if (text.starts_with(' '))
            text.remove_prefix(1);
        else
            HOLDS(text.empty());
    }
}

void check_imap_responses(std::string_view text)
{
    while (!text.empty()) {
        bool is_data = text.starts_with("* ") && !starts_with_any(text.substr(2), {"OK", "NO", "BAD", "BYE", "PREAUTH"});
        is_data ? take_line_of_values(text) : take_line_of_text(text);
    }
}

}  // namespace mta::fuzz
