#include "smtp/counters.h"

#include "base/text.h"

namespace mta::smtp {

namespace {

void add(std::string& out, std::string_view name, unsigned long obeyed, unsigned long total)
{
    if (!out.empty())
        out += ' ';
    out += obeyed == total ? cat(name, "=", total) : cat(name, "=", obeyed, "/", total);
}

}  // namespace

std::size_t Counters::index_of(std::string_view name)
{
    for (std::size_t i = 0; i < names.size(); ++i)
        if (iequals(names[i], name))
            return i;
    return unknown;
}

Counters Counters::parse(std::string_view text)
{
    Counters counters;
    for (auto word : split_words(text)) {
        auto equals = word.find('=');
        if (equals == std::string_view::npos || word.substr(0, equals) == "commands")
            continue;
        auto numbers = split(word.substr(equals + 1), '/');
        auto obeyed = parse_number<unsigned long>(numbers.front());
        auto total = parse_number<unsigned long>(numbers.back());
        if (obeyed && total && numbers.size() <= 2)
            counters.counts_[index_of(word.substr(0, equals))] = {*obeyed, *total};
    }
    return counters;
}

void Counters::count(std::string_view verb, bool was_obeyed)
{
    auto& count = counts_[index_of(verb)];
    ++count.total;
    count.obeyed += was_obeyed;
}

std::string Counters::text() const
{
    std::string out;
    Count sum;
    for (std::size_t i = 0; i <= names.size(); ++i) {
        sum.obeyed += counts_[i].obeyed;
        sum.total += counts_[i].total;
        if (counts_[i].total > 0)
            add(out, i == unknown ? "unknown" : names[i], counts_[i].obeyed, counts_[i].total);
    }
    if (sum.total == 0)
        return "commands=0/0";
    add(out, "commands", sum.obeyed, sum.total);
    return out;
}

}  // namespace mta::smtp
