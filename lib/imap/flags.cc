#include "imap/flags.h"

#include <algorithm>

#include "base/text.h"

namespace mta::imap {

bool add_flag(Flags& flags, std::string_view name)
{
    if (!name.starts_with('\\')) {
        bool is_known = std::any_of(flags.keywords.begin(), flags.keywords.end(),
                                    [&](const std::string& keyword) { return iequals(keyword, name); });
        if (!is_known)
            flags.keywords.emplace_back(name);
        return true;
    }
    for (const auto& system : system_flags)
        if (iequals(system.name, name)) {
            flags.system |= system.flag;
            return true;
        }
    return iequals(name, "\\Recent");
}

std::string flags_text(std::uint8_t system, bool is_recent, const std::vector<std::string_view>& keywords)
{
    std::string out;
    auto add = [&](std::string_view name) {
        if (!out.empty())
            out.push_back(' ');
        out.append(name);
    };
    for (const auto& known : system_flags)
        if (system & known.flag)
            add(known.name);
    if (is_recent)
        add("\\Recent");
    for (auto keyword : keywords)
        add(keyword);
    return out;
}

}  // namespace mta::imap
