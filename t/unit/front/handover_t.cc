#include "fixture.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <array>

using namespace mta;
using namespace mta::front::test;

namespace {

// While it lives this process, and what it forks for ever, has none of root's freedom from limits.
class Limited {
public:
    Limited()
    {
        ::syscall(SYS_capget, &header_, before_.data());
        auto now = before_;
        for (int capability : {CAP_SYS_ADMIN, CAP_SYS_RESOURCE})
            now[static_cast<std::size_t>(CAP_TO_INDEX(capability))].effective &= ~CAP_TO_MASK(capability);
        ::syscall(SYS_capset, &header_, now.data());
    }
    ~Limited() { ::syscall(SYS_capset, &header_, before_.data()); }

private:
    __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> before_{};
};

// As many descriptors of this user on their way as he may have open: Linux lets him send no more.
class Traffic {
public:
    explicit Traffic(int count)
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        in_.reset(ends[0]);
        out_.reset(ends[1]);
        for (int i = 0; i < count; ++i)
            REQUIRE(ipc::send_with_fd(in_.get(), "x", 0, MSG_DONTWAIT) == 1);
    }

private:
    Fd in_, out_;
};

}  // namespace

TEST_CASE("a client whose session could not be sent to a worker waits for another one", "[front]")
{
    constexpr int most_files = 100, on_their_way = 120, tries = 10;
    std::optional<Site> site;
    {
        Limited limited;
        site.emplace("pop3d", "pop3d_tls_auth_only=no", true);
    }
    const rlimit limit{most_files, most_files};
    REQUIRE(::prlimit(site->front(), RLIMIT_NOFILE, &limit, nullptr) == 0);
    auto client = site->connect();
    client.line();
    std::optional<Traffic> traffic(on_their_way);
    client.say("USER anna@example.com\r\nPASS secret\r\n");
    CHECK(client.line() == "+OK");
    CHECK(client.line() == "+OK Logged in.");
    REQUIRE_THROWS(site->next_work());
    traffic.reset();
    std::optional<Work> work;
    for (int i = 0; i < tries && !work; ++i) {
        try {
            work.emplace(site->next_work());
        } catch (const std::runtime_error&) {  // was tried before
        }
    }
    REQUIRE(work);
    CHECK(work->session.sasl_username == "anna@example.com");
    work->client.write("+OK 1 100\r\n");
    work->client.flush(5s);
    CHECK(client.line() == "+OK 1 100");
}
