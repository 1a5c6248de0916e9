#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace mta::test {

using Clock = std::chrono::steady_clock;
using Environment = std::map<std::string, std::string>;

// How a command ended, and all that it wrote to standard output and standard error.
struct Outcome {
    int status = -1;  // the exit status, 128 + the signal, or -1: it did not end in time and was killed
    std::string output;
};

// Runs a shell command with what it reads from standard input; kills its process group when the time is over.
Outcome run(const std::string& command, std::string_view input = "", const Environment& environment = {},
            std::chrono::milliseconds limit = std::chrono::seconds(30));

// A program in the background, killed with its process group when the object goes.
class Background {
public:
    explicit Background(const std::string& command, const Environment& environment = {}, std::string_view input = "");
    ~Background();
    Background(const Background&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number) const;
    // Waits for the end.
    Outcome wait(std::chrono::milliseconds limit = std::chrono::seconds(30));

private:
    pid_t pid_ = -1;
    Fd output_;
    bool has_ended_ = false;
};

// Asks until the answer is true or the time is over; between the questions it waits for a change in the directory.
bool wait_for(const std::string& directory, const std::function<bool()>& question, std::chrono::milliseconds limit = std::chrono::seconds(20));

// A name in /tmp that nobody has, made as a directory that all users may enter; removed with the object.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// A TCP port of 127.0.0.1 that nobody listens at.
int free_port();

bool is_root();

// The text in quotes that the shell leaves alone.
std::string shell_quoted(std::string_view text);

}  // namespace mta::test
