#include "service/counters.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace mta::service {

namespace {

constexpr std::array<std::string_view, 16> order{"helo", "ehlo", "xclient", "xforward", "starttls", "auth", "mail", "rcpt",
                                                 "data", "bdat", "rset", "noop", "vrfy", "etrn", "quit", "unknown"};

constexpr long max_count = 1'000'000'000;  // nobody comes so far; and sums of it stay numbers

std::size_t rank(std::string_view command)
{
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), command) - order.begin());
}

std::string item_text(std::string_view name, long done, long total)
{
    return done == total ? cat(name, "=", done) : cat(name, "=", done, "/", total);
}

}  // namespace

Counters::Counters(std::string_view text)
{
    for (auto word : split_words(text)) {
        auto equals = word.find('='), slash = word.find('/');
        auto total = parse_number<long>(word.substr(slash == std::string_view::npos ? equals + 1 : slash + 1));
        auto done = slash == std::string_view::npos ? total : parse_number<long>(word.substr(equals + 1, slash - equals - 1));
        if (equals == std::string_view::npos || rank(word.substr(0, equals)) == order.size() || !total || !done || *done < 0 || *done > *total ||
            *total > max_count)
            continue;
        auto& item = find(word.substr(0, equals));
        item.done = *done;
        item.total = *total;
    }
}

Counters::Item& Counters::find(std::string_view command)
{
    auto name = lower(command);
    auto at = std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return rank(item.command) >= rank(name); });
    if (at == items_.end() || at->command != name)
        at = items_.insert(at, Item{name});
    return *at;
}

void Counters::count(std::string_view command, bool done)
{
    auto& item = find(rank(lower(command)) < order.size() ? command : "unknown");
    ++item.total;
    if (done)
        ++item.done;
}

long Counters::done(std::string_view command) const
{
    auto at = std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.command == command; });
    return at == items_.end() ? 0 : at->done;
}

std::string Counters::text() const
{
    std::string out;
    for (const auto& item : items_)
        out += cat(out.empty() ? "" : " ", item_text(item.command, item.done, item.total));
    return out;
}

std::string Counters::summary() const
{
    long done = 0, total = 0;
    for (const auto& item : items_) {
        done += item.done;
        total += item.total;
    }
    auto commands = item_text("commands", done, total);
    if (items_.empty())
        return "commands=0/0";
    return cat(text(), " ", commands);
}

}  // namespace mta::service
