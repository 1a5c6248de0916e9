#include <catch2/catch.hpp>

#include "base/text.h"
#include "config/config.h"

using namespace mta;

namespace {

config::Service one(std::string_view line)
{
    auto services = config::parse_services(line);
    INFO((services ? "" : services.error().text));
    REQUIRE(services);
    REQUIRE(services->size() == 1);
    return services->front();
}

}  // namespace

TEST_CASE("a master.cf line has its columns and defaults", "[config]")
{
    auto smtp = one("smtp inet n - - - - smtpd\n");
    CHECK(smtp.name == "smtp");
    CHECK(smtp.type == "inet");
    CHECK_FALSE(smtp.is_private);
    CHECK(smtp.unprivileged);
    CHECK_FALSE(smtp.chroot);
    CHECK(smtp.wakeup == 0);
    CHECK_FALSE(smtp.maxproc);
    CHECK(smtp.command == "smtpd");
    CHECK(smtp.arguments.empty());
    CHECK(smtp.place.text() == "master.cf, line 1");

    auto pickup = one("pickup unix - n y 60? 0 pickup -v");
    CHECK(pickup.is_private);
    CHECK_FALSE(pickup.unprivileged);
    CHECK(pickup.chroot);
    CHECK(pickup.wakeup == 60);
    CHECK(pickup.wakeup_if_used);
    CHECK(pickup.maxproc == 0);
    CHECK(pickup.arguments == std::vector<std::string>{"-v"});

    CHECK_FALSE(one("[::1]:25 inet - - - 300 - smtpd").is_private);  // inet is never private
    CHECK(one("x unix - - - 300 - y").wakeup == 300);
    CHECK_FALSE(one("x unix - - - 300 - y").wakeup_if_used);
}

TEST_CASE("-o options are read in all their forms, up to the program's own arguments", "[config]")
{
    auto service = one("a unix - - - - - pipe\n"
                       "  -o one=1 -otwo=2\n"
                       "# a comment between\n"
                       "\t-o { three = 3, 3 } -v -o {four=}\n"
                       "  -o one=again flags=DR user=vmail argv=/bin/x -o five=5 { six seven }\n");
    CHECK(service.overrides == config::Overrides{{"one", "1"}, {"two", "2"}, {"three", "3, 3"}, {"four", ""}, {"one", "again"}});
    CHECK(join(service.arguments, "|") == "-o|one=1|-otwo=2|-o|three = 3, 3|-v|-o|four=|-o|one=again|flags=DR|user=vmail|argv=/bin/x|-o|five=5|six seven");
    CHECK(one("a unix - - - - - pipe -- -o x").overrides.empty());
}

TEST_CASE("a bad master.cf line is refused with file, line and what would be right", "[config]")
{
    struct Case { std::string text, message; };
    for (const auto& c : {
             Case{"smtp inet n - - - smtpd", "missing \"command\" field; the columns are: service type private unpriv chroot wakeup maxproc command"},
             {"smtp", "missing \"service type\" field; the columns are: service type private unpriv chroot wakeup maxproc command"},
             {"smtp inte n - - - - smtpd", "bad service type: \"inte\", must be inet, unix or pass; did you mean inet?"},
             {"smtp x n - - - - smtpd", "bad service type: \"x\", must be inet, unix or pass"},
             {"a fifo n - - - - b", "service type fifo is not supported; use unix, every service here listens on a socket"},
             {"postlog unix-dgram n - n - 1 postlogd", "service type unix-dgram is not supported; remove this line, logging needs no service here"},
             {"a unix yes - - - - b", "field \"private\" has bad value: \"yes\", must be y, n or -"},
             {"a unix - 0 - - - b", "field \"unprivileged\" has bad value: \"0\", must be y, n or -"},
             {"a unix - - x - - b", "field \"chroot\" has bad value: \"x\", must be y, n or -"},
             {"a unix - - - ? - b", "field \"wakeup\" has bad value: \"?\", must be a number or -"},
             {"a unix - - - 1m - b", "field \"wakeup\" has bad value: \"1m\", must be a number or -"},
             {"a unix - - - - -1 b", "field \"maxproc\" has bad value: \"-1\", must be a number or -"},
             {"a unix - - - - - ../b", "field \"command\" has bad value: \"../b\", must be the name of a program in $daemon_directory"},
             {"a unix - - - - - -v", "field \"command\" has bad value: \"-v\", must be the name of a program in $daemon_directory"},
             {"a unix - - - - - b -o", "option -o needs name=value"},
             {"a unix - - - - - b -o c", "option -o: missing '=' after attribute name: \"c\""},
             {"a unix - - - - - b -o =c", "option -o: missing attribute name: \"=c\""},
             {"a unix - - - - - b -o { c d = e }", "option -o: missing '=' after attribute name: \"c d = e\""},
             {"a unix - - - - - b -o c-d=e", "option -o: bad parameter name: \"c-d\""},
             {"a unix - - - - - b -o { c = d", "missing '}' in \"a unix - - - - - b -o { c = d\""},
             {"a unix - - - - - b -o {c=d}e", "syntax error after '}' in \"{c=d}e\""},
         }) {
        INFO(c.text);
        auto services = config::parse_services(cat("# comment\nfirst unix - - - - - first\n\n", c.text, "\n"));
        REQUIRE_FALSE(services);
        CHECK(services.error().text == cat("master.cf, line 4: ", c.message));
    }
    auto twice = config::parse_services("a unix - - - - - b\na inet - - - - - b\na unix - - - - - c\n");
    REQUIRE_FALSE(twice);
    CHECK(twice.error().text == "master.cf, line 3: duplicate service a unix, the first one is in line 1");
    auto indented = config::parse_services("  a unix - - - - - b\n");
    REQUIRE_FALSE(indented);
    CHECK(indented.error().text.starts_with("master.cf, line 1: logical line must not start with whitespace"));
}

TEST_CASE("the main.cf and master.cf that are installed are right", "[config]")
{
    auto config = config::Config::load("conf");
    REQUIRE(config);
    for (const auto& setting : config->settings())
        CHECK(config->value(setting.name));
    auto services = config::load_services("conf");
    INFO((services ? "" : services.error().text));
    REQUIRE(services);
    std::string names;
    for (const auto& service : *services)
        names += cat(service.type.front(), ":", service.name, " ");
    CHECK(names == "i:smtp i:submission i:submissions i:pop3 i:pop3s i:imap i:imaps u:pickup u:cleanup u:qmgr u:rewrite u:bounce u:showq "
                   "u:auth u:keys u:dns u:notify u:smtp u:relay u:lmtp u:local u:virtual u:error u:retry u:discard ");
}
