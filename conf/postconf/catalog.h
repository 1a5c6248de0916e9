#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "conf/postconf/entry.h"

namespace mta::postconf {

enum class Kind { builtin, service, user };  // the classes of postconf -C

struct Parameter {
    config::Declaration declaration;
    Kind kind = Kind::builtin;
    std::vector<std::string> programs;  // that read it; empty: several
};

using Catalog = std::map<std::string, Parameter, std::less<>>;

// A `struct Params : config::Group` of the tree: what it declares, and a way to read it as its program would.
struct Section {
    std::string program;  // empty for a library
    std::function<void(const config::Config&)> read;
};
const std::vector<Section>& sections();

// All parameters that a program or library declares.
Catalog builtin_parameters();

// <service>_destination_concurrency_limit and the like for each delivery agent in master.cf.
void add_service_parameters(Catalog& catalog, const std::vector<Entry>& entries);

// What main.cf sets and something refers to as $name; with them come the names of restriction classes.
void add_user_parameters(Catalog& catalog, const config::Config& config, const std::vector<Entry>& entries);

// "; did you mean NAME?" or nothing.
std::string suggestion(const Catalog& catalog, std::string_view name);

}  // namespace mta::postconf
