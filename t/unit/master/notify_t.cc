#include "master/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>

#include "base/text.h"

using namespace mta;
using master::Notifier;

namespace {

// A service manager's socket in the abstract name space.
class Listener {
public:
    Listener() : name_(cat("@buuta-test-", ::getpid())), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name_.copy(address.sun_path, name_.size());
        address.sun_path[0] = '\0';
        auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
        REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    }
    const std::string& name() const { return name_; }
    std::string receive() const
    {
        char bytes[1024];
        auto count = ::recv(fd_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
        return count < 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(count));
    }

private:
    std::string name_;
    Fd fd_;
};

}  // namespace

TEST_CASE("the service manager hears how the mail system is", "[master]")
{
    Listener listener;
    Notifier notifier(listener.name());
    notifier.ready("7 services");
    CHECK(listener.receive() == "READY=1\nSTATUS=7 services\n");
    notifier.reloading();
    auto reloading = listener.receive();
    CHECK(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    auto number = reloading.substr(reloading.find("USEC=") + 5);
    CHECK(parse_number<long>(number.substr(0, number.find('\n'))).value_or(0) > 0);
    notifier.stopping();
    CHECK(listener.receive().starts_with("STOPPING=1\n"));
    notifier.watchdog();
    CHECK(listener.receive() == "WATCHDOG=1\n");
}

TEST_CASE("without a service manager nothing is said", "[master]")
{
    Listener listener;
    Notifier("").ready("x");
    CHECK(listener.receive().empty());
}

TEST_CASE("the watchdog is fed twice in its time, if it is ours", "[master]")
{
    auto self = cat(::getpid());
    CHECK(master::watchdog_interval("3000000", nullptr).count() == 1500);
    CHECK(master::watchdog_interval("3000000", self.c_str()).count() == 1500);
    CHECK(master::watchdog_interval("3000000", "1").count() == 0);
    CHECK(master::watchdog_interval(nullptr, nullptr).count() == 0);
    CHECK(master::watchdog_interval("x", nullptr).count() == 0);
}
