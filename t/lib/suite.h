#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "t/lib/command.h"
#include "t/lib/connection.h"
#include "t/lib/dns.h"

namespace mta::test {

struct Setting {
    std::string name, value;
};
using Settings = std::vector<Setting>;

// A private instance of the whole suite, made by t/instance in a temporary directory: as root with the suite's users, else as the
// caller. When a test fails its log since the beginning of the test is printed. Virtual users 1 to 9 have mailboxes.
class Suite {
public:
    explicit Suite(const Settings& settings = {}, const std::string& master_cf = "", const std::string& domain = "example.test");
    ~Suite();
    Suite(const Suite&) = delete;

    const std::string& directory() const { return directory_.path(); }
    const Environment& environment() const { return environment_; }
    std::string get(const std::string& name) const;         // of DIR/env
    int port(const std::string& service) const;             // "SMTP", "SUBMISSION", "IMAP"...
    const std::string& domain() const { return domain_; }
    std::string user(int number) const { return get("USER" + std::to_string(number)); }
    std::string queue_directory() const { return get("QUEUE_DIRECTORY"); }
    pid_t master() const;
    std::vector<pid_t> daemons(const std::string& program = "") const;  // below master, all or those of one program

    // A client or command, with the settings of DIR/env as variables.
    Outcome run(const std::string& command, std::string_view input = "", std::chrono::milliseconds limit = std::chrono::seconds(30)) const;
    // One of our programs.
    Outcome tool(const std::string& arguments, std::string_view input = "") const;
    Connection smtp(std::string_view client = "127.0.0.1") const { return Connection(port("SMTP"), "127.0.0.1", client); }
    // A dialogue that is logged in at the submission port as the user.
    Connection submission(int number = 1) const;
    // A mail through the port for other hosts, from outside to the recipients; returns its queue ID.
    std::string send(const std::string& message, const std::vector<std::string>& recipients, const std::string& reverse_path = "sender@sender.example.test") const;
    // The same from user 1, logged in, to anywhere.
    std::string submit(const std::string& message, const std::vector<std::string>& recipients, const std::string& reverse_path = "user1@example.test") const;

    // Waits for a line of the log, since mark(), that has a match; returns the line, or fails the test.
    std::string log_line(const std::string& regex, std::chrono::milliseconds limit = std::chrono::seconds(20)) const;
    bool has_log_line(const std::string& regex) const;
    std::vector<std::string> log_lines(const std::string& regex) const;
    std::string log() const;  // since mark()
    void mark();              // at the beginning of each test, by itself

    // The messages in a maildir: the files' content.
    std::string maildir(int number) const;
    std::vector<std::string> messages(const std::string& maildir) const;
    // Waits for the message in the user's mailbox that contains the text; fails the test when it does not come.
    std::string arrival(int number, const std::string& text, std::chrono::milliseconds limit = std::chrono::seconds(20)) const;

    void write_file(const std::string& name, std::string_view content) const;  // relative to the configuration directory
    void reload() const;
    void stop();
    void start();  // again, after stop(), with the same configuration

private:
    TemporaryDirectory directory_;
    std::string domain_;
    Environment environment_;
    std::size_t mark_ = 0;
};

// The instance for tests that need no settings of their own; started by the first of them.
Suite& common_suite();

}  // namespace mta::test
