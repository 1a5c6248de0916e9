#include "master/trial.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "log/log.h"

namespace mta::master {

namespace {

constexpr std::size_t max_at_once = 4;

bool is_content(pid_t pid)
{
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool try_out(const Plan& plan)
{
    bool all_content = true;
    std::vector<pid_t> running;
    auto wait_for_first = [&] {
        all_content = is_content(running.front()) && all_content;
        running.erase(running.begin());
    };
    for (const auto& job : plan.jobs) {
        std::vector<std::string> words{job.program, "-k"};
        words.insert(words.end(), job.arguments.begin(), job.arguments.end());
        std::vector<char*> argv;
        for (auto& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        pid_t pid = -1;
        if (int error = ::posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ); error != 0) {
            errno = error;
            log::error(errno_error(cat("run ", job.program)).text);
            all_content = false;
            continue;
        }
        running.push_back(pid);
        if (running.size() == max_at_once)
            wait_for_first();
    }
    while (!running.empty())
        wait_for_first();
    return all_content;
}

}  // namespace mta::master
