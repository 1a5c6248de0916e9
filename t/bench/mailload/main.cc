// mailload: SMTP clients, and a sink or maildirs that it watches, in one process on one clock. Prints one line of JSON.
//   smtp    messages over so many sessions at a time, one message each, until all of them have arrived
//   idle    connections that stay after EHLO; prints when they are there, and ends at the end of its input
//   dawdle  connections that send a byte now and then; times the greeting of good clients, one after another

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

#include "t/bench/mailload/client.h"

namespace mta::bench {

namespace {

double seconds_since(Clock::time_point then) { return milliseconds(Clock::now() - then) / 1000; }

// Whether the run has come to an end that is none: too late, or too many errors.
bool is_hopeless(const Run& run)
{
    return seconds_since(run.began) > static_cast<double>(run.options.timeout) || run.errors > run.options.messages / 10 + 20;
}

int give_up(const Run& run)
{
    std::printf("{\"failed\": \"%ld of %ld done, %ld arrived, %ld errors: %s\"}\n", run.done, run.options.messages, run.arrivals.count, run.errors,
                run.first_error.c_str());
    return 1;
}

void start_clients(Run& run)
{
    for (long i = 0; i < std::min(run.options.sessions, run.options.messages); ++i)
        run.start_client();
}

int send_messages(Run& run)
{
    start_clients(run);
    while (run.done < run.options.messages || run.arrivals.count < run.options.expect) {
        run.loop.run_once(100);
        if (is_hopeless(run))
            return give_up(run);
    }
    const double seconds = milliseconds(std::max(run.last_reply, run.arrivals.last) - run.began) / 1000;
    std::printf("{\"messages\": %ld, \"seconds\": %.4f, \"rate\": %.2f, \"errors\": %ld}\n", run.done, seconds, static_cast<double>(run.done) / seconds,
                run.errors);
    return 0;
}

int hold_connections(Run& run)
{
    start_clients(run);
    while (run.done < run.options.messages) {
        run.loop.run_once(100);
        if (is_hopeless(run))
            return give_up(run);
    }
    std::printf("{\"held\": %ld, \"seconds\": %.4f, \"errors\": %ld}\n", run.done, seconds_since(run.began), run.errors);
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
}

// Lets the time pass in which the server may do something.
void pass(Run& run, Clock::duration time)
{
    for (const auto begin = Clock::now(); Clock::now() - begin < time;)
        run.loop.run_once(10);
}

int dawdle(Run& run)
{
    using namespace std::chrono_literals;
    for (long i = 0; i < run.options.messages; ++i)
        run.loop.add(std::make_unique<Dawdler>(run));
    pass(run, 2s);
    const auto held = run.dawdlers.size();
    for (long i = 0; i < run.options.good && seconds_since(run.began) < static_cast<double>(run.options.timeout); ++i) {
        for (Dawdler* dawdler : run.dawdlers)
            dawdler->dribble();
        run.loop.add(good_client(run));
        while (run.done <= i && seconds_since(run.began) < static_cast<double>(run.options.timeout))
            run.loop.run_once(10);
        pass(run, 200ms);
    }
    std::sort(run.greetings.begin(), run.greetings.end());
    const bool all = std::cmp_equal(run.greetings.size(), run.options.good);
    std::printf("{\"dawdlers\": %zu, \"greeted\": %zu, \"median_ms\": %.2f, \"worst_ms\": %.2f}\n", held, run.greetings.size(),
                all ? run.greetings[run.greetings.size() / 2] : -1, all ? run.greetings.back() : -1);
    return 0;
}

// Thousands of connections are more than a shell allows at first.
void raise_descriptor_limit()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run_mode(const Options& options)
{
    raise_descriptor_limit();
    Run run(options);
    if (!options.watch.empty())
        run.loop.add(maildir_watch(options, run.arrivals));
    if (options.sink != 0)
        run.loop.add(sink(run.loop, options.sink, run.arrivals));
    if (options.mode == "smtp")
        return send_messages(run);
    if (options.mode == "idle")
        return hold_connections(run);
    if (options.mode == "dawdle" && options.good > 0)
        return dawdle(run);
    std::fputs("mailload: unknown mode\n", stderr);
    return 2;
}

}  // namespace

}  // namespace mta::bench

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return mta::bench::run_mode(mta::bench::Options::parse(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "mailload: %s\n", error.what());
        return 1;
    }
}
