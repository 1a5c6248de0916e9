#include "buuta/check.h"

#include <unistd.h>

#include "base/text.h"
#include "buuta/files.h"
#include "buuta/references.h"
#include "daemon/layout.h"

namespace mta::buuta {

namespace {

// Both give their own messages.
bool program_agrees(const Context& context, const std::vector<std::string>& words)
{
    int status = run_program(words);
    if (status == 127)
        context.fatal(cat("cannot run ", words.front()));
    return status == 0;
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

}  // namespace

bool is_startable(const Context& context)
{
    return program_agrees(context, {context.daemon("master"), "-n", "-c", context.config_directory()});
}

int check(const Context& context)
{
    bool is_fine = is_startable(context);
    std::vector<std::string> faults = layout_faults(context);
    auto add = [&](std::vector<std::string> more) { faults.insert(faults.end(), more.begin(), more.end()); };
    add(unsafe_files(context.config_directory(), context.common().daemon_directory));
    if (auto services = config::load_services(context.config_directory()))
        add(missing_transports(context.config(), *services));
    for (const auto& fault : faults)
        context.warning(fault);
    return is_fine && faults.empty() ? 0 : 1;
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
