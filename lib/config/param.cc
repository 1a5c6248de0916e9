#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "config/config.h"
#include "config/expand.h"
#include "config/lines.h"
#include "log/log.h"

namespace mta::config {

namespace detail {

Base::Base(Group& group, std::string_view name_, std::string_view default_value, std::string_view type, std::string_view doc)
    : name(name_), is_read(!group.config().is_for_declarations())
{
    const auto& config = group.config();
    config.declare({name, std::string(default_value), std::string(type), std::string(doc)});
    if (!is_read)
        return;
    const auto* setting = config.find(name);
    where = cat(setting ? setting->place.text() : "default value", ": ", name);
    auto value = config.value(name);
    if (!value)
        log::fatal(value.error().text);
    text = std::move(*value);
}

void bad_value(const Base& base, std::string_view why)
{
    log::fatal(base.where, ": ", why, ": \"", base.text, "\"");
}

void parse(const Base& base, bool& value)
{
    auto text = lower(trim(base.text));
    bool is_yes = text == "yes" || text == "true" || text == "on" || text == "1";
    if (!is_yes && text != "no" && text != "false" && text != "off" && text != "0")
        bad_value(base, "bad boolean value, must be yes or no");
    value = is_yes;
}

void parse(const Base& base, long& value)
{
    auto number = parse_number<long>(trim(base.text));
    if (!number)
        bad_value(base, "bad numerical value");
    value = *number;
}

void parse(const Base& base, double& value)
{
    auto number = [&]() -> std::optional<double> {
        auto text = trim(base.text);
        double result = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result, std::chars_format::fixed);
        if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(result))
            return std::nullopt;
        return result;
    }();
    if (!number)
        bad_value(base, "bad numerical value");
    value = *number;
}

void parse(const Base& base, std::string& value) { value = base.text; }

void parse(const Base& base, std::chrono::seconds& value)
{
    auto time = parse_time(trim(base.text));
    if (!time || *time % std::chrono::seconds(1) != std::chrono::milliseconds(0))
        bad_value(base, "bad time value, must be a number and one of s, m, h, d, w");
    value = std::chrono::duration_cast<std::chrono::seconds>(*time);
}

void parse(const Base& base, std::chrono::milliseconds& value)
{
    auto time = parse_time(trim(base.text));
    if (!time)
        bad_value(base, "bad time value, must be a number and one of ms, s, m, h, d, w");
    value = *time;
}

void parse(const Base& base, std::vector<std::string>& value)
{
    auto words = split_list(base.text);
    if (!words)
        bad_value(base, words.error().text);
    value = std::move(*words);
}

}  // namespace detail

Result<std::vector<std::string>> split_list(std::string_view text)
{
    auto words = split_braced(text, ", \t\r\n");
    if (!words)
        return words;
    for (auto& word : *words) {
        auto bare = strip_braces(word);
        if (!bare)
            return bare.error();
        word = std::move(*bare);
    }
    return words;
}

Result<std::vector<std::string>> references(std::string_view text)
{
    return Expander::names(text);
}

namespace {

std::optional<long> milliseconds_in(std::string_view unit)
{
    if (unit == "ms")
        return 1;
    if (unit.size() != 1)
        return std::nullopt;
    switch (lower(unit.front())) {
    case 's': return 1000L;
    case 'm': return 60000L;
    case 'h': return 3600000L;
    case 'd': return 86400000L;
    case 'w': return 7 * 86400000L;
    default: return std::nullopt;
    }
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_time(std::string_view text, char default_unit)
{
    auto digits = std::find_if_not(text.begin(), text.end(), is_digit);
    auto number = parse_number<long>(std::string_view(text.begin(), digits));
    std::string_view unit(digits, text.end());
    auto factor = milliseconds_in(unit.empty() ? std::string_view(&default_unit, 1) : unit);
    long product = 0;
    if (!number || !factor || __builtin_mul_overflow(*number, *factor, &product))
        return std::nullopt;
    return std::chrono::milliseconds(product);
}

namespace {

// How many characters must be inserted, removed, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        for (std::size_t j = 0; j <= b.size(); ++j) {
            auto& cell = rows[i][j];
            if (i == 0 || j == 0) {
                cell = i + j;
                continue;
            }
            cell = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cell = std::min(cell, rows[i - 2][j - 2] + 1);
        }
    return rows[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates)
{
    constexpr std::size_t max_name = 128;
    if (name.empty() || name.size() > max_name)
        return std::nullopt;
    const std::string* best = nullptr;
    auto best_distance = std::max<std::size_t>(1, name.size() / 4) + 1;  // a quarter of it may be wrong
    auto wanted = lower(name);
    for (const auto& candidate : candidates) {
        auto difference = candidate.size() > wanted.size() ? candidate.size() - wanted.size() : wanted.size() - candidate.size();
        if (difference >= best_distance)
            continue;
        auto distance = edit_distance(wanted, lower(candidate));
        if (distance < best_distance) {
            best = &candidate;
            best_distance = distance;
        }
    }
    return best ? std::optional(*best) : std::nullopt;
}

}  // namespace mta::config
