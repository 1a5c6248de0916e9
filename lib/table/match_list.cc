#include "table/match_list.h"

#include <algorithm>

#include "base/text.h"
#include "net/address.h"
#include "table/types.h"

namespace mta::table {

struct MatchList::Pattern {
    bool is_negated = false;
    std::string name;                     // folded; may begin with a dot
    std::optional<net::Network> network;  // if the name can be read as one
    std::unique_ptr<Table> table;         // instead of both
};

// What is looked for: those that are not asked for are absent.
struct MatchList::Subject {
    std::optional<std::string> domain, word;
    std::optional<std::string> ip_text;
    std::optional<net::Address> address;
};

namespace {

constexpr int max_file_depth = 10;  // of files that name files

// Whether a pattern is meant as an address or network; an Error if so, but it is a bad one.
Result<std::optional<net::Network>> read_network(std::string_view text)
{
    auto slash = text.find('/');
    auto address = text.substr(0, slash);
    if (address.starts_with('[') && address.ends_with(']'))
        address = address.substr(1, address.size() - 2);
    else if (text.starts_with('[') && text.ends_with(']') && slash != std::string_view::npos)
        return read_network(text.substr(1, text.size() - 2));  // "[2001:db8::/32]"
    if (!net::Address::parse(address))
        return std::optional<net::Network>{};
    auto network = net::Network::parse(cat(address, slash == std::string_view::npos ? "" : text.substr(slash)));
    if (!network)
        return network.error();
    return std::optional(*network);
}

}  // namespace

// Turns the text of a list into patterns, files and all.
struct MatchList::Reader {
    MatchList& list;
    const Options& options;

    Result<void> add(std::string_view text, bool is_negated, int depth)
    {
        for (std::string_view word : split_braced(text))
            if (auto added = add_word(word, is_negated, depth); !added)
                return added;
        return {};
    }

    Result<void> add_word(std::string_view word, bool is_negated, int depth)
    {
        for (; word.starts_with('!'); word.remove_prefix(1))
            is_negated = !is_negated;
        if (word.empty())
            return failure("no pattern after \"!\"");
        if (word.starts_with('/'))
            return add_file(std::string(word), is_negated, depth);
        Pattern pattern;
        pattern.is_negated = is_negated;
        if (word.front() != '[' && word.find(':') != std::string_view::npos) {
            auto table = table::open(word, options.table);
            if (!table)
                return table.error();
            pattern.table = std::move(*table);
        } else {
            auto network = read_network(word);
            if (!network)
                return network.error();
            pattern.network = *network;
            pattern.name = fold(word);
        }
        list.patterns_.push_back(std::move(pattern));
        return {};
    }

    Result<void> add_file(const std::string& path, bool is_negated, int depth)
    {
        if (depth == max_file_depth)
            return failure(cat(path, ": files that name files go too deep"));
        auto source = read_source(path, "open file ");
        if (!source)
            return source.error();
        list.files_.push_back(*source->mark);
        for (const auto& line : logical_lines(source->content, path, log_warning))
            if (auto added = add(line.text, is_negated, depth + 1); !added)
                return failure(cat(path, ", line ", line.number, ": ", added.error().text));
        return {};
    }
};

MatchList::MatchList() = default;
MatchList::MatchList(MatchList&&) noexcept = default;
MatchList& MatchList::operator=(MatchList&&) noexcept = default;
MatchList::~MatchList() = default;

Result<MatchList> MatchList::open(const std::vector<std::string>& words, const Options& options)
{
    MatchList list;
    list.words_ = words;
    list.options_ = options;
    Reader reader{list, options};
    for (const auto& word : words)
        if (auto added = reader.add_word(word, false, 0); !added)
            return added.error();
    return list;
}

Result<MatchList> MatchList::open(std::string_view list, const Options& options) { return open(split_braced(list), options); }
Result<MatchList> MatchList::open(std::string_view list) { return open(list, Options()); }
Result<MatchList> MatchList::open(const std::vector<std::string>& words) { return open(words, Options()); }

namespace {

Result<bool> is_in(Table& table, std::string_view key)
{
    auto found = table.find(key);
    if (!found)
        return failure(cat(table.name(), ": table lookup problem: ", found.error().text));
    return found->has_value();
}

// A domain, then its parents: with their dot, unless parents match without.
Result<bool> is_domain_in(Table& table, std::string_view domain, bool parents_match)
{
    auto key = domain;
    while (!key.empty()) {
        if (key.size() == domain.size() || !table.takes_whole_keys_only()) {
            auto there = is_in(table, key);
            if (!there || *there)
                return there;
        }
        auto dot = key.find('.', 1);
        if (dot == std::string_view::npos)
            break;
        key = key.substr(parents_match ? dot + 1 : dot);
    }
    return false;
}

bool is_domain_of(std::string_view domain, std::string_view pattern, bool parents_match)
{
    if (domain == pattern)
        return true;
    if (domain.size() <= pattern.size() || !domain.ends_with(pattern))
        return false;
    return pattern.starts_with('.') ? !parents_match : parents_match && domain[domain.size() - pattern.size() - 1] == '.';
}

}  // namespace

Result<bool> MatchList::has(const Subject& subject) const
{
    for (const auto& pattern : patterns_) {
        Result<bool> matches(false);
        if (pattern.table && subject.domain)
            matches = is_domain_in(*pattern.table, *subject.domain, options_.parents_match);
        else if (pattern.table && subject.word)
            matches = is_in(*pattern.table, *subject.word);
        else if (subject.domain)
            matches = is_domain_of(*subject.domain, pattern.name, options_.parents_match);
        else if (subject.word)
            matches = *subject.word == pattern.name;
        if (matches && !*matches && pattern.table && subject.ip_text)
            matches = is_in(*pattern.table, *subject.ip_text);
        else if (matches && !*matches && pattern.network && subject.address)
            matches = pattern.network->contains(*subject.address);
        if (!matches)
            return matches;
        if (*matches)
            return !pattern.is_negated;
    }
    if (!outdated_.empty())
        return failure(cat(outdated_, " has changed, but cannot be opened"));
    return false;
}

Result<bool> MatchList::has_domain(std::string_view domain) const
{
    Subject subject;
    subject.domain = fold(domain);
    return has(subject);
}

Result<bool> MatchList::has_client(std::string_view name, std::string_view ip_address) const
{
    Subject subject;
    subject.domain = fold(name);
    subject.ip_text = ip_address;
    subject.address = net::Address::parse(ip_address);
    return has(subject);
}

Result<bool> MatchList::has_address(std::string_view ip_address) const
{
    Subject subject;
    subject.ip_text = ip_address;
    subject.address = net::Address::parse(ip_address);
    return has(subject);
}

Result<bool> MatchList::has_word(std::string_view word) const
{
    Subject subject;
    subject.word = fold(word);
    return has(subject);
}

bool MatchList::empty() const { return patterns_.empty(); }

bool MatchList::is_stale() const
{
    return std::any_of(files_.begin(), files_.end(), [](const auto& file) { return file.has_changed(); }) ||
           std::any_of(patterns_.begin(), patterns_.end(),
                       [](const auto& pattern) { return pattern.table && pattern.table->is_stale(); });
}

void MatchList::renew()
{
    constexpr std::time_t pause_seconds = 10;
    auto now = std::time(nullptr);
    if (now < next_renewal_)
        return;
    auto failed = [&](std::string_view what, const Error& why) {
        log_warning(cat(what, " has changed, but cannot be opened: ", why.text));
        next_renewal_ = now + pause_seconds;
        outdated_ = what;
    };
    outdated_.clear();
    if (std::any_of(files_.begin(), files_.end(), [](const auto& file) { return file.has_changed(); })) {
        auto opened = open(words_, options_);
        if (!opened)
            return failed(join(words_, " "), opened.error());
        *this = *std::move(opened);
        return;
    }
    for (auto& pattern : patterns_) {
        if (!pattern.table || !pattern.table->is_stale())
            continue;
        auto opened = table::open(pattern.table->name(), strict(options_.table));
        if (opened)
            pattern.table = *std::move(opened);
        else
            failed(pattern.table->name(), opened.error());
    }
}

}  // namespace mta::table
