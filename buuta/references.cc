#include "buuta/references.h"

#include <algorithm>
#include <array>

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

}  // namespace

std::vector<std::string> missing_transports(const config::Config& config, const std::vector<config::Service>& services)
{
    std::vector<std::string> known, faults;
    for (const auto& service : services)
        if (service.type == "unix")
            known.push_back(service.name);
    for (auto name : transport_parameters) {
        const auto* setting = config.find(name);
        auto value = setting ? config.value(name) : Result<std::string>(std::string());
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
            auto colon = word.find(':');
            if (colon == std::string::npos || std::find(types.begin(), types.end(), word.substr(0, colon)) == types.end())
                continue;
            uses.push_back({word, place_of(setting)});
        }
    }
    return uses;
}

}  // namespace mta::buuta
