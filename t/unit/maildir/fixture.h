#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "maildir/delivery.h"
#include "maildir/mailbox.h"

namespace mta::maildir::test {

// An empty directory that goes away with the object; path() + "/box" is meant for a mailbox.
class Place {
public:
    Place()
    {
        // In memory if possible: the tests sync thousands of times.
        path_ = cat(::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", "/maildir-test.XXXXXX");
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
    }
    ~Place() { std::filesystem::remove_all(path_); }
    Place(const Place&) = delete;
    const std::string& path() const { return path_; }
    std::string box() const { return path_ + "/box"; }

private:
    std::string path_;
};

inline std::vector<std::string> files_in(const std::string& directory)
{
    std::vector<std::string> names;
    if (exists(directory))
        for (const auto& entry : std::filesystem::directory_iterator(directory))
            names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

inline void write_file(const std::string& path, const std::string& content)
{
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    REQUIRE(fd);
    REQUIRE(write_all(fd.get(), content));
}

inline std::string content_of(const std::string& path)
{
    auto text = read_file(path);
    return text ? *text : "cannot read: " + text.error().text;
}

// A delivery of the text under a queue ID.
class Letter {
public:
    Letter(const std::string& queue_id, const std::string& text, const std::string& recipient = "user@example.com")
    {
        char name[] = "/tmp/maildir-letter.XXXXXX";
        fd_.reset(::mkstemp(name));
        ::unlink(name);
        REQUIRE(write_all(fd_.get(), "some header" + text + "something behind"));
        delivery.queue_id = queue_id;
        delivery.recipient = recipient;
        delivery.header = "Delivered-To: " + recipient + "\n";
        delivery.content = fd_.get();
        delivery.offset = 11;
        delivery.size = text.size();
        delivery.host = "mx.example.com";
    }
    Delivery delivery;

private:
    Fd fd_;
};

inline std::unique_ptr<Mailbox> open_box(const std::string& path)
{
    auto box = Mailbox::open(path);
    REQUIRE(box);
    return std::move(*box);
}

inline std::unique_ptr<Folder> open_folder(Mailbox& box, const std::string& name = "INBOX", bool read_only = false)
{
    auto folder = box.open_folder(name, read_only);
    if (!folder)
        FAIL(folder.error().text);
    return std::move(*folder);
}

inline std::string text_of(Folder& folder, Uid uid)
{
    auto body = folder.open(uid);
    if (!body)
        return "cannot open: " + body.error().text;
    auto text = body->read_all();
    return text ? *text : "cannot read: " + text.error().text;
}

// Appends one message and gives its UID.
inline Uid append(Mailbox& box, const std::string& text, std::uint8_t flags = 0, const std::vector<std::string>& keywords = {},
                  std::optional<std::time_t> date = {}, const std::string& folder = "INBOX")
{
    auto upload = box.upload(folder);
    REQUIRE(upload);
    REQUIRE((*upload)->add(flags, keywords, date));
    REQUIRE((*upload)->write(text));
    auto done = (*upload)->commit();
    if (!done)
        FAIL(done.error().text);
    return done->uids.at(0).second;
}

inline std::vector<Uid> uids_of(const Folder& folder)
{
    std::vector<Uid> uids;
    for (const auto& message : folder.messages())
        uids.push_back(message.uid);
    return uids;
}

// Runs work in a child process and traces its system calls. The child is killed before call number stop (from 0); gives
// the numbers of the calls that it made.
inline std::vector<long> trace(const std::function<void()>& work, std::size_t stop = SIZE_MAX)
{
    const pid_t child = ::fork();
    if (child == 0) {
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        work();
        ::syscall(SYS_getppid);  // marks the end
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSTOPPED(status));
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    std::vector<long> calls;
    for (bool entering = true;; entering = !entering) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
        ::waitpid(child, &status, 0);
        REQUIRE(WIFSTOPPED(status));
        __ptrace_syscall_info info{};
        ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
        if (!entering)
            continue;
        const long number = static_cast<long>(info.entry.nr);
        if (number == SYS_getppid || calls.size() == stop)
            break;
        if (number != SYS_brk && number != SYS_mmap && number != SYS_munmap && number != SYS_mremap && number != SYS_madvise)
            calls.push_back(number);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    return calls;
}

// Calls check() after work() has been killed before its first, second... system call, and once after it has finished.
inline void kill_at_every_step(const std::function<void()>& prepare, const std::function<void()>& work,
                               const std::function<void(bool finished)>& check)
{
    for (std::size_t step = 0;; ++step) {
        prepare();
        const bool finished = trace(work, step).size() < step;
        INFO("killed before system call " << step);
        check(finished);
        if (finished)
            return;
    }
}

}  // namespace mta::maildir::test
