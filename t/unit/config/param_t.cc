#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "base/text.h"
#include "config/common.h"
#include "config/config.h"
#include "config/limit.h"
#include "log/log.h"

using namespace mta;
using namespace std::chrono_literals;
using config::Config;

namespace {

struct Params : config::Group {
    using Group::Group;
    config::Param<bool> flag{*this, "t_flag", "yes", "A flag."};
    config::Param<long> number{*this, "t_number", "10", "A number."};
    config::Param<double> ratio{*this, "t_ratio", "0.5", "A ratio."};
    config::Param<std::string> text{*this, "t_text", "$t_later and $myhostname", "A text."};
    config::Param<std::chrono::seconds> time{*this, "t_time", "5m", "A time."};
    config::Param<std::chrono::milliseconds> pause{*this, "t_pause", "250ms", "A pause."};
    config::Param<std::vector<std::string>> list{*this, "t_list", "a, b", "A list."};
    config::Param<config::Limit> limit{*this, "t_limit", "7", "A limit."};
    config::Param<config::TimeLimit> time_limit{*this, "t_time_limit", "1m", "A limit of time."};
    config::Param<std::string> later{*this, "t_later", "later", "Declared after the one that uses it."};
};

Config parsed(std::string_view text)
{
    auto config = Config::parse(cat("myhostname = h.example\n", text));
    REQUIRE(config);
    return *config;
}

// What a process says before it ends; nothing if it ends well.
std::string last_words(const std::function<void()>& work)
{
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    auto child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        log::open_stderr();
        log::set_tag("t");
        work();
        ::_exit(0);
    }
    ::close(ends[1]);
    char text[1000];
    auto count = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == (count > 0 ? 1 : 0));
    return {text, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

}  // namespace

TEST_CASE("parameters have their defaults and read main.cf", "[config]")
{
    Params defaults(parsed(""));
    CHECK(defaults.flag());
    CHECK(defaults.number() == 10);
    CHECK(defaults.ratio() == 0.5);
    CHECK(defaults.time() == 300s);
    CHECK(defaults.pause() == 250ms);
    CHECK(defaults.list() == std::vector<std::string>{"a", "b"});

    Params set(parsed("t_flag = No\nt_number = -3\nt_ratio = 2\nt_text = $t_number\nt_time = 2h\nt_pause = 3\nt_list = { a b } c,\n\td"));
    CHECK_FALSE(set.flag());
    CHECK(set.number() == -3);
    CHECK(set.ratio() == 2.0);
    CHECK(set.text() == "-3");
    CHECK(set.time() == 2h);
    CHECK(set.pause() == 3s);
    CHECK(set.list() == std::vector<std::string>{"a b", "c", "d"});
}

TEST_CASE("a limit is a number, or switched off by its word", "[config][limits]")
{
    const auto seven = Params(parsed("")).limit();
    CHECK_FALSE(seven.is_none());
    CHECK_FALSE(seven.is_exceeded_by(6));
    CHECK_FALSE(seven.is_exceeded_by(7));
    CHECK(seven.is_exceeded_by(8));
    CHECK(seven.number() == 7);
    const auto none = Params(parsed("t_limit = None")).limit();
    CHECK(none.is_none());
    CHECK_FALSE(none.is_exceeded_by(none.number()));
    const auto minute = Params(parsed("")).time_limit();
    CHECK_FALSE(minute.is_reached_by(59s));
    CHECK(minute.is_reached_by(60s));
    CHECK(minute.time() == 60s);
    const auto timeless = Params(parsed("t_time_limit = none")).time_limit();
    CHECK(timeless.is_none());
    CHECK_FALSE(timeless.is_reached_by(24h));
}

TEST_CASE("declare_all lets a value refer to what is declared later", "[config]")
{
    CHECK(Params(parsed("")).text() == " and h.example");
    auto config = parsed("");
    config::declare_all<Params>(config);
    CHECK(Params(config).text() == "later and h.example");
    CHECK(config.is_declared("t_later"));
    CHECK(config.declarations().back().name == "t_later");
    CHECK(config.declarations().back().type == "text");
}

TEST_CASE("a bad value ends the process with file, line, name, reason and value", "[config]")
{
    struct Case { std::string line, message; };
    for (const auto& c : {
             Case{"t_flag = maybe", "main.cf, line 2: t_flag: bad boolean value, must be yes or no: \"maybe\""},
             {"t_flag =", "main.cf, line 2: t_flag: bad boolean value, must be yes or no: \"\""},
             {"t_number = 12x", "main.cf, line 2: t_number: bad numerical value: \"12x\""},
             {"t_number = 99999999999999999999", "main.cf, line 2: t_number: bad numerical value: \"99999999999999999999\""},
             {"t_number =", "main.cf, line 2: t_number: bad numerical value: \"\""},
             {"t_limit = 0", "main.cf, line 2: t_limit: bad limit, must be a number from 1 on, or none: \"0\""},
             {"t_limit =", "main.cf, line 2: t_limit: bad limit, must be a number from 1 on, or none: \"\""},
             {"t_limit = -1", "main.cf, line 2: t_limit: bad limit, must be a number from 1 on, or none: \"-1\""},
             {"t_limit = unlimited", "main.cf, line 2: t_limit: bad limit, must be a number from 1 on, or none: \"unlimited\""},
             {"t_time_limit = 0", "main.cf, line 2: t_time_limit: bad time limit, must be a time from 1s on, or none: \"0\""},
             {"t_time_limit = 999ms", "main.cf, line 2: t_time_limit: bad time limit, must be a time from 1s on, or none: \"999ms\""},
             {"t_time_limit = soon", "main.cf, line 2: t_time_limit: bad time limit, must be a time from 1s on, or none: \"soon\""},
             {"t_ratio = nan", "main.cf, line 2: t_ratio: bad numerical value: \"nan\""},
             {"t_time = 5y", "main.cf, line 2: t_time: bad time value, must be a number and one of s, m, h, d, w: \"5y\""},
             {"t_time = 1500ms", "main.cf, line 2: t_time: bad time value, must be a number and one of s, m, h, d, w: \"1500ms\""},
             {"t_pause = -1", "main.cf, line 2: t_pause: bad time value, must be a number and one of ms, s, m, h, d, w: \"-1\""},
             {"t_list = { a", "main.cf, line 2: t_list: missing '}' in \"{ a\": \"{ a\""},
             {"t_list = {a}b", "main.cf, line 2: t_list: syntax error after '}' in \"{a}b\": \"{a}b\""},
             {"t_text = ${x", "main.cf, line 2: t_text: truncated macro reference: \"${x\""},
         }) {
        INFO(c.line);
        auto config = parsed(c.line);
        CHECK(last_words([&] { Params params(config); }).find(cat("fatal: ", c.message, "\n")) != std::string::npos);
        CHECK(last_words([&] { Params params(config.for_declarations()); }).empty());
    }
}

TEST_CASE("times have the units of Postfix, and milliseconds", "[config]")
{
    struct Case { std::string text; std::chrono::milliseconds time; };
    for (const auto& c : {Case{"0", 0s}, {"30", 30s}, {"30s", 30s}, {"30S", 30s}, {"5m", 5min}, {"1h", 1h}, {"2d", 48h}, {"1w", 168h}, {"7ms", 7ms}})
        CHECK(config::parse_time(c.text) == c.time);
    CHECK(config::parse_time("5", 'd') == 120h);
    for (const char* bad : {"", "s", "5x", "-5", "5 s", "5mm", "1.5h", "5sm", "99999999999999999w", "9223372036854775807d"})
        CHECK_FALSE(config::parse_time(bad));
}

TEST_CASE("lists are split at commas and white space, but not inside braces", "[config]")
{
    struct Case { std::string text, joined; };
    for (const auto& c : {Case{"", ""}, {" , ,\t", ""}, {"a,b c", "a|b|c"}, {"{ a, b } c", "a, b|c"}, {"inline:{a=b, c=d} x", "inline:{a=b, c=d}|x"},
                          {"{{a b} {c}}", "{a b} {c}"}, {"a}b", "a}b"}, {"{}", ""}}) {
        auto list = config::split_list(c.text);
        REQUIRE(list);
        CHECK(join(*list, "|") == c.joined);
    }
    for (const char* bad : {"{", "a {b", "{a}b", "{{a}"})
        CHECK_FALSE(config::split_list(bad));
}

TEST_CASE("the nearest name is guessed only when it is near", "[config]")
{
    const std::vector<std::string> names{"mydestination", "myorigin", "mynetworks", "smtpd_recipient_limit"};
    CHECK(config::nearest("mydestinatoin", names) == "mydestination");
    CHECK(config::nearest("MyOrigin", names) == "myorigin");
    CHECK(config::nearest("mynetwork", names) == "mynetworks");
    CHECK(config::nearest("smtpd_recipients_limit", names) == "smtpd_recipient_limit");
    CHECK_FALSE(config::nearest("relayhost", names));
    CHECK_FALSE(config::nearest("", names));
    CHECK_FALSE(config::nearest(std::string(5000, 'm'), names));
}
