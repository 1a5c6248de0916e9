#include "t/lib/process.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/text.h"

namespace mta::test {

namespace {

// /proc/PID/stat: the name is in parentheses and may contain anything.
bool parse(const std::string& stat, Process& process)
{
    auto open = stat.find('('), close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos)
        return false;
    process.program = stat.substr(open + 1, close - open - 1);
    auto words = split_words(std::string_view(stat).substr(close + 1));
    if (words.size() < 2)
        return false;
    process.state = words[0].front();
    process.parent = parse_number<pid_t>(words[1]).value_or(-1);
    return true;
}

std::vector<Process> all_processes()
{
    std::vector<Process> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        auto pid = parse_number<pid_t>(entry.path().filename().string());
        auto stat = pid ? read_file(entry.path().string() + "/stat") : Result<std::string>(std::string());
        Process process;
        if (pid && stat && parse(*stat, process)) {
            process.pid = *pid;
            found.push_back(std::move(process));
        }
    }
    return found;
}

}  // namespace

std::vector<Process> descendants(pid_t ancestor)
{
    std::vector<Process> found;
    auto all = all_processes();
    std::set<pid_t> family{ancestor};
    for (bool has_grown = true; std::exchange(has_grown, false);)
        for (const auto& process : all)
            if (family.count(process.parent) && family.insert(process.pid).second) {
                found.push_back(process);
                has_grown = true;
            }
    return found;
}

int open_connections(int port)
{
    constexpr std::string_view established = "01", close_wait = "08";
    char wanted[16];
    std::snprintf(wanted, sizeof wanted, "7F:%04X", static_cast<unsigned>(port));
    int count = 0;
    auto table = read_file("/proc/net/tcp");
    for (auto line : split(table ? std::string_view(*table) : std::string_view(), '\n')) {
        auto words = split_words(line);  // number, local address, remote address, state
        bool is_ours = words.size() > 3 && words[1].ends_with(wanted);
        count += is_ours && (words[3] == established || words[3] == close_wait);
    }
    return count;
}

}  // namespace mta::test
