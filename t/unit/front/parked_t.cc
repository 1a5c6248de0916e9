#include "fixture.h"

#include "service/notify.h"

using namespace mta;
using namespace mta::front::test;

namespace {

const std::string tls_for_imap = "imapd_tls_security_level=may\n";

// A client that has logged in, and the worker that has the session first.
struct Guest {
    Guest(Site& site, bool tls)
        : client(site.connect()), with_tls(tls), work([&] {
              client.line();
              if (tls) {
                  client.say("s STARTTLS\r\n");
                  CHECK(client.line().starts_with("s OK"));
                  client.start_tls();
              }
              client.say("a LOGIN anna@example.com secret\r\n");
              CHECK(client.line() == "a OK Logged in");
              return site.next_work();
          }())
    {
    }
    void park(const std::string& view = "view", const std::optional<std::string>& idle_tag = {}, const std::optional<std::string>& wake = {})
    {
        work.session.ticket = "return.ticket";
        work.session.view = view;
        work.session.idle_tag = idle_tag;
        work.session.wake = wake;
        work.session.pending.clear();
        work.give_back(!with_tls);
    }
    Client client;
    bool with_tls;
    Work work;
};

}  // namespace

TEST_CASE("a session that waits in front goes to another worker with the client's next word", "[front][park]")
{
    Site site("imapd", "imapd_tls_auth_only=no\n" + tls_for_imap, true);
    bool tls = GENERATE(false, true);
    Guest guest(site, tls);
    for (std::string name : {"b", "c"}) {
        guest.park("view of " + name, name);
        guest.client.say(name + " NOOP\r\n");
        guest.work = site.next_work();
        CHECK(guest.work.ticket == "return.ticket");
        CHECK(guest.work.session.view == "view of " + name);
        CHECK(guest.work.session.idle_tag == name);
        CHECK(guest.work.client.line(5s) == name + " NOOP");
        guest.work.client.write(name + " OK\r\n");
        guest.work.client.flush(5s);
        CHECK(guest.client.line() == name + " OK");
    }
    CHECK(site.log_text().find("logout:") == std::string::npos);
}

TEST_CASE("the end of a session that waits in front is logged there, as imapd does it", "[front][park]")
{
    Site site("imapd", "imapd_tls_auth_only=no\n" + tls_for_imap, true);
    bool tls = GENERATE(false, true);
    {
        Guest guest(site, tls);
        guest.park();
    }
    CHECK(site.logged("logout: user=<anna@example.com>, rip=127.0.0.1, Connection closed\n"));
}

TEST_CASE("a client that is silent for too long is logged out by front", "[front][park]")
{
    Site site("imapd", "imapd_tls_auth_only=no\nimapd_timeout=1s\nimapd_login_timeout=60s\n", true);
    Guest guest(site, false);
    guest.park();
    CHECK(guest.client.line() == "* BYE Logged out for inactivity");
    CHECK(guest.client.is_closed());
    CHECK(site.logged("logout: user=<anna@example.com>, rip=127.0.0.1, Disconnected for inactivity\n"));
}

TEST_CASE("a client in IDLE hears from front that the server is there", "[front][park]")
{
    Site site("imapd", "imapd_tls_auth_only=no\nimapd_idle_notify_interval=1s\n", true);
    Guest guest(site, false);
    guest.park("view", "b");
    CHECK(guest.client.line() == "* OK Still here");
    CHECK(guest.client.line() == "* OK Still here");
    guest.client.say("DONE\r\n");
    guest.work = site.next_work();
    CHECK(guest.work.client.line(5s) == "DONE");
}

TEST_CASE("without notify a session that wants to be woken is, at once, and its silence is counted on", "[front][park]")
{
    Site site("imapd", "imapd_tls_auth_only=no\nimapd_timeout=2s\n", true);
    Guest guest(site, false);
    for (int i = 0; i < 3; ++i) {
        guest.park("view", "b", std::string(32, 'a'));
        guest.work = site.next_work();
        CHECK_FALSE(guest.work.session.wake);
        CHECK(guest.work.session.pending.empty());
    }
    guest.park("view", "b");
    CHECK(guest.client.line() == "* BYE Logged out for inactivity");
}

TEST_CASE("sessions after the login do not count as connections of their client", "[front][park]")
{
    Site site("imapd", "imapd_tls_auth_only=no\nimapd_client_connection_count_limit=2\n", true);
    std::vector<std::unique_ptr<Guest>> guests;
    for (int i = 0; i < 4; ++i) {
        guests.push_back(std::make_unique<Guest>(site, false));
        guests.back()->park();
    }
    guests.clear();
    auto one = site.connect(), two = site.connect(), three = site.connect();
    CHECK(one.line().starts_with("* OK"));
    CHECK(two.line().starts_with("* OK"));
    CHECK(three.line().starts_with("* BYE [UNAVAILABLE] too many connections from 127.0.0.1"));
}
