#include "t/bench/mailload/options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>

namespace mta::bench {

namespace {

constexpr const char* usage =
    "usage: mailload smtp|idle|dawdle --port PORT [--sink PORT] [--sessions N] [--messages N] [--size BYTES] [--mailboxes N]\n"
    "                [--expect N] [--timeout SECONDS] [--good N] [--recipient userNNN@DOMAIN] [--watch DIR/NNN/new]\n";

[[noreturn]] void give_up()
{
    std::fputs(usage, stderr);
    std::exit(2);
}

template <class Number>
Number to_number(std::string_view text)
{
    Number value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0)
        give_up();
    return value;
}

}  // namespace

Options Options::parse(int argc, char** argv)
{
    Options options;
    const std::map<std::string_view, int*> ports{{"--port", &options.port}, {"--sink", &options.sink}};
    const std::map<std::string_view, long*> numbers{{"--sessions", &options.sessions}, {"--messages", &options.messages},
                                                    {"--size", &options.size}, {"--mailboxes", &options.mailboxes},
                                                    {"--expect", &options.expect}, {"--timeout", &options.timeout},
                                                    {"--burst", &options.burst}, {"--good", &options.good}};
    const std::map<std::string_view, std::string*> texts{{"--recipient", &options.recipient}, {"--watch", &options.watch}};
    if (argc < 2 || argc % 2 != 0)
        give_up();
    options.mode = argv[1];
    for (int i = 2; i < argc; i += 2) {
        if (auto port = ports.find(argv[i]); port != ports.end())
            *port->second = to_number<int>(argv[i + 1]);
        else if (auto number = numbers.find(argv[i]); number != numbers.end())
            *number->second = to_number<long>(argv[i + 1]);
        else if (auto text = texts.find(argv[i]); text != texts.end())
            *text->second = argv[i + 1];
        else
            give_up();
    }
    if (options.sessions == 0 || options.mailboxes == 0 || options.mailboxes > 1000)
        give_up();
    return options;
}

std::string numbered(std::string_view pattern, long number)
{
    std::string result(pattern);
    if (auto place = result.find("NNN"); place != std::string::npos) {
        std::string digits = std::to_string(number);
        digits.insert(0, digits.size() < 3 ? 3 - digits.size() : 0, '0');
        result.replace(place, 3, digits);
    }
    return result;
}

}  // namespace mta::bench
