#include <signal.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <random>
#include <thread>

#include "base/encode.h"
#include "base/text.h"
#include "t/lib/ledger.h"
#include "t/lib/message.h"
#include "t/lib/peer.h"
#include "t/lib/process.h"
#include "t/lib/suite.h"

// Daemons die at any moment, and no mail that was accepted is lost or doubled. BUUTA_STORM_SECONDS and BUUTA_STORM_SEED change how long
// and what; with BUUTA_STORM_KILLS and BUUTA_STORM_MAILS it goes on until there were so many.
namespace mta {

using namespace std::chrono_literals;

namespace {

constexpr int default_seconds = 60, clients = 6, users = 8;
constexpr int least_pause_ms = 20, most_pause_ms = 400;
constexpr auto drain_limit = 150s;

long from_environment(const char* name, long otherwise)
{
    const char* text = std::getenv(name);
    return text ? parse_number<long>(text).value_or(otherwise) : otherwise;
}

struct Mail {
    std::string token, text;  // with CRLF, not yet dot-stuffed
    std::vector<std::string> recipients;
};

// RFC 5321 section 4.5.2.
std::string dot_stuffed(const std::string& text) { return replace_all(text, "\r\n.", "\r\n.."); }

// Sends one mail after the other until it is told to stop, on a new connection whenever the server goes. Like any client it cannot know
// what became of a mail whose last reply did not come.
class Client {
public:
    Client(const test::Suite& suite, const test::Ledger& ledger, std::atomic<long>& accepted, int number, unsigned seed, const std::string& storm)
        : port_(suite.port(number % 2 ? "SMTP" : "SUBMISSION")), must_log_in_(number % 2 == 0), login_(base64_encode(cat('\0', suite.user(9), '\0', "pass9"))),
          name_(cat("storm-", storm, "-", number, "-")), random_(seed), ledger_(ledger), accepted_(accepted)
    {
    }

    void run(const std::atomic<bool>& is_over)
    {
        while (!is_over) {
            try {
                session(is_over);
            } catch (const std::exception&) {
                // The connection was lost; the next one waits until somebody answers.
            }
        }
    }

private:
    void session(const std::atomic<bool>& is_over)
    {
        test::Connection server(port_);
        if (!is(server.reply(), 220) || !is(server.command("EHLO sender.example.test"), 250))
            return;
        if (must_log_in_ && !is(server.command("AUTH PLAIN " + login_), 235))
            return;
        for (auto left = random_() % 10 + 1; left > 0 && !is_over; --left)
            if (!transfer(server))
                return;
        server.command("QUIT");
    }

    bool transfer(test::Connection& server)
    {
        auto mail = next_mail();
        if (!is(server.command("MAIL FROM:<user9@example.test>"), 250))
            return false;
        for (const auto& recipient : mail.recipients)
            if (!is(server.command(cat("RCPT TO:<", recipient, ">")), 250))
                return false;
        if (!is(server.command("DATA"), 354))
            return false;
        ledger_.send(mail.token, "user9@example.test", mail.recipients, mail.text);
        server.write(dot_stuffed(mail.text));
        auto reply = server.command(".");
        bool is_accepted = is(reply, 250);
        auto last_word = reply.substr(reply.find_last_of(' ') + 1);
        ledger_.answer(mail.token, is_accepted, trim(last_word));
        accepted_ += is_accepted;
        return is_accepted;
    }

    Mail next_mail()
    {
        Mail mail;
        mail.token = cat(name_, ++number_);
        mail.text = cat("X-Token: ", mail.token, "\r\n", test::message(mail.token, test::large_body(random_() % 8 ? random_() % 5000 : random_() % 200000)));
        auto user = [&](unsigned offset) { return cat("user", (number_ + offset) % users + 1, "@example.test"); };
        switch (random_() % 6) {
        case 0: mail.recipients = {"x@relay.test"}; break;
        case 1: mail.recipients = {user(0), user(3), "x@relay.test"}; break;
        case 2: mail.recipients = {user(0), "x@fail.test"}; break;
        default: mail.recipients = {user(0)};
        }
        return mail;
    }

    static bool is(const std::string& reply, int code) { return reply.starts_with(std::to_string(code)); }

    int port_;
    bool must_log_in_;
    std::string login_, name_;
    std::minstd_rand random_;
    const test::Ledger& ledger_;
    std::atomic<long>& accepted_;
    unsigned number_ = 0;
};

// Kills one process after the other. Parents and workers of each program have the same chance, however many there are.
class Killer {
public:
    Killer(pid_t master, unsigned seed, const test::Ledger& ledger) : master_(master), random_(seed), ledger_(ledger) {}

    // At least so long and so often, and until it is enough for the others, too; but not for ever.
    void run(std::chrono::seconds duration, long kills, const std::function<bool()>& is_enough)
    {
        auto begin = test::Clock::now();
        auto must_go_on = [&] { return test::Clock::now() < begin + duration || ((count_ < kills || !is_enough()) && test::Clock::now() < begin + 10 * duration); };
        while (must_go_on()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(least_pause_ms + random_() % (most_pause_ms - least_pause_ms)));  // the pace
            kill_one();
        }
    }
    long count() const { return count_; }
    const std::map<std::string, int>& kills() const { return kills_; }

private:
    void kill_one()
    {
        std::map<std::string, std::vector<pid_t>> kinds;
        for (const auto& process : test::descendants(master_))
            if (process.state != 'Z')
                kinds[cat(process.program, process.parent == master_ ? "" : " worker")].push_back(process.pid);
        if (kinds.empty())
            return;
        auto& [name, pids] = *std::next(kinds.begin(), random_() % kinds.size());
        if (::kill(pids[random_() % pids.size()], SIGKILL) != 0)
            return;
        ledger_.fault("kill");
        ++kills_[name];
        ++count_;
    }

    pid_t master_;
    std::minstd_rand random_;
    const test::Ledger& ledger_;
    std::map<std::string, int> kills_;
    long count_ = 0;
};

void print(const Killer& killer, long accepted, unsigned seed, const std::string& verdict)
{
    std::string by_program;
    for (const auto& [name, count] : killer.kills())
        by_program += cat(", ", name, " ", count);
    std::cout << "storm with seed " << seed << ": " << killer.count() << " kills" << by_program << "\n"
              << accepted << " mails accepted; t/mailcheck: " << verdict << std::flush;
}

bool is_drained(const test::Suite& suite)
{
    auto next_flush = test::Clock::now();
    return test::wait_for(suite.queue_directory() + "/active", [&] {
        if (test::Clock::now() < next_flush)
            return false;
        next_flush = test::Clock::now() + 1s;
        suite.tool("postqueue -f");  // also looks for mail whose cleanup process was killed before it could tell
        return suite.tool("postqueue -p").output.ends_with("Mail queue is empty\n");
    }, drain_limit);
}

}  // namespace

TEST_CASE("while daemons are killed at random no accepted mail is lost or doubled", "[system][kill]")
{
    auto seed = static_cast<unsigned>(from_environment("BUUTA_STORM_SEED", static_cast<long>(std::random_device()() % 1000000)));
    std::chrono::seconds duration(from_environment("BUUTA_STORM_SECONDS", default_seconds));
    auto mails = from_environment("BUUTA_STORM_MAILS", duration.count()), kills = from_environment("BUUTA_STORM_KILLS", 0);
    auto port = test::free_port();
    test::Sink sink(port);
    test::Suite suite({{"transport_maps", cat("inline:{ {relay.test=smtp:[127.0.0.1]:", port, "} {fail.test=error:5.7.1 not wanted} }")},
                       {"mynetworks", "127.0.0.0/8"}, {"minimal_backoff_time", "1s"}, {"maximal_backoff_time", "2s"}, {"transport_retry_time", "1s"},
                       {"service_throttle_time", "1s"}, {"smtpd_reject_unlisted_recipient", "no"}});  // else it hears of fail.test at RCPT
    auto master = suite.master();
    test::Ledger ledger(suite.directory() + "/ledger");
    ledger.remote("x@relay.test");
    ledger.bad("x@fail.test");
    Killer killer(master, seed, ledger);
    std::atomic<bool> is_over = false;
    std::atomic<long> accepted = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < clients; ++i)
            threads.emplace_back([&, i] { Client(suite, ledger, accepted, i, seed + static_cast<unsigned>(i), test::unique()).run(is_over); });
        killer.run(duration, kills, [&] { return accepted >= mails; });
        is_over = true;
    }
    bool is_empty = is_drained(suite);
    auto verdict = ledger.check(suite, {sink.directory()});
    print(killer, accepted, seed, verdict.output);
    INFO(suite.tool("postqueue -p").output);
    CHECK(is_empty);
    CHECK(suite.master() == master);
    CHECK(accepted >= mails);
    CHECK(killer.count() >= kills);
    CHECK(verdict.status == 0);
    CHECK(suite.log_lines("to=<user.*status=bounced").empty());
    CHECK(std::filesystem::is_empty(suite.queue_directory() + "/corrupt"));
}

}  // namespace mta
