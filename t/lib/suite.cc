#define CATCH_CONFIG_EXTERNAL_INTERFACES  // for the listener
#include "t/lib/suite.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <regex>
#include <set>
#include <stdexcept>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/process.h"

namespace mta::test {

using namespace std::chrono_literals;

namespace {

// All instances that run, for the listener.
std::set<Suite*>& running()
{
    static std::set<Suite*> suites;
    return suites;
}

// As much as somebody can read.
std::string_view end_of(std::string_view log)
{
    constexpr std::size_t most = 300000;
    return log.size() > most ? log.substr(log.find('\n', log.size() - most) + 1) : log;
}

// Shows the logs at the first failure of a test.
struct LogOfFailures : Catch::TestEventListenerBase {
    using TestEventListenerBase::TestEventListenerBase;
    void testCaseStarting(const Catch::TestCaseInfo&) override
    {
        has_shown_ = false;
        for (auto* suite : running())
            suite->mark();
    }
    bool assertionEnded(const Catch::AssertionStats& stats) override
    {
        if (stats.assertionResult.isOk() || std::exchange(has_shown_, true))
            return true;
        for (auto* suite : running())
            if (auto log = suite->log(); !log.empty())
                std::cout << "the log of " << suite->directory() << ":\n" << end_of(log) << std::endl;
        return true;
    }

private:
    bool has_shown_ = false;
};
CATCH_REGISTER_LISTENER(LogOfFailures)

std::vector<std::string> lines_with(const std::string& log, const std::string& regex)
{
    std::vector<std::string> found;
    std::regex wanted(regex);
    for (auto line : split(log, '\n'))
        if (std::regex_search(line.begin(), line.end(), wanted))
            found.emplace_back(line);
    return found;
}

// "Queue as ID" of the reply after the final dot.
std::string queue_id_of(const std::string& reply)
{
    std::smatch match;
    if (!std::regex_search(reply, match, std::regex("^250 2\\.0\\.0 .*queued as ([0-9A-Za-z]+)")))
        FAIL("the mail was not taken: " << reply);
    return match[1];
}

std::string transfer(Connection& client, const std::string& message, const std::vector<std::string>& recipients, const std::string& reverse_path)
{
    client.talk({{cat("MAIL FROM:<", reverse_path, ">"), "250"}});
    for (const auto& recipient : recipients)
        client.talk({{cat("RCPT TO:<", recipient, ">"), "250"}});
    client.talk({{"DATA", "354"}});
    auto stuffed = replace_all(message, "\r\n.", "\r\n..");
    client.write(stuffed.starts_with(".") ? "." + stuffed : stuffed);
    auto id = queue_id_of(client.command("."));
    client.talk({{"QUIT", "221"}});
    return id;
}

}  // namespace

Suite::Suite(const Settings& settings, const std::string& master_cf, const std::string& domain) : domain_(domain)
{
    Environment variables{{"DNS_PORT", std::to_string(common_dns().port())}, {"DOMAIN", domain_}, {"MASTER_CF", master_cf}};
    auto command = cat("exec t/instance start ", directory());
    for (const auto& [name, value] : settings)
        command += " " + shell_quoted(cat(name, "=", value));
    auto done = test::run(command, "", variables);
    auto content = read_file(directory() + "/env");
    if (content)
        for (auto word : split_words(*content))
            environment_[std::string(word.substr(0, word.find('=')))] = word.substr(word.find('=') + 1);
    if (done.status != 0) {
        auto why = cat("the instance did not start: ", done.output, content ? log() : std::string());
        stop();
        throw std::runtime_error(why);
    }
    environment_["DIR"] = directory();
    running().insert(this);
}

Suite::~Suite()
{
    running().erase(this);
    stop();
}

std::string Suite::get(const std::string& name) const { return environment_.at(name); }

int Suite::port(const std::string& service) const { return *parse_number<int>(get(service + "_PORT")); }

pid_t Suite::master() const
{
    auto text = read_file(queue_directory() + "/pid/master.pid");
    return text ? parse_number<pid_t>(trim(*text)).value_or(-1) : -1;
}

std::vector<pid_t> Suite::daemons(const std::string& program) const
{
    std::vector<pid_t> found;
    for (const auto& process : descendants(master()))
        if (program.empty() || process.program == program)
            found.push_back(process.pid);
    return found;
}

Outcome Suite::run(const std::string& command, std::string_view input, std::chrono::milliseconds limit) const
{
    return test::run(command, input, environment_, limit);
}

Outcome Suite::tool(const std::string& arguments, std::string_view input) const { return run(cat("exec ", get("BIN"), "/", arguments), input); }

Connection Suite::submission(int number) const
{
    Connection client(port("SUBMISSION"));
    auto login = run(cat("printf '\\0%s\\0%s' ", user(number), " pass", number, " | base64 -w0")).output;
    client.talk({{"", "220"}, {"EHLO client.sender.example.test", "250"}, {cat("AUTH PLAIN ", login), "235"}});
    return client;
}

std::string Suite::send(const std::string& message, const std::vector<std::string>& recipients, const std::string& reverse_path) const
{
    auto client = smtp();
    client.talk({{"", "220"}, {"EHLO sender.example.test", "250"}});
    return transfer(client, message, recipients, reverse_path);
}

std::string Suite::submit(const std::string& message, const std::vector<std::string>& recipients, const std::string& reverse_path) const
{
    auto client = submission();
    return transfer(client, message, recipients, reverse_path);
}

std::string Suite::log() const
{
    auto content = read_file(get("LOG_FILE"));
    return content && content->size() > mark_ ? content->substr(mark_) : "";
}

void Suite::mark()
{
    std::error_code error;
    auto size = std::filesystem::file_size(get("LOG_FILE"), error);
    mark_ = error ? 0 : size;
}

std::vector<std::string> Suite::log_lines(const std::string& regex) const { return lines_with(log(), regex); }

bool Suite::has_log_line(const std::string& regex) const { return !log_lines(regex).empty(); }

std::string Suite::log_line(const std::string& regex, std::chrono::milliseconds limit) const
{
    std::vector<std::string> found;
    wait_for(directory() + "/log", [&] { return !(found = log_lines(regex)).empty(); }, limit);
    if (found.empty())
        FAIL("no line in the log: " << regex);
    return found.front();
}

std::string Suite::maildir(int number) const { return cat(directory(), "/mail/", domain_, "/user", number); }

std::vector<std::string> Suite::messages(const std::string& maildir) const
{
    std::vector<std::string> found;
    for (const char* part : {"/new", "/cur"}) {
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator(maildir + part, none))
            if (auto content = read_file(entry.path().string()))
                found.push_back(std::move(*content));
    }
    return found;
}

std::string Suite::arrival(int number, const std::string& text, std::chrono::milliseconds limit) const
{
    std::string found;
    bool has_come = wait_for(directory() + "/log", [&] {
        for (auto& message : messages(maildir(number)))
            if (message.find(text) != std::string::npos)
                return found = std::move(message), true;
        return false;
    }, limit);
    if (!has_come)
        FAIL("no message for user" << number << " with: " << text);
    return found;
}

void Suite::write_file(const std::string& name, std::string_view content) const
{
    if (auto done = replace_file(cat(directory(), "/etc/", name), content, 0644); !done)
        throw std::runtime_error(done.error().text);
}

void Suite::reload() const
{
    auto before = log_lines("master\\[[0-9]+\\]: reload").size();
    REQUIRE(tool("buuta reload").status == 0);
    REQUIRE(wait_for(directory() + "/log", [&] { return log_lines("master\\[[0-9]+\\]: reload").size() > before; }));
}

void Suite::stop()
{
    if (test::run(cat("exec t/instance stop ", directory()), "", {}, 30s).status != 0)
        std::cout << directory() << ": the instance did not stop" << std::endl;
}

void Suite::start()
{
    auto done = tool("buuta start");
    INFO(done.output);
    REQUIRE(done.status == 0);
}

Suite& common_suite()
{
    static Suite suite(Settings{{"recipient_delimiter", "+"}, {"smtpd_relay_restrictions", "permit_sasl_authenticated, reject_unauth_destination"}});
    return suite;
}

}  // namespace mta::test
