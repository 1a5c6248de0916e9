#include "t/lib/suspects.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/text.h"
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"
#include "t/lib/process.h"

namespace mta::test {

bool has_sandbox()
{
    constexpr int knows_signals = 6;
    const char* lacks = sandbox::is_sanitized                           ? "a build with sanitizers has no strict sandbox"
                        : sandbox::landlock_version() < knows_signals   ? "the kernel's Landlock is older than version 6"
                        : is_root() && !sandbox::can_leave_host()       ? "no namespaces can be made here"
                                                                        : nullptr;
    if (lacks)
        WARN("skipped: " << lacks);
    return !lacks;
}

std::string status_of(pid_t pid, const std::string& field)
{
    auto text = read_file(cat("/proc/", pid, "/status"));
    auto at = text ? text->find(cat("\n", field, ":")) : std::string::npos;
    if (at == std::string::npos)
        return "";
    auto value = std::string_view(*text).substr(at + field.size() + 2);
    return std::string(trim(value.substr(0, value.find('\n'))));
}

std::vector<Suspect> suspects(const Suite& suite)
{
    std::vector<Suspect> found{{suite.master(), "master"}};
    for (const auto& process : descendants(suite.master()))
        if (process.state != 'Z')
            found.push_back({process.pid, process.program});
    return found;
}

}  // namespace mta::test
