#pragma once

#include <string>
#include <vector>

#include "config/config.h"

// What main.cf refers to outside of itself. Pure functions of the configuration.
namespace mta::buuta {

// Transports that main.cf names ("default_transport = smtp:[host]") and master.cf does not offer: a sentence for each.
std::vector<std::string> missing_transports(const config::Config& config, const std::vector<config::Service>& services);

// One use of a lookup table.
struct TableUse {
    std::string table;  // "hash:/etc/aliases"
    std::string place;  // "main.cf, line 12: alias_maps"
};
// All "type:name" in main.cf whose type is one of these, and of whatever type where a parameter takes nothing but tables.
std::vector<TableUse> table_uses(const config::Config& config, const std::vector<std::string>& types);

}  // namespace mta::buuta
