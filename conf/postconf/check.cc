#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "base/fd.h"
#include "base/text.h"
#include "config/common.h"
#include "config/limit.h"
#include "log/log.h"
#include "conf/postconf/catalog.h"
#include "conf/postconf/master_cf.h"
#include "conf/postconf/options.h"

// postconf --check: every value is read by the code that will read it, so that nothing is learned only at start.
namespace mta::postconf {

namespace {

// Reads the section in a child of its own, because a bad value ends the process; what the child said.
std::string complaint(const Section& section, const config::Config& config)
{
    int ends[2];
    if (::pipe(ends) != 0)
        throw_errno("pipe");
    Fd reading(ends[0]), writing(ends[1]);
    auto child = ::fork();
    if (child < 0)
        throw_errno("fork");
    if (child == 0) {
        ::dup2(writing.get(), STDERR_FILENO);
        section.read(config);
        ::_exit(0);
    }
    writing.reset();
    std::string text;
    char chunk[4096];
    for (ssize_t count; (count = ::read(reading.get(), chunk, sizeof chunk)) > 0;)
        text.append(chunk, static_cast<std::size_t>(count));
    ::waitpid(child, nullptr, 0);
    return text;
}

// place: of the service that the overrides belong to, or empty.
void check_values(const config::Overrides& overrides, const std::string& place, const Options& options, std::set<std::string>& said)
{
    auto config = config::Config::load(options.directory, overrides);
    if (!config) {
        if (said.insert(config.error().text).second)
            log::error(config.error().text);
        return;
    }
    for (const auto& section : sections()) {
        auto text = complaint(section, *config);
        if (!place.empty())
            text = replace_all(text, ": -o ", cat(": ", place, ": -o "));
        if (!text.empty() && said.insert(text).second)
            static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
    }
}

// What is accepted because Postfix has it, but has no effect here.
void warn_of_what_is_fixed(const Options& options)
{
    auto config = config::Config::load(options.directory, options.overrides);
    const auto* setting = config ? config->find("enable_long_queue_ids") : nullptr;
    if (setting && !config::Common(*config).enable_long_queue_ids)
        log::warning(setting->place.text(), ": ", setting->name, " = ", setting->value, " has no effect: queue IDs are always long");
}

// Settings that switch a limit off, whose word for it is none.
void warn_of_missing_limits(const config::Overrides& overrides, const std::string& place, const Options& options, const Catalog& catalog,
                            std::set<std::string>& said)
{
    auto config = config::Config::load(options.directory, overrides);
    if (!config)
        return;
    for (const auto& setting : config->settings()) {
        auto known = catalog.find(setting.name);
        bool is_limit = known != catalog.end() && known->second.declaration.type.ends_with(" or none");
        auto value = is_limit ? config->value(setting.name, known->second.declaration.default_value) : std::string();
        if (!value || !iequals(trim(*value), "none"))
            continue;
        auto where = setting.place.text();
        auto text = cat(where.starts_with("-o") && !place.empty() ? place : where, ": ", setting.name, " = ", *value, ": there is no limit");
        if (said.insert(text).second)
            log::warning(text);
    }
}

}  // namespace

int check(const Options& options)
{
    std::set<std::string> said;
    check_values(options.overrides, "", options, said);
    auto services = config::load_services(options.directory);
    if (!services) {
        log::error(services.error().text);
        return 1;
    }
    for (const auto& service : *services) {
        auto overrides = service.overrides;
        overrides.insert(overrides.begin(), {"service_name", service.name});
        if (!service.overrides.empty())
            check_values(overrides, service.place.text(), options, said);
    }
    if (!said.empty())
        return 1;
    warn_about_names(options);
    warn_of_what_is_fixed(options);
    auto catalog = builtin_parameters();
    warn_of_missing_limits(options.overrides, "", options, catalog, said);
    for (const auto& service : *services)
        warn_of_missing_limits(service.overrides, service.place.text(), options, catalog, said);
    return 0;
}

}  // namespace mta::postconf
