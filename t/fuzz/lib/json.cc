#include "t/fuzz/lib/json.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"

namespace mta::fuzz {

namespace {

void skip_space(std::string_view& text)
{
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
}

void expect(std::string_view& text, std::string_view what)
{
    HOLDS(text.starts_with(what));
    text.remove_prefix(what.size());
}

void take_string(std::string_view& text)
{
    expect(text, "\"");
    auto begin = text;
    while (!text.starts_with('"')) {
        HOLDS(!text.empty() && static_cast<unsigned char>(text.front()) >= ' ');
        bool is_escape = text.front() == '\\';
        text.remove_prefix(1);
        if (!is_escape)
            continue;
        HOLDS(!text.empty() && std::string_view("\"\\/bfnrtu").find(text.front()) != std::string_view::npos);
        if (text.front() == 'u')
            HOLDS(parse_number<unsigned>(text.substr(1, 4), 16) && text.size() >= 5);
        text.remove_prefix(1);
    }
    HOLDS(is_utf8(begin.substr(0, begin.size() - text.size())));
    text.remove_prefix(1);
}

void take_list(std::string_view& text, int depth, char close, bool has_names)
{
    text.remove_prefix(1);
    for (bool is_first = true; skip_space(text), !text.starts_with(close); is_first = false) {
        if (!is_first)
            expect(text, ",");
        skip_space(text);
        if (has_names) {
            take_string(text);
            skip_space(text);
            expect(text, ":");
        }
        take_json(text, depth + 1);
    }
    text.remove_prefix(1);
}

}  // namespace

void take_json(std::string_view& text, int depth)
{
    HOLDS(depth < 20);
    skip_space(text);
    HOLDS(!text.empty());
    if (text.front() == '{' || text.front() == '[')
        return take_list(text, depth, text.front() == '{' ? '}' : ']', text.front() == '{');
    if (text.front() == '"')
        return take_string(text);
    auto size = std::min(text.find_first_of(",}] \n"), text.size());
    auto word = text.substr(0, size);
    HOLDS(word == "true" || word == "false" || word == "null" || parse_number<long long>(word) || parse_number<unsigned long long>(word));
    text.remove_prefix(size);
}

}  // namespace mta::fuzz
