#include "buuta/references.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace mta::buuta {

namespace {

constexpr std::array<std::string_view, 8> transport_parameters{"default_transport",       "local_transport",  "relay_transport",   "virtual_transport",
                                                               "mailbox_transport", "fallback_transport", "error_service_name", "retry_service_name"};

std::string place_of(const config::Setting& setting)
{
    auto place = setting.place.text();
    return place.empty() ? setting.name : cat(place, ": ", setting.name);
}

bool is_type_name(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
}

// Parameters whose values are tables, whatever type they name.
bool names_tables(std::string_view parameter)
{
    return parameter.ends_with("_maps") || parameter == "alias_database" || parameter == "auth_users";
}

}  // namespace

std::vector<std::string> missing_transports(const config::Config& config, const std::vector<config::Service>& services)
{
    std::vector<std::string> known, faults;
    for (const auto& service : services)
        if (service.type == "unix")
            known.push_back(service.name);
    for (auto name : transport_parameters) {
        const auto* setting = config.find(name);
        if (!setting)
            continue;
        auto value = config.value(name);
        if (!value || value->empty())
            continue;
        auto transport = value->substr(0, value->find(':'));
        if (transport.empty() || std::find(known.begin(), known.end(), transport) != known.end())
            continue;
        auto guess = config::nearest(transport, known);
        faults.push_back(cat(place_of(*setting), ": master.cf has no unix service \"", transport, "\"",
                             guess ? cat("; did you mean \"", *guess, "\"?") : ""));
    }
    return faults;
}

std::vector<TableUse> table_uses(const config::Config& config, const std::vector<std::string>& types)
{
    std::vector<TableUse> uses;
    for (const auto& setting : config.settings()) {
        auto value = config.value(setting.name);
        auto words = config::split_list(value ? *value : std::string());
        if (!words || config.find(setting.name) != &setting)
            continue;  // a later line for the same name counts
        for (const auto& word : *words) {
            auto type = word.substr(0, word.find(':'));
            bool has_type = type.size() < word.size() && is_type_name(type);
            bool is_known = std::find(types.begin(), types.end(), type) != types.end();
            if (!has_type || !(is_known || names_tables(setting.name)))
                continue;
            uses.push_back({word, place_of(setting)});
        }
    }
    return uses;
}

}  // namespace mta::buuta
