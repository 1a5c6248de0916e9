#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/connection.h"
#include "t/lib/suite.h"

// What a new administrator meets: the suite as "make install" leaves it, with neither certificate nor aliases.db nor mail users.
namespace mta {

namespace {

// An installation below a directory of its own. Only what must differ from a real host is changed: names, directories, ports.
class Fresh {
public:
    Fresh()
    {
        auto script = R"SH(set -e
unset MAKEFLAGS MAKELEVEL MFLAGS
make -s B=${B:-build} prefix=$DIR/usr sysconfdir=$DIR/etc install
cd $DIR
sed -i -e "s/^smtp  *inet/127.0.0.1:$SMTP inet/" -e "s/^submission  *inet/127.0.0.1:$SUBMISSION inet/" -e "s/^submissions  *inet/127.0.0.1:$SUBMISSIONS inet/" \
    -e "s/^imap  *inet/127.0.0.1:$IMAP inet/" -e "s/^imaps  *inet/127.0.0.1:$IMAPS inet/" -e "s/^pop3  *inet/127.0.0.1:$POP3 inet/" \
    -e "s/^pop3s  *inet/127.0.0.1:$POP3S inet/" etc/buuta/master.cf
mkdir log && touch log/mail && chmod 666 log/mail
usr/sbin/postconf -e myhostname=mail.fresh.test inet_interfaces=127.0.0.1 maillog_file=$DIR/log/mail queue_directory=$DIR/spool data_directory=$DIR/data \
    alias_maps=hash:$DIR/etc/aliases alias_database=hash:$DIR/etc/aliases
[ $(id -u) = 0 ] || usr/sbin/postconf -e mail_owner=$(id -un)
usr/sbin/buuta start
)SH";
        environment_["DIR"] = directory_.path();
        environment_["MAIL_CONFIG"] = directory_.path() + "/etc/buuta";
        for (const char* service : {"SMTP", "SUBMISSION", "SUBMISSIONS", "IMAP", "IMAPS", "POP3", "POP3S"})
            environment_[service] = cat(ports_[service] = test::free_port());
        auto done = test::run(script, "", environment_, std::chrono::seconds(120));
        INFO(done.output << log());
        REQUIRE(done.status == 0);
    }
    ~Fresh() { tool("buuta stop"); }
    Fresh(const Fresh&) = delete;

    test::Outcome tool(const std::string& arguments) const { return test::run(cat("exec $DIR/usr/sbin/", arguments), "", environment_); }
    test::Connection connect(const std::string& service) const { return test::Connection(ports_.at(service)); }
    std::string log() const
    {
        auto text = read_file(directory_.path() + "/log/mail");
        return text ? *text : "";
    }
    const test::Environment& environment() const { return environment_; }
    std::string path(const std::string& name) const { return directory_.path() + "/" + name; }

private:
    test::TemporaryDirectory directory_;
    test::Environment environment_;
    std::map<std::string, int> ports_;
};

std::string rcpt(const Fresh& fresh, const std::string& recipient)
{
    auto client = fresh.connect("SMTP");
    client.talk({{"", "220 mail.fresh.test ESMTP"}, {"EHLO client.test", "250"}, {"MAIL FROM:<>", "250"}});
    return client.command(cat("RCPT TO:<", recipient, ">"));
}

int occurrences(std::string_view text, std::string_view wanted)
{
    int number = 0;
    for (auto at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + wanted.size()))
        ++number;
    return number;
}

}  // namespace

TEST_CASE("a fresh installation works as far as it can and says what it lacks", "[system][install]")
{
    const Fresh fresh;
    CHECK(fresh.tool("buuta status").status == 0);
    CHECK(rcpt(fresh, "root@mail.fresh.test").starts_with("451 4.3.0"));
    CHECK(rcpt(fresh, "x@elsewhere.test").starts_with("554 5.7.1") == false);  // from this host one may relay
    CHECK(fresh.log().find("aliases is unavailable: open database ") != std::string::npos);
    for (std::string service : {"SUBMISSIONS", "IMAPS", "POP3S"})
        CHECK(fresh.connect(service).is_closed(std::chrono::seconds(10)));
    CHECK(fresh.log().find("is for clients with TLS, but smtpd_tls_cert_file names no certificate: all clients are refused") != std::string::npos);
    fresh.connect("SUBMISSION").talk({{"", "220"}, {"EHLO client.test", "250"}, {"MAIL FROM:<>", "530 5.7.0"}, {"STARTTLS", "454 4.7.0"}});
    fresh.connect("POP3").talk({{"", "+OK"}, {"CAPA", "+OK"}});
    CHECK(fresh.connect("IMAP").line().starts_with("* OK"));

    auto check = fresh.tool("buuta check");
    INFO(check.output);
    for (std::string fault : {"smtpd: smtpd_tls_cert_file: TLS needs a certificate", "aliases.db: No such file or directory (run \"postalias hash:"})
        CHECK(check.output.find(fault) != std::string::npos);

    CHECK(fresh.tool("sendmail -bi").output == "");
    CHECK(test::wait_for(fresh.path("log"), [&] { return rcpt(fresh, "root@mail.fresh.test").starts_with("250 "); }));
    auto root = fresh.tool("buuta check").output.find("alias_maps: there is no alias for root, and nothing is delivered as root");
    CHECK((root == std::string::npos) != test::is_root());
    REQUIRE(replace_file(fresh.path("etc/aliases"), "postmaster: root\nroot: anna@example.org\n", 0644));
    CHECK(fresh.tool("sendmail -bi").output == "");
    CHECK(fresh.tool("buuta check").output.find("alias") == std::string::npos);
    CHECK(fresh.tool("buuta reload").status == 0);
    CHECK(fresh.tool("buuta stop").status == 0);
    auto status = fresh.tool("buuta status");
    CHECK(status.status == 1);
    CHECK(status.output.find("the Buuta mail system is not running") != std::string::npos);

    // Said once, although every daemon reads the file.
    REQUIRE(test::run("printf 'virtual_mailbox_base = %s/none\nmail_name = Buuta\nmail_name = Buuta\n' $DIR >> $DIR/etc/buuta/main.cf", "", fresh.environment()).status == 0);
    check = fresh.tool("buuta check");
    INFO(check.output);
    CHECK(occurrences(check.output, ": overriding earlier entry: mail_name=Buuta") == 1);
    CHECK(occurrences(check.output, cat(": virtual_mailbox_base: there is no ", fresh.path("none"))) == 1);

    // Mistakes that only the program itself can know.
    REQUIRE(fresh.tool("postconf -e 'smtpd_recipient_restrictions=permit_mynetworks, reject_unath_destination'").status == 0);
    for (std::string command : {"buuta check", "buuta start"}) {
        auto refused = fresh.tool(command);
        INFO(command << ": " << refused.output);
        CHECK(refused.status == 1);
        CHECK(refused.output.find("smtpd_recipient_restrictions: unknown restriction \"reject_unath_destination\"; did you mean \"reject_unauth_destination\"?") !=
              std::string::npos);
        CHECK(refused.output.find("etc/buuta/main.cf, line ") != std::string::npos);
    }
    CHECK(fresh.tool("buuta status").status == 1);
}

TEST_CASE("the unit file is one that systemd understands", "[system][install]")
{
    if (test::run("command -v systemd-analyze").status != 0) {
        WARN("skipped: no systemd-analyze");
        return;
    }
    test::TemporaryDirectory directory;
    auto done = test::run(cat("cd ", directory.path(), " && sed -e 's|@prefix@|/usr|g; s|@sysconfdir@|/etc|g; s|/usr/sbin/buuta|/bin/true|; s|/usr/lib/buuta/sbin/master|/bin/true|' $OLDPWD/conf/buuta.service"
                              " > buuta.service && systemd-analyze verify --man=no ./buuta.service"));
    INFO(done.output);
    CHECK(done.status == 0);
    CHECK(done.output.find("buuta.service") == std::string::npos);
}

TEST_CASE("mail can be delivered under systemd to where the README puts mailboxes", "[system][install]")
{
    auto unit = read_file("conf/buuta.service"), readme = read_file("README.md");
    REQUIRE(unit);
    REQUIRE(readme);
    constexpr std::string_view parameter = "virtual_mailbox_base = ";
    auto start = readme->find(parameter);
    REQUIRE(start != std::string::npos);
    auto directory = readme->substr(start + parameter.size(), readme->find('\n', start) - start - parameter.size());
    auto paths = unit->substr(unit->find("\nReadWritePaths=") + 1);
    CHECK(paths.substr(0, paths.find('\n')).find(cat(" -", directory, " ")) != std::string::npos);
}

}  // namespace mta
