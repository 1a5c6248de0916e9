#include "t/lib/ledger.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"

namespace mta::test {

namespace {

// CLOCK_MONOTONIC in seconds.
std::string now()
{
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    auto fraction = std::to_string(1'000'000'000 + time.tv_nsec);
    return cat(time.tv_sec, ".", fraction.substr(1));
}

// Tokens, addresses and queue IDs have no character that JSON would want escaped.
std::string quoted(std::string_view text) { return cat('"', text, '"'); }

}  // namespace

Ledger::Ledger(std::string path) : path_(std::move(path)), fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666))
{
    REQUIRE(fd_);
}

void Ledger::note(std::string_view event, const std::vector<Value>& values, std::string_view more) const
{
    auto line = cat("{\"t\":", now(), ",\"event\":", quoted(event));
    for (const auto& value : values)
        line += cat(",", quoted(value.name), ":", quoted(value.text));
    line += cat(more, "}\n");
    if (::write(fd_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw_errno("write ledger");
}

void Ledger::send(std::string_view token, std::string_view sender, const std::vector<std::string>& recipients, std::string_view message) const
{
    std::vector<std::string> all;
    std::transform(recipients.begin(), recipients.end(), std::back_inserter(all), [](const auto& recipient) { return quoted(recipient); });
    auto digest = hex_encode(sha256(replace_all(message, "\r\n", "\n")));
    note("send", {{"token", token}, {"protocol", "smtp"}, {"sender", sender}, {"sha256", digest}}, cat(",\"recipients\":[", join(all, ","), "]"));
}

void Ledger::answer(std::string_view token, bool is_accepted, std::string_view queue_id) const
{
    std::vector<Value> values{{"token", token}, {"result", is_accepted ? "ok" : "temporary"}};
    if (is_accepted)
        values.push_back({"queue_id", queue_id});
    note("answer", values);
}

Outcome Ledger::check(const Suite& suite, const std::vector<std::string>& receivers) const
{
    auto command = cat("t/mailcheck ", path_, " --drained --queue ", suite.queue_directory(), " --maildirs ", suite.get("MAILDIR_FORMAT"));
    for (const auto& receiver : receivers)
        command += cat(" --receiver ", receiver);
    return test::run(command, "", {}, std::chrono::minutes(5));
}

}  // namespace mta::test
