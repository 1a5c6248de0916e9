#pragma once

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "base/text.h"
#include "imapd/session.h"
#include "log/log.h"

// Drives sessions of imapd with scripted lines over a socket pair, on a maildir of its own.
namespace mta::test {

class TemporaryDirectory {
public:
    TemporaryDirectory()
    {
        std::string name = "/tmp/imapd_t.XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// One client. The session runs in a child process, as a worker does.
class Client {
public:
    explicit Client(const std::string& maildir, const std::string& main_cf = "")
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ends[0]);
            serve(maildir, main_cf, Fd(ends[1]));
        }
        ::close(ends[1]);
        stream_.emplace(Fd(ends[0]));
    }
    Client(const Client&) = delete;
    ~Client()
    {
        stream_.reset();
        if (child_ > 0)
            ::waitpid(child_, nullptr, 0);
    }

    // Sends a command with a tag; gives all lines up to the tagged one, joined by "\n", the tag as "+".
    std::string operator()(const std::string& command)
    {
        auto tag = cat("t", ++count_);
        stream_->write(cat(tag, " ", command, "\r\n"));
        return answer(tag);
    }
    std::string answer(const std::string& tag)
    {
        std::string out;
        while (true) {
            auto line = stream_->line(std::chrono::seconds(10), 1 << 24);
            if (line.starts_with(tag + " "))
                return cat(out, "+", line.substr(tag.size()));
            out += line + "\n";
        }
    }
    // A command whose last part is a literal, which is sent after the server's go-ahead.
    std::string with_literal(const std::string& command, const std::string& bytes, const std::string& end = "")
    {
        auto tag = cat("t", ++count_);
        stream_->write(cat(tag, " ", command, " {", bytes.size(), "}\r\n"));
        auto line = stream_->line(std::chrono::seconds(10));
        if (!line.starts_with("+ "))
            return line.starts_with(tag + " ") ? cat("+", line.substr(tag.size())) : line;
        stream_->write(cat(bytes, end, "\r\n"));
        return answer(tag);
    }
    std::string append(const std::string& mailbox, const std::string& message, const std::string& options = "")
    {
        return with_literal(cat("APPEND ", mailbox, options.empty() ? "" : " ", options), message);
    }
    void send(const std::string& bytes)
    {
        stream_->write(bytes);
        stream_->flush(std::chrono::seconds(10));
    }
    std::string line(int seconds = 10) { return stream_->line(std::chrono::seconds(seconds), 1 << 24); }
    // The exit status of the session: its End, or 99 for an exception.
    int wait()
    {
        int status = 0;
        ::waitpid(std::exchange(child_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    // As kill -9 does, at whatever the session is doing.
    void kill()
    {
        ::kill(child_, SIGKILL);
        wait();
    }
    net::Stream& stream() { return *stream_; }

private:
    [[noreturn]] static void serve(const std::string& maildir, const std::string& main_cf, Fd fd)
    {
        ::setenv("TZ", "UTC", 1);
        int status = 99;
        try {
            auto config = config::Config::parse(main_cf);
            auto mailbox = maildir::Mailbox::open(maildir);
            if (config && mailbox) {
                const imapd::Params params(*config);
                status = static_cast<int>(imapd::Session(params, net::Stream(std::move(fd)), std::move(*mailbox), nullptr, *net::Address::parse("192.0.2.143")).run());
            }
        } catch (const std::exception& error) {
            log::warning("session: ", error.what());
        }
        ::_exit(status);
    }

    pid_t child_ = -1;
    std::optional<net::Stream> stream_;
    int count_ = 0;
};

}  // namespace mta::test
