#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// replay [-s CORPORA] [TARGET...]: gives every input of t/fuzz/corpus/TARGET to its target, all targets if none is named. A target
// runs in a process of its own; an input that ends it is reported, and the others still get their turn. Exit status 1 then.

using Entry = int (*)(const std::uint8_t*, std::size_t);
#define TARGET(name) extern "C" int fuzz_##name(const std::uint8_t*, std::size_t);
#include "targets.inc"
#undef TARGET

namespace {

constexpr unsigned input_limit_seconds = 60;  // for a machine that is busy

struct Target {
    const char* name;
    Entry run;
};
#define TARGET(name) {#name, fuzz_##name},
constexpr Target targets[] = {
#include "targets.inc"
};
#undef TARGET

std::vector<std::string> inputs_of(const std::string& directory)
{
    std::vector<std::string> files;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory, none))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

// From the input with this number on; the number in hand is where the parent can see it.
[[noreturn]] void replay(const Target& target, const std::vector<std::string>& files, std::size_t first, volatile std::size_t* at)
{
    for (std::size_t i = first; i < files.size(); ++i) {
        *at = i;
        ::alarm(input_limit_seconds);
        std::ifstream file(files[i], std::ios::binary);
        const std::string input{std::istreambuf_iterator<char>(file), {}};
        target.run(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    }
    ::alarm(0);
    *at = files.size();
    std::exit(0);
}

// How many of the inputs failed.
std::size_t run(const Target& target, const std::vector<std::string>& files)
{
    void* shared = ::mmap(nullptr, sizeof(std::size_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    auto* at = static_cast<volatile std::size_t*>(shared);
    std::size_t failed = 0;
    for (std::size_t first = 0; first < files.size(); first = *at + 1) {
        *at = first;
        std::fflush(nullptr);
        auto pid = ::fork();
        if (pid == 0)
            replay(target, files, first, at);
        int status = 0;
        ::waitpid(pid, &status, 0);
        if (pid > 0 && status == 0)
            break;
        ++failed;
        const char* name = *at < files.size() ? files[*at].c_str() : "the end, after all inputs";
        std::printf("%s: FAILED (%s %d): %s\n", target.name, WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), name);
    }
    ::munmap(shared, sizeof(std::size_t));
    return failed;
}

}  // namespace

int main(int argc, char** argv)
{
    std::string corpora = "t/fuzz/corpus";
    int next = 1;
    if (argc > 2 && std::strcmp(argv[1], "-s") == 0) {
        corpora = argv[2];
        next = 3;
    }
    std::size_t inputs = 0, failed = 0, count = 0;
    for (const auto& target : targets) {
        bool is_wanted = next == argc || std::any_of(argv + next, argv + argc, [&](const char* name) { return std::strcmp(name, target.name) == 0; });
        if (!is_wanted)
            continue;
        auto files = inputs_of(corpora + "/" + target.name);
        if (files.empty()) {
            std::printf("%s: FAILED: there are no inputs in %s\n", target.name, corpora.c_str());
            ++failed;
        }
        failed += run(target, files);
        inputs += files.size();
        ++count;
    }
    std::printf("%zu inputs of %zu targets replayed, %zu failed\n", inputs, count, failed);
    return failed == 0 && count > 0 ? 0 : 1;
}
