#include "conf/postconf/catalog.h"

#include <algorithm>
#include <array>
#include <set>
#include <type_traits>

#include "base/text.h"
#include "config/common.h"
#include "params.inc"  // made by the Makefile: includes all params.h and lists their structs in PARAMETER_GROUPS

namespace mta::postconf {

namespace {

// A group that needs more than a Config to be made is a part of another one.
template <class Group>
void add_section(std::vector<Section>& list, const char* program)
{
    if constexpr (std::is_constructible_v<Group, const config::Config&>)
        list.push_back({program, [](const config::Config& config) { static_cast<void>(Group(config)); }});
}

struct Suffix {
    std::string_view name, default_value, doc;
};

// Each is there only if qmgr declares the parameter that its default refers to.
constexpr std::array suffixes{
    Suffix{"_destination_concurrency_limit", "$default_destination_concurrency_limit", "The most simultaneous deliveries to one destination over this transport."},
    Suffix{"_destination_recipient_limit", "$default_destination_recipient_limit", "The most recipients in one delivery over this transport."},
    Suffix{"_destination_rate_delay", "$default_destination_rate_delay", "The pause between two deliveries to one destination over this transport."},
    Suffix{"_destination_concurrency_failed_cohort_limit", "$default_destination_concurrency_failed_cohort_limit", "How many rounds of failures suspend a destination of this transport."},
    Suffix{"_destination_concurrency_negative_feedback", "$default_destination_concurrency_negative_feedback", "How much a failure lowers the concurrency of a destination of this transport."},
    Suffix{"_destination_concurrency_positive_feedback", "$default_destination_concurrency_positive_feedback", "How much a success raises the concurrency of a destination of this transport."},
    Suffix{"_initial_destination_concurrency", "$initial_destination_concurrency", "The simultaneous deliveries that a new destination of this transport begins with."},
    Suffix{"_transport_rate_delay", "$default_transport_rate_delay", "The pause between two deliveries over this transport."},
    Suffix{"_recipient_limit", "$default_recipient_limit", "The most recipients that are in memory for this transport."},
    Suffix{"_extra_recipient_limit", "$default_extra_recipient_limit", "The recipients that are in memory for this transport beyond the limit."},
    Suffix{"_delivery_slot_cost", "$default_delivery_slot_cost", "How often a message may be overtaken by smaller ones of this transport."},
    Suffix{"_delivery_slot_discount", "$default_delivery_slot_discount", "How early a message may be overtaken by smaller ones of this transport."},
    Suffix{"_delivery_slot_loan", "$default_delivery_slot_loan", "How early a message may be overtaken by smaller ones of this transport."},
    Suffix{"_minimum_delivery_slots", "$default_minimum_delivery_slots", "The size of a message that may be overtaken in this transport."},
    Suffix{"_recipient_refill_limit", "$default_recipient_refill_limit", "How many recipients are read at once for this transport."},
    Suffix{"_recipient_refill_delay", "$default_recipient_refill_delay", "The longest time between two reads of recipients for this transport."},
};
constexpr Suffix time_limit{"_time_limit", "$command_time_limit", "How long a command of this transport may run."};

void add_service_parameter(Catalog& catalog, const std::string& service, const Suffix& suffix)
{
    auto reference = catalog.find(suffix.default_value.substr(1));
    if (reference == catalog.end())
        return;
    auto name = cat(service, suffix.name);
    config::Declaration declaration{name, std::string(suffix.default_value), reference->second.declaration.type, std::string(suffix.doc)};
    catalog.try_emplace(name, Parameter{std::move(declaration), Kind::service, {}});
}

void note_references(std::set<std::string>& names, std::string_view text)
{
    if (auto found = config::references(text))
        names.insert(found->begin(), found->end());
}

}  // namespace

const std::vector<Section>& sections()
{
    static const std::vector<Section> list = [] {
        std::vector<Section> made;
#define ADD_SECTION(group, program) add_section<group>(made, program);
        PARAMETER_GROUPS(ADD_SECTION)
#undef ADD_SECTION
        return made;
    }();
    return list;
}

Catalog builtin_parameters()
{
    Catalog catalog;
    const config::Config shared;
    for (const auto& declaration : shared.declarations())
        catalog[declaration.name].declaration = declaration;
    for (const auto& section : sections()) {
        config::Config config;
        auto common = config.declarations().size();
        section.read(config.for_declarations());
        const auto& all = config.declarations();
        for (auto i = common; i < all.size(); ++i) {
            auto [found, is_new] = catalog.try_emplace(all[i].name, Parameter{all[i], Kind::builtin, {}});
            auto& programs = found->second.programs;
            if (!section.program.empty() && std::find(programs.begin(), programs.end(), section.program) == programs.end())
                programs.push_back(section.program);
        }
    }
    return catalog;
}

void add_service_parameters(Catalog& catalog, const std::vector<Entry>& entries)
{
    static const std::set<std::string, std::less<>> agents{"smtp", "lmtp", "local", "virtual", "pipe", "error", "discard", "lda"};
    for (const auto& entry : entries) {
        if (entry.fields[1] != "unix" || !agents.contains(entry.fields.back()))
            continue;
        for (const auto& suffix : suffixes)
            add_service_parameter(catalog, entry.fields[0], suffix);
        if (entry.fields.back() == "pipe")
            add_service_parameter(catalog, entry.fields[0], time_limit);
    }
}

void add_user_parameters(Catalog& catalog, const config::Config& config, const std::vector<Entry>& entries)
{
    std::set<std::string> names;
    for (const auto& setting : config.settings())
        note_references(names, setting.value);
    for (const auto& entry : entries)
        for (const auto& [name, value] : entry.overrides())
            note_references(names, value);
    if (const auto* classes = config.find("smtpd_restriction_classes"))
        if (auto list = config::split_list(classes->value))
            names.insert(list->begin(), list->end());
    for (const auto& name : names)
        if (config.find(name))
            catalog.try_emplace(name, Parameter{{name, "", "text", ""}, Kind::user, {}});
}

std::string suggestion(const Catalog& catalog, std::string_view name)
{
    std::vector<std::string> names;
    for (const auto& [known, parameter] : catalog)
        if (parameter.kind != Kind::user)
            names.push_back(known);
    auto guess = config::nearest(name, names);
    return guess ? cat("; did you mean ", *guess, "?") : std::string();
}

}  // namespace mta::postconf
