#include "buuta/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "buuta/files.h"
#include "buuta/references.h"
#include "buuta/tls_files.h"
#include "daemon/layout.h"
#include "daemon/params.h"
#include "service/keys.h"
#include "table/maps.h"
#include "table/table.h"

namespace mta::buuta {

namespace {

// Both give their own messages.
bool program_agrees(const Context& context, const std::vector<std::string>& words)
{
    int status = run_program(words);
    if (status == exit_no_exec)
        context.fatal(cat("cannot run ", words.front()));
    return status == 0;
}

// Each owner makes a mailbox, but only root the directory above those of all owners.
bool lacks_directory(const std::string& path)
{
    struct stat found{};
    return !path.empty() && ::stat(path.c_str(), &found) != 0 && errno == ENOENT;
}

// The files that a configuration names, by the code that will open them.
void check_named_files(const config::Config& config, const std::vector<std::string>& commands, std::vector<std::string>& faults)
{
    for (const auto& use : table_uses(config, table::types()))
        if (auto opened = table::open(use.table); !opened)
            faults.push_back(cat(use.place, ": ", opened.error().text));
    for (const auto& command : commands)
        if (auto usable = check_tls(config, command); !usable)
            faults.push_back(cat(command, ": ", usable.error().text));
    auto base = config.value("virtual_mailbox_base");
    if (base && lacks_directory(*base))
        faults.push_back(cat(config.find("virtual_mailbox_base")->place.text(), ": virtual_mailbox_base: there is no ", *base,
                             "; make it, for the owner of the mailboxes"));
}

std::vector<std::string> named_file_faults(const Context& context, const std::vector<config::Service>& services)
{
    std::vector<std::string> commands, found, faults;
    for (const auto& service : services)
        commands.push_back(service.command);
    check_named_files(context.config(), commands, found);
    for (const auto& service : services) {
        auto config = service.overrides.empty() ? Result<config::Config>(failure("")) : config::Config::load(context.config_directory(), service.overrides);
        if (config)
            check_named_files(*config, {service.command}, found);
    }
    for (auto& fault : found)
        if (std::find(faults.begin(), faults.end(), fault) == faults.end())
            faults.push_back(std::move(fault));
    return faults;
}

// Who serves TLS needs who signs.
std::vector<std::string> missing_keys(const Context& context, const std::vector<config::Service>& services)
{
    auto is_keys = [](const config::Service& service) { return service.type == "unix" && service.is_private && service.name == service::keys_service; };
    if (std::any_of(services.begin(), services.end(), is_keys))
        return {};
    for (const auto& service : services) {
        auto config = config::Config::load(context.config_directory(), service.overrides);
        if (service.type == "inet" && config && serves_tls(*config, service.command))
            return {cat(service.place.text(), ": service ", service.name, ": TLS needs a service \"keys\", which master.cf lacks; add the line: ",
                        service::keys_service, " unix - - n - 1 keys ", service::tls_key_set)};
    }
    return {};
}

std::vector<std::string> layout_faults(const Context& context)
{
    auto owner = daemon::Owner::find(context.common().mail_owner);
    if (!owner)
        return {owner.error().text};
    auto layout = daemon::directories(context.common().queue_directory, context.common().data_directory);
    if (auto made = daemon::make_layout(layout, *owner); !made)  // as postfix check does
        return {made.error().text};
    return daemon::check_layout(layout, *owner);
}

// Whether every value of both files can be read by the program that it is for.
bool has_readable_values(const Context& context)
{
    return program_agrees(context, {context.command("postconf"), "--check", "-c", context.config_directory()});
}

// Whether master and all daemons can work with it.
bool is_usable(const Context& context) { return program_agrees(context, {context.daemon("master"), "-n", "-c", context.config_directory()}); }

// Nothing is delivered as root, so somebody else has to read that mail. A table that cannot tell is a fault of its own.
bool lacks_root_alias(const config::Config& config)
{
    auto list = config.find("alias_maps") ? config.value("alias_maps") : Result<std::string>(failure(""));
    auto aliases = list ? table::Maps::open(std::string_view(*list)) : Result<table::Maps>(list.error());
    auto found = aliases ? aliases->find("root") : table::Found(aliases.error());
    return found && !*found;
}

void warn_of(const Context& context, const std::vector<std::string>& faults)
{
    for (const auto& fault : faults)
        context.warning(fault);
}

}  // namespace

// What is wrong with a file that the configuration names is said first, since it tells the place.
bool is_startable(const Context& context)
{
    if (!has_readable_values(context))
        return false;
    if (auto services = config::load_services(context.config_directory())) {
        warn_of(context, named_file_faults(context, *services));
        warn_of(context, missing_keys(context, *services));
    }
    return is_usable(context);
}

int check(const Context& context)
{
    bool is_readable = has_readable_values(context);
    std::vector<std::string> faults = layout_faults(context);
    auto add = [&](std::vector<std::string> more) { faults.insert(faults.end(), more.begin(), more.end()); };
    add(unsafe_files(context.config_directory(), context.common().daemon_directory));
    auto services = config::load_services(context.config_directory());
    if (services && is_readable) {
        add(missing_transports(context.config(), *services));
        add(named_file_faults(context, *services));
        add(missing_keys(context, *services));
    }
    if (const daemon::Params params(context.config()); !params.sandbox)
        context.warning("sandbox = no: a daemon that is broken into can do what its user can do");
    if (::geteuid() == 0 && lacks_root_alias(context.config()))
        context.warning("alias_maps: there is no alias for root, and nothing is delivered as root: mail for root would wait until it expires");
    warn_of(context, faults);
    return is_readable && is_usable(context) && faults.empty() ? 0 : 1;
}

int set_permissions(const Context& context)
{
    auto owner = daemon::Owner::find(context.common().mail_owner);
    if (!owner)
        return context.fatal(owner.error().text);
    auto layout = daemon::directories(context.common().queue_directory, context.common().data_directory);
    if (auto repaired = daemon::repair_layout(layout, *owner); !repaired)
        return context.fatal(repaired.error().text);
    if (auto repaired = repair_files(context.config_directory(), context.common().daemon_directory); !repaired)
        return context.fatal(repaired.error().text);
    return 0;
}

}  // namespace mta::buuta
