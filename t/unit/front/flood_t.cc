#include "fixture.h"

#include <sys/socket.h>

#include "sandbox/sandbox.h"

using namespace mta;
using namespace mta::front::test;

namespace {

long resident_kib(pid_t process)
{
    std::ifstream status(cat("/proc/", process, "/status"));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:"))
            return parse_number<long>(split_words(line, " \t").at(1)).value_or(0);
    return 0;
}

// Sends the command again and again until the server has not taken more of them for a second, or all of them.
std::size_t flood(Client& client, std::string_view command, std::size_t bytes)
{
    std::string many;
    while (many.size() < 65536)
        many += command;
    std::size_t sent = 0;
    while (sent < bytes && net::wait_ready(client.stream().fd(), POLLOUT, std::chrono::steady_clock::now() + 1s)) {
        auto rest = std::string_view(many).substr(sent % many.size());
        auto count = ::send(client.stream().fd(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0)
            break;
        sent += static_cast<std::size_t>(count);
    }
    return sent;
}

}  // namespace

// Before, a client that sent commands and read nothing filled our memory with the answers.
TEST_CASE("who does not take its answers gets no more of them, and others do", "[front]")
{
    constexpr std::size_t all = 64u << 20;
    Site site("imapd");
    auto client = site.connect();
    client.line();
    auto before = resident_kib(site.front());
    auto sent = flood(client, "a CAPABILITY\r\n", all);
    CHECK(sent < all);
    if (!sandbox::is_sanitized)  // else what is freed is kept
        CHECK(resident_kib(site.front()) - before < 4096);
    auto other = site.connect();
    CHECK(other.line().starts_with("* OK"));
    CHECK(other.ask_line("b NOOP") == "b OK NOOP completed.");
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(client.line().starts_with("* CAPABILITY "));
        REQUIRE(client.line().starts_with("a OK "));
    }
}
