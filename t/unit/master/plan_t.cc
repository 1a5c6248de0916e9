#include "master/plan.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;
using namespace mta::master;

namespace {

Site site()
{
    Site site;
    site.config_directory = "/etc/buuta";
    site.daemon_directory = "/sbin";
    site.programs = {"smtpd", "imapd", "pop3d", "front", "qmgr", "pickup", "cleanup", "pipe", "smtp"};
    site.interfaces = {*net::Address::parse("0.0.0.0"), *net::Address::parse("::")};
    site.resolve = [](const std::string& host) {
        return host == "mail.example" ? std::vector<net::Address>{*net::Address::parse("192.0.2.1")} : std::vector<net::Address>{};
    };
    return site;
}

Plan plan(std::string_view text, const Site& where = site())
{
    auto services = config::parse_services(text);
    INFO((services ? std::string() : services.error().text));
    REQUIRE(services);
    return make_plan(*services, where);
}

std::string line(const Job& job) { return cat(job.program, " ", join(job.arguments, " ")); }

std::string sockets(const Job& job)
{
    std::vector<std::string> texts;
    for (const auto& socket : job.sockets)
        texts.push_back(socket.text());
    return join(texts, " ");
}

}  // namespace

TEST_CASE("a unix service becomes one process with the arguments of the contract", "[master]")
{
    struct Case {
        std::string_view text, arguments, socket;
        unsigned mode;
        bool is_single;
        long wakeup;
    };
    const Case cases[] = {
        {"qmgr unix n - n 300 1 qmgr", "-n qmgr -t unix -C /etc/buuta -s 1 -m 1 -u", "public/qmgr", 0666, true, 300},
        {"pickup unix n - n 60? 1 pickup", "-n pickup -t unix -C /etc/buuta -s 1 -m 1 -u", "public/pickup", 0666, true, 60},
        {"cleanup unix n - y - 0 cleanup", "-n cleanup -t unix -C /etc/buuta -s 1 -m 0 -u -r", "public/cleanup", 0666, false, 0},
        {"relay unix - - n - - smtp -o a=b", "-n relay -t unix -C /etc/buuta -s 1 -u -o a=b", "private/relay", 0660, false, 0},
        {"in pass - n n - 7 smtpd -v -o { x = y z }", "-n in -t pass -C /etc/buuta -s 1 -m 7 -o x=y z -v", "private/in", 0660, false, 0},
        {"filter unix - n n - - pipe -o a=b user=f argv=/bin/f -o ${sender}",
         "-n filter -t unix -C /etc/buuta -s 1 -o a=b user=f argv=/bin/f -o ${sender}", "private/filter", 0660, false, 0},
    };
    for (const auto& c : cases) {
        INFO(c.text);
        auto jobs = plan(c.text).jobs;
        REQUIRE(jobs.size() == 1);
        CHECK(join(jobs[0].arguments, " ") == c.arguments);
        CHECK(sockets(jobs[0]) == c.socket);
        CHECK(jobs[0].sockets[0].mode == c.mode);
        CHECK(jobs[0].is_single == c.is_single);
        CHECK(jobs[0].wakeup.count() == c.wakeup);
    }
}

TEST_CASE("an inet service of a session worker becomes front and the worker's parent", "[master]")
{
    auto result = plan("127.0.0.1:2525 inet n - n - 5 smtpd -o syslog_name=postfix/in -v");
    REQUIRE(result.jobs.size() == 2);
    CHECK(line(result.jobs[0]) == "/sbin/smtpd -n 127.0.0.1:2525 -t unix -C /etc/buuta -s 1 -m 5 -u -o syslog_name=postfix/in -v");
    CHECK(sockets(result.jobs[0]) == "private/127.0.0.1_2525.session");
    CHECK(line(result.jobs[1]) == "/sbin/front -n 127.0.0.1:2525 -t inet -C /etc/buuta -s 1 -m 5 -u -w smtpd -W "
                                  "private/127.0.0.1_2525.session -o syslog_name=postfix/in -v");
    CHECK(sockets(result.jobs[1]) == "127.0.0.1:2525");
    CHECK(result.jobs[0].key != result.jobs[1].key);
    CHECK(result.jobs[0].serves_on);
    CHECK(result.jobs[1].serves_on);
    CHECK_FALSE(plan("cleanup unix n - n - 0 cleanup").jobs.at(0).serves_on);
}

TEST_CASE("sessions are never made to wait by a process limit of one", "[master]")
{
    for (const auto& job : plan("smtp inet n - n - 1 smtpd").jobs)
        CHECK_FALSE(job.is_single);
}

TEST_CASE("an inet service without a host listens on all of inet_interfaces", "[master]")
{
    CHECK(sockets(plan("25 inet n - n - - qmgr").jobs.at(0)) == "0.0.0.0:25 [::]:25");
    CHECK(sockets(plan("[::1]:submissions inet n - n - - qmgr").jobs.at(0)) == "[::1]:465");
    CHECK(sockets(plan("mail.example:25 inet n - n - - qmgr").jobs.at(0)) == "192.0.2.1:25");
}

TEST_CASE("what is wrong in master.cf is told with its line and the nearest right name", "[master]")
{
    struct Case {
        std::string_view text, error;
    };
    const Case cases[] = {
        {"qmgr unix n - n - 1 qmgrr", "master.cf, line 1: service qmgr: there is no program \"qmgrr\" in /sbin; did you mean \"qmgr\"?"},
        {"smpt inet n - n - - smtpd", "master.cf, line 1: service smpt: unknown port \"smpt\"; did you mean \"smtp\"?"},
        {"0 inet n - n - - smtpd", "master.cf, line 1: service 0: port 0 is not between 1 and 65535"},
        {"70000 inet n - n - - smtpd", "master.cf, line 1: service 70000: port 70000 is not between 1 and 65535"},
        {"nowhere.example:25 inet n - n - - smtpd", "master.cf, line 1: service nowhere.example:25: host nowhere.example has no address"},
        {"[1.2.3]:25 inet n - n - - smtpd", "master.cf, line 1: service [1.2.3]:25: \"[1.2.3]\" is not an IP address"},
        {"25 inet n - n 60 - smtpd", "master.cf, line 1: service 25: wakeup: an inet service cannot be woken up; write -"},
        {"../x unix n - n - - qmgr", "master.cf, line 1: service ../x: the name of a unix service must not contain / nor begin with a dot"},
        {"# nothing", "master.cf: there is no service in it"},
        {"smtp inet n - n - - smtpd\n127.0.0.1:9 inet n - n - - qmgr\n0.0.0.0:25 inet n - n - - qmgr",
         "master.cf, line 3: 0.0.0.0:25 is already used by the service in master.cf, line 1"},
    };
    for (const auto& c : cases) {
        auto result = plan(c.text);
        REQUIRE(result.errors.size() == 1);
        CHECK(result.errors[0] == c.error);
    }
}

TEST_CASE("services of Postfix that have no counterpart are left out with a warning", "[master]")
{
    auto result = plan("anvil unix - - n - 1 anvil\ntlsmgr unix - - n 1000? 1 tlsmgr\nqmgr unix n - n 300 1 qmgr");
    CHECK(result.errors.empty());
    CHECK(result.warnings.size() == 2);
    CHECK(result.jobs.size() == 1);
}

TEST_CASE("session sockets have names without colons and slashes", "[master]")
{
    CHECK(session_socket("smtp") == "private/smtp.session");
    CHECK(session_socket("[::1]:25") == "private/[__1]_25.session");
}

TEST_CASE("inet_interfaces and inet_protocols decide what is listened on", "[master]")
{
    struct Case {
        std::vector<std::string> interfaces, protocols;
        bool has_v6;
        std::string addresses;  // or the error
    };
    const Case cases[] = {
        {{"all"}, {"all"}, true, "0.0.0.0 ::"},
        {{"all"}, {"all"}, false, "0.0.0.0"},
        {{"all"}, {"ipv6"}, false, "::"},
        {{"loopback-only"}, {"all"}, true, "127.0.0.1 ::1"},
        {{"loopback-only"}, {"ipv4"}, true, "127.0.0.1"},
        {{"192.0.2.1", "[2001:db8::1]", "192.0.2.1"}, {"ipv4", "ipv6"}, true, "192.0.2.1 2001:db8::1"},
        {{"host.example"}, {"all"}, true, "192.0.2.7"},
        {{"host.example"}, {"ipv6"}, true, "inet_interfaces: host.example: inet_protocols excludes its addresses"},
        {{"other.example"}, {"all"}, true, "inet_interfaces: host other.example has no address"},
        {{}, {"all"}, true, "inet_interfaces: empty; must be all, loopback-only or addresses"},
        {{"all"}, {"ipv5"}, true, "inet_protocols: \"ipv5\" is none of all, ipv4, ipv6"},
        {{"all"}, {}, true, "inet_protocols: empty; must be all, ipv4 or ipv6"},
    };
    auto resolve = [](const std::string& host) {
        return host == "host.example" ? std::vector<net::Address>{*net::Address::parse("192.0.2.7")} : std::vector<net::Address>{};
    };
    for (const auto& c : cases) {
        auto protocols = parse_protocols(c.protocols, c.has_v6);
        if (!protocols) {
            CHECK(protocols.error().text == c.addresses);
            continue;
        }
        auto addresses = listen_addresses(c.interfaces, *protocols, resolve);
        std::vector<std::string> texts;
        if (addresses)
            for (const auto& address : *addresses)
                texts.push_back(address.text());
        CHECK((addresses ? join(texts, " ") : addresses.error().text) == c.addresses);
    }
}
