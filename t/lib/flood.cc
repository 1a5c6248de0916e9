#include "t/lib/flood.h"

#include <exception>
#include <thread>

#include "base/text.h"

namespace mta::test {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 8s;

void converse(const Suite& suite, Flood& flood)
{
    Connection client(suite.port(flood.port));
    if (!flood.port.ends_with("S"))  // in TLS there is no greeting that could be read
        client.reply();
    for (auto line : split(flood.first, '\n'))
        if (!line.empty())
            client.command(line);
    std::jthread writer([&] { client.try_write(flood.bytes); });
    flood.said = client.rest(patience);
    flood.is_closed = client.is_closed(100ms);
    client.shut_down();
}

}  // namespace

void Flood::run(const Suite& suite)
{
    try {
        converse(suite, *this);
    } catch (const std::exception& error) {
        said = error.what();
    }
}

void run_all(const Suite& suite, std::vector<Flood>& floods)
{
    std::vector<std::jthread> threads;
    for (auto& flood : floods)
        threads.emplace_back([&] { flood.run(suite); });
}

std::string repeated(std::string_view text, int times)
{
    std::string all;
    for (int i = 0; i < times; ++i)
        all += text;
    return all;
}

}  // namespace mta::test
