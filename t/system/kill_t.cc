#include <signal.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "base/encode.h"
#include "base/file.h"
#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/peer.h"
#include "t/lib/process.h"
#include "t/lib/suite.h"

// Daemons die at any moment, and no mail that was accepted is lost or doubled. BUUTA_STORM_SECONDS and BUUTA_STORM_SEED change how long
// and what.
namespace mta {

using namespace std::chrono_literals;

namespace {

constexpr int default_seconds = 60, clients = 6, users = 8, notified_user = 9;
constexpr int least_pause_ms = 20, most_pause_ms = 400;
constexpr auto drain_limit = 150s;

long from_environment(const char* name, long otherwise)
{
    const char* text = std::getenv(name);
    return text ? parse_number<long>(text).value_or(otherwise) : otherwise;
}

struct Mail {
    std::string id;
    std::vector<std::string> recipients;
    bool is_accepted = false;
    std::string queue_id;
};

// What all clients tried to send.
class Book {
public:
    void add(Mail mail)
    {
        std::lock_guard lock(mutex_);
        mails_.push_back(std::move(mail));
    }
    const std::vector<Mail>& mails() const { return mails_; }

private:
    std::mutex mutex_;
    std::vector<Mail> mails_;
};

// Sends one mail after the other until it is told to stop, on a new connection whenever the server goes. Like any client it cannot know
// what became of a mail whose last reply did not come.
class Client {
public:
    Client(const test::Suite& suite, Book& book, int number, unsigned seed, const std::string& storm)
        : port_(suite.port(number % 2 ? "SMTP" : "SUBMISSION")), must_log_in_(number % 2 == 0), login_(base64_encode(cat('\0', suite.user(9), '\0', "pass9"))),
          name_(cat("storm-", storm, "-", number, "-")), random_(seed), book_(book)
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
        Mail mail = next_mail();
        if (!is(server.command("MAIL FROM:<user9@example.test>"), 250))
            return false;
        for (const auto& recipient : mail.recipients)
            if (!is(server.command(cat("RCPT TO:<", recipient, ">")), 250))
                return false;
        if (!is(server.command("DATA"), 354))
            return false;
        return end(server, mail);
    }

    bool end(test::Connection& server, Mail& mail)
    {
        std::string reply;
        try {
            server.write(test::message(mail.id, test::large_body(random_() % 8 ? random_() % 5000 : random_() % 200000)));
            reply = server.command(".");
        } catch (const std::exception&) {
            book_.add(std::move(mail));
            throw;
        }
        mail.is_accepted = is(reply, 250);
        mail.queue_id = reply.substr(reply.find_last_of(' ') + 1, reply.find_last_not_of('\n') - reply.find_last_of(' '));
        book_.add(mail);
        return mail.is_accepted;
    }

    Mail next_mail()
    {
        Mail mail{cat(name_, ++number_, "."), {}, false, {}};
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
    Book& book_;
    unsigned number_ = 0;
};

// Kills one process after the other. Parents and workers of each program have the same chance, however many there are.
class Killer {
public:
    Killer(pid_t master, unsigned seed) : master_(master), random_(seed) {}

    void run(std::chrono::seconds duration)
    {
        for (auto end = test::Clock::now() + duration; test::Clock::now() < end;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(least_pause_ms + random_() % (most_pause_ms - least_pause_ms)));  // the pace
            kill_one();
        }
    }
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
        if (::kill(pids[random_() % pids.size()], SIGKILL) == 0)
            ++kills_[name];
    }

    pid_t master_;
    std::minstd_rand random_;
    std::map<std::string, int> kills_;
};

using Count = std::map<std::string, int>;  // by the mail's ID

void count_in(const std::string& file, Count& count)
{
    auto content = read_file(file);
    if (!content)
        return;
    constexpr std::string_view field = "\nSubject: ";
    auto found = content->find(cat(field, "storm-"));
    if (found == std::string::npos)
        return;
    found += field.size();
    ++count[content->substr(found, content->find('.', found) + 1 - found)];
}

Count in_directories(std::initializer_list<std::string> directories)
{
    Count count;
    for (const auto& directory : directories)
        for (const auto& entry : std::filesystem::directory_iterator(directory))
            count_in(entry.path().string(), count);
    return count;
}

// Where the mail was found after the storm.
struct World {
    std::map<std::string, Count> places;  // by recipient; for the one that fails, what its sender was told
    std::set<std::string> queued;         // queue IDs

    explicit World(const test::Suite& suite, const test::Sink& sink)
    {
        for (int i = 1; i <= users; ++i)
            places[suite.user(i)] = in_directories({suite.maildir(i) + "/new", suite.maildir(i) + "/cur"});
        places["x@relay.test"] = in_directories({sink.directory()});
        places["x@fail.test"] = in_directories({suite.maildir(notified_user) + "/new", suite.maildir(notified_user) + "/cur"});
        for (auto state : {"incoming", "active", "deferred", "hold", "corrupt"})
            for (const auto& entry : std::filesystem::recursive_directory_iterator(cat(suite.queue_directory(), "/", state)))
                if (entry.is_regular_file())
                    queued.insert(entry.path().filename().string());
    }
};

struct Summary {
    int attempted = 0, accepted = 0, found = 0, in_queue = 0, lost = 0, doubled = 0, relayed_twice = 0, told_twice = 0;
};

// Delivery here is exactly once; to other hosts, and of notifications, at least once (RFC 5321 section 4.5.4.1).
void judge(const Mail& mail, const std::string& recipient, World& world, Summary& summary)
{
    auto copies = world.places[recipient][mail.id];
    bool is_here = recipient.ends_with("@example.test");
    summary.found += copies > 0;
    if (copies == 0 && mail.is_accepted)
        ++(world.queued.count(mail.queue_id) ? summary.in_queue : summary.lost);
    if (copies > 1)
        ++(is_here ? summary.doubled : recipient == "x@relay.test" ? summary.relayed_twice : summary.told_twice);
    if ((copies == 0 && mail.is_accepted && !world.queued.count(mail.queue_id)) || (copies > 1 && is_here))
        std::cout << mail.id << " queued as " << mail.queue_id << " to " << recipient << ": " << copies << " copies\n";
}

Summary judge_all(const std::vector<Mail>& mails, World& world)
{
    Summary summary;
    for (const auto& mail : mails) {
        ++summary.attempted;
        summary.accepted += mail.is_accepted;
        for (const auto& recipient : mail.recipients)
            judge(mail, recipient, world, summary);
    }
    return summary;
}

void print(const Summary& summary, const Killer& killer, unsigned seed, std::chrono::seconds duration)
{
    int kills = 0;
    std::string by_program;
    for (const auto& [name, count] : killer.kills()) {
        kills += count;
        by_program += cat(", ", name, " ", count);
    }
    std::cout << "storm of " << duration.count() << " s with seed " << seed << ": " << kills << " kills" << by_program << "\n"
              << summary.attempted << " mails sent, " << summary.accepted << " accepted; recipients: " << summary.found << " found, " << summary.in_queue
              << " in the queue, " << summary.lost << " lost, " << summary.doubled << " doubled; relayed twice: " << summary.relayed_twice
              << ", sender told twice: " << summary.told_twice << std::endl;
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
    auto port = test::free_port();
    test::Sink sink(port);
    test::Suite suite({{"transport_maps", cat("inline:{ {relay.test=smtp:[127.0.0.1]:", port, "} {fail.test=error:5.7.1 not wanted} }")},
                       {"mynetworks", "127.0.0.0/8"}, {"minimal_backoff_time", "1s"}, {"maximal_backoff_time", "2s"}, {"transport_retry_time", "1s"},
                       {"service_throttle_time", "1s"}, {"smtpd_reject_unlisted_recipient", "no"}});  // else it hears of fail.test at RCPT
    auto master = suite.master();
    Book book;
    Killer killer(master, seed);
    std::atomic<bool> is_over = false;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < clients; ++i)
            threads.emplace_back([&, i] { Client(suite, book, i, seed + static_cast<unsigned>(i), test::unique()).run(is_over); });
        killer.run(duration);
        is_over = true;
    }
    bool is_empty = is_drained(suite);
    World world(suite, sink);
    auto summary = judge_all(book.mails(), world);
    print(summary, killer, seed, duration);
    INFO(suite.tool("postqueue -p").output);
    CHECK(is_empty);
    CHECK(suite.master() == master);
    CHECK(summary.accepted > duration.count());
    CHECK(summary.lost == 0);
    CHECK(summary.doubled == 0);
    CHECK(suite.log_lines("to=<user.*status=bounced").empty());
    CHECK(std::filesystem::is_empty(suite.queue_directory() + "/corrupt"));
}

}  // namespace mta
