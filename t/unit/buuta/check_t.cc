#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "buuta/files.h"
#include "buuta/references.h"
#include "buuta/tls_files.h"

using namespace mta;
using namespace mta::buuta;

namespace {

config::Config parse(std::string_view text)
{
    auto config = config::Config::parse(text);
    REQUIRE(config);
    return *config;
}

}  // namespace

TEST_CASE("a transport that master.cf lacks is told with a guess", "[buuta]")
{
    auto services = config::parse_services("smtp unix - - n - - smtp\nlocal unix - n n - - local\nsmtp inet n - n - - smtpd");
    REQUIRE(services);
    CHECK(missing_transports(parse("default_transport = smtp:[relay.example]\nlocal_transport = local\n"), *services).empty());
    CHECK(missing_transports(parse("x = smtpp\ndefault_transport = $x:host\n"), *services) ==
          std::vector<std::string>{"main.cf, line 2: default_transport: master.cf has no unix service \"smtpp\"; did you mean \"smtp\"?"});
}

TEST_CASE("tables are found wherever main.cf names them", "[buuta]")
{
    auto config = parse("alias_maps = hash:/etc/aliases, cidr:/etc/c\n"
                        "d = hash:/d\nsmtpd_client_restrictions = check_client_access $d, permit\n"
                        "relayhost = [host]:25\nvirtual_alias_maps = hash:/old\nvirtual_alias_maps = hash:/new\n"
                        "transport_maps = hsah:/t\n");
    std::vector<std::string> found;
    for (const auto& use : table_uses(config, {"hash", "cidr"}))
        found.push_back(cat(use.table, " ", use.place));
    CHECK(found == std::vector<std::string>{"hash:/etc/aliases main.cf, line 1: alias_maps", "cidr:/etc/c main.cf, line 1: alias_maps",
                                            "hash:/d main.cf, line 2: d", "hash:/d main.cf, line 3: smtpd_client_restrictions",
                                            "hash:/new main.cf, line 6: virtual_alias_maps", "hsah:/t main.cf, line 7: transport_maps"});
}

TEST_CASE("files that others can change are found and repaired", "[buuta]")
{
    char path[] = "/tmp/buuta-files-XXXXXX";
    REQUIRE(::mkdtemp(path));
    std::string directory = path;
    auto file = cat(directory, "/main.cf"), link = cat(directory, "/link");
    REQUIRE(replace_file(file, "x", 0644));
    REQUIRE(::symlink("/tmp", link.c_str()) == 0);
    REQUIRE(::chmod(file.c_str(), 0664) == 0);
    CHECK(unsafe_files(directory, directory).size() == 4);  // the file and what the link leads to, in both directories
    REQUIRE(repair_files(directory, directory));
    ::unlink(link.c_str());
    CHECK(unsafe_files(directory, directory).empty());
    CHECK(unsafe_files(cat(directory, "/missing"), directory).size() == 1);
    (void)!std::system(cat("rm -rf ", directory).c_str());
}

TEST_CASE("a certificate that cannot be read is an error, no certificate is none", "[buuta]")
{
    CHECK(check_tls(parse(""), "smtpd"));
    CHECK(check_tls(parse(""), "smtp"));
    CHECK(check_tls(parse("smtpd_tls_cert_file = /nonexistent.pem"), "qmgr"));
    for (auto program : {"smtpd", "imapd", "pop3d"}) {
        auto checked = check_tls(parse("smtpd_tls_cert_file = /nonexistent.pem"), program);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().text.find("/nonexistent.pem") != std::string::npos);
    }
    CHECK_FALSE(check_tls(parse("smtpd_tls_wrappermode = yes"), "smtpd"));
    CHECK_FALSE(check_tls(parse("smtp_tls_CAfile = /nonexistent.pem"), "smtp"));
}
