#include "conf/postconf/entry.h"

#include <algorithm>

#include "base/text.h"
#include "config/lines.h"

namespace mta::postconf {

namespace {

constexpr std::size_t line_limit = 80;
constexpr std::string_view indent = "    ";

bool is_option(std::string_view word) { return word.size() > 1 && word.front() == '-' && word != "--"; }

// "-oname=value" becomes two words, "{ name = value }" loses what is not needed.
void normalize(std::vector<std::string>& words)
{
    for (std::size_t i = 0; i < words.size() && is_option(words[i]); ++i) {
        if (!words[i].starts_with("-o"))
            continue;
        if (words[i].size() > 2) {
            words.insert(words.begin() + static_cast<long>(i) + 1, words[i].substr(2));
            words[i].resize(2);
        }
        if (++i == words.size())
            return;
        auto bare = config::strip_braces(words[i]);
        auto pair = bare ? config::split_name_value(*bare) : Result<std::pair<std::string, std::string>>(bare.error());
        if (pair)
            words[i] = option_text(pair->first, pair->second);
    }
}

bool is_count(std::string_view text)
{
    return text == "-" || parse_number<unsigned long>(text);
}

}  // namespace

std::string option_text(std::string_view name, std::string_view value)
{
    bool has_space = std::any_of(value.begin(), value.end(), [](char c) { return is_space(c); });
    return has_space ? cat("{", name, "=", value, "}") : cat(name, "=", value);
}

std::size_t Entry::option_count() const
{
    std::size_t count = 0;
    while (count < arguments.size() && is_option(arguments[count]))
        count += arguments[count] == "-o" && count + 1 < arguments.size() ? 2 : 1;
    return count;
}

std::vector<std::size_t> Entry::option_values() const
{
    std::vector<std::size_t> values;
    for (std::size_t i = 0; i + 1 < option_count(); ++i)
        if (arguments[i] == "-o")
            values.push_back(++i);
    return values;
}

std::vector<std::pair<std::string, std::string>> Entry::overrides() const
{
    std::vector<std::pair<std::string, std::string>> pairs;
    for (auto at : option_values()) {
        auto bare = config::strip_braces(arguments[at]);
        if (!bare)
            continue;
        if (auto pair = config::split_name_value(*bare))
            pairs.push_back(std::move(*pair));
    }
    return pairs;
}

std::string Entry::command_line() const
{
    auto text = fields.back();
    for (const auto& argument : arguments)
        text += cat(" ", argument);
    return text;
}

Result<void> check_field(std::size_t field, const std::string& value, std::string_view line)
{
    static const std::vector<std::string> types{"inet", "unix", "fifo", "pass", "unix-dgram"};
    bool is_good = !value.empty();
    switch (field) {
    case 1: is_good = std::find(types.begin(), types.end(), value) != types.end(); break;
    case 2:
    case 3:
    case 4: is_good = value == "y" || value == "n" || value == "-"; break;
    case 5: is_good = is_count(value.ends_with('?') ? std::string_view(value).substr(0, value.size() - 1) : value); break;
    case 6: is_good = is_count(value); break;
    default: break;
    }
    if (!is_good)
        return failure(cat("invalid ", field_names[field], " field \"", value, "\" in \"", line, "\""));
    return {};
}

Result<Entry> parse_entry(std::string_view text)
{
    auto words = config::split_braced(text, " \t\r\n");
    if (!words)
        return words.error();
    Entry entry;
    if (words->size() < entry.fields.size())
        return failure("bad field count");
    for (std::size_t i = 0; i < entry.fields.size(); ++i) {
        if (auto good = check_field(i, (*words)[i], text); !good)
            return good.error();
        entry.fields[i] = (*words)[i];
    }
    entry.arguments.assign(words->begin() + static_cast<long>(entry.fields.size()), words->end());
    normalize(entry.arguments);
    return entry;
}

std::string print_entry(const Entry& entry, bool fold)
{
    constexpr std::array<std::size_t, 8> columns{0, 11, 17, 25, 33, 41, 49, 57};
    std::string out;
    for (std::size_t i = 0; i + 1 < columns.size(); ++i) {
        out += cat(entry.fields[i], " ");
        if (out.size() < columns[i + 1])
            out.append(columns[i + 1] - out.size(), ' ');
    }
    return print_command(entry, std::move(out), fold);
}

std::string print_command(const Entry& entry, std::string before, bool fold)
{
    auto out = cat(before, entry.fields.back());
    auto length = out.size();
    auto add = [&](const std::string& text, bool on_own_line) {
        if (fold && (on_own_line || length + 1 + text.size() >= line_limit)) {
            out += cat("\n", indent);
            length = indent.size();
        } else {
            out += ' ';
            ++length;
        }
        out += text;
        length += text.size();
    };
    // An option with a value has a line of its own.
    auto options = entry.option_count();
    bool had_value = false;
    for (std::size_t i = 0; i < entry.arguments.size(); ++i) {
        bool has_value = i + 1 < options && entry.arguments[i] == "-o";
        add(has_value ? cat("-o ", entry.arguments[i + 1]) : entry.arguments[i], has_value || had_value);
        i += has_value;
        had_value = has_value;
    }
    return out;
}

}  // namespace mta::postconf
