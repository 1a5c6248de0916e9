#include "base/text.h"
#include "net/address.h"
#include "table/rules.h"

namespace mta::table {

namespace {

struct Cidr {
    net::Network network;
    // A pattern says nothing about addresses of the other family, even when it is negated.
    bool applies(const net::Address& address, bool is_negated) const
    {
        return address.family() == network.address.family() && network.contains(address) != is_negated;
    }
};

// cidr: networks in the order of the text; keys that are no addresses are not there.
class CidrTable : public Table {
public:
    CidrTable(Rules<Cidr> rules, std::optional<FileMark> mark) : rules_(std::move(rules)), mark_(std::move(mark)) {}

    Found find(std::string_view key) override
    {
        auto address = net::Address::parse(key);
        if (!address)
            return std::optional<std::string>{};
        auto rule = rules_.first([&](const Cidr& pattern, bool is_negated) -> Result<bool> {
            return pattern.applies(*address, is_negated);
        });
        if (!rule)
            return rule.error();
        return *rule ? std::optional((*rule)->result) : std::nullopt;
    }

    bool takes_whole_keys_only() const override { return true; }
    bool is_stale() const override { return mark_ && mark_->has_changed(); }
    std::optional<uid_t> owner() const override { return mark_ ? mark_->owner() : 0; }

private:
    Rules<Cidr> rules_;
    std::optional<FileMark> mark_;
};

// "1.2.3.0/24" and also "[1.2.3.0]/24" and "[1.2.3.0/24]" as "1.2.3.0/24".
Result<std::string> without_brackets(std::string_view text)
{
    if (text.front() != '[')
        return std::string(text);
    auto close = text.find(']');
    if (close == std::string_view::npos)
        return failure(cat("missing ']' character after \"", text, "\""));
    auto after = text.substr(close + 1);
    if (!after.empty() && after.front() != '/')
        return failure(cat("garbage after \"", text.substr(0, close + 1), "\""));
    return cat(text.substr(1, close - 1), after);
}

// The network, or what is wrong with it in the words of Postfix.
Result<net::Network> parse_network(std::string_view pattern)
{
    auto text = without_brackets(pattern);
    if (!text)
        return text.error();
    auto slash = text->find('/');
    auto address = net::Address::parse(std::string_view(*text).substr(0, slash));
    if (!address)
        return failure(cat("bad address pattern: \"", *text, "\""));
    net::Network network{*address, address->bits()};
    if (slash == std::string::npos)
        return network;
    auto bits = parse_number<unsigned>(std::string_view(*text).substr(slash + 1));
    if (!bits)
        return failure(cat("bad mask value in \"", *text, "\""));
    // ::ffff:192.0.2.0/120 is 192.0.2.0/24.
    unsigned mapped = !address->is_v6() && text->find(':') < slash ? 96 : 0;
    if (*bits < mapped || *bits - mapped > static_cast<unsigned>(address->bits()))
        return failure(cat("bad mask length in \"", *text, "\""));
    network.bits = static_cast<int>(*bits - mapped);
    if (auto prefix = address->prefix(network.bits); prefix != *address)
        return failure(cat("non-null host address bits in \"", *text, "\", perhaps you should use \"", prefix.text(), "/",
                           network.bits, "\" instead"));
    return network;
}

class CidrParser : public RuleParser<Cidr> {
public:
    using RuleParser::RuleParser;

private:
    bool parse_rule(std::string_view rest, bool is_condition, Rule<Cidr>& rule) override
    {
        auto end = is_condition ? rest.size() : std::min(rest.find_first_of(" \t\r\n"), rest.size());
        rule.result = trim(rest.substr(end));
        if (!is_condition && rule.result.empty())
            return skip("no lookup result");
        auto network = parse_network(rest.substr(0, end));
        if (!network)
            return skip(network.error().text);
        rule.pattern = {*network};
        return true;
    }
    std::string_view no_pattern() const override { return "no address pattern"; }
    std::string_view stray_end() const override { return "ENDIF without IF: skipping this rule"; }
    std::string_view text_after_end() const override { return "garbage after ENDIF: skipping this rule"; }
    bool ends_in_spite_of_text() const override { return false; }
};

}  // namespace

Opened open_cidr(const std::string& name, const Options&)
{
    auto source = read_rules(name, "cidr");
    if (!source)
        return source.error();
    CidrParser parser("cidr", name);
    auto rules = parser.parse(source->content);
    return std::unique_ptr<Table>(std::make_unique<CidrTable>(std::move(rules), source->mark));
}

}  // namespace mta::table
