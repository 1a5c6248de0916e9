#include <catch2/catch.hpp>

#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/peer.h"
#include "t/lib/suite.h"

// Mail programs submit: logged in, without TLS, with STARTTLS and with TLS from the beginning. Not a byte may change.
namespace mta {

namespace {

constexpr std::string_view python_client = R"(
import os, smtplib, ssl, sys
e = os.environ
context = ssl.create_default_context(cafile=e["CA_FILE"])
how, sender, recipient = sys.argv[1:4]
if how == "implicit":
    client = smtplib.SMTP_SSL("127.0.0.1", int(e["SUBMISSIONS_PORT"]), context=context)
else:
    client = smtplib.SMTP("127.0.0.1", int(e["SUBMISSION_PORT"]))
if how == "starttls":
    client.starttls(context=context)
client.login(e["USER1"], e["PASS1"])
client.sendmail(sender, [recipient], sys.stdin.buffer.read())
client.quit()
)";

struct Client {
    std::string name, how, command;
};

std::vector<Client> clients()
{
    const std::string swaks = "swaks --auth PLAIN --auth-user $USER1 --auth-password $PASS1 --from $USER1 --to $USER2 --data - --server $HOST ";
    const std::string msmtp = "msmtp --file=/dev/null --host=$HOST --auth=plain --user=$USER1 --passwordeval=\"echo $PASS1\" --from=$USER1 "
                              "--set-from-header=off --set-date-header=off ";
    const std::string trusting = " --tls=on --tls-trust-file=$CA_FILE ";
    const std::string curl = "curl -sS -u $USER1:$PASS1 --cacert $CA_FILE --mail-from $USER1 --mail-rcpt $USER2 --crlf -T - ";
    const std::string python = cat("python3 -c ", test::shell_quoted(python_client), " ");
    return {
        {"swaks", "plain", swaks + "--port $SUBMISSION_PORT"},
        {"swaks", "starttls", swaks + "--port $SUBMISSION_PORT -tls"},
        {"swaks", "implicit", swaks + "--port $SUBMISSIONS_PORT -tlsc"},
        {"msmtp", "plain", msmtp + "--port=$SUBMISSION_PORT --tls=off $USER2"},
        {"msmtp", "starttls", msmtp + trusting + "--port=$SUBMISSION_PORT --tls-starttls=on $USER2"},
        {"msmtp", "implicit", msmtp + trusting + "--port=$SUBMISSIONS_PORT --tls-starttls=off $USER2"},
        {"curl", "plain", curl + "smtp://$HOST:$SUBMISSION_PORT/client.test"},
        {"curl", "starttls", curl + "--ssl-reqd smtp://$HOST:$SUBMISSION_PORT/client.test"},
        {"curl", "implicit", curl + "smtps://$HOST:$SUBMISSIONS_PORT/client.test"},
        {"python", "plain", python + "plain $USER1 $USER2"},
        {"python", "starttls", python + "starttls $USER1 $USER2"},
        {"python", "implicit", python + "implicit $USER1 $USER2"},
    };
}

}  // namespace

TEST_CASE("every mail program's message arrives byte for byte, over plain, STARTTLS and implicit TLS", "[system][submission]")
{
    auto& suite = test::common_suite();
    for (const auto& [name, how, command] : clients()) {
        auto subject = test::unique();
        auto sent = test::message(subject, test::nasty_body());
        auto input = name == "python" ? sent : replace_all(sent, "\r\n", "\n");
        if (name == "swaks")
            input.pop_back();  // it adds the last line end
        auto outcome = suite.run(command, input);
        INFO(name << " " << how << ": " << outcome.output);
        REQUIRE(outcome.status == 0);
        CHECK(test::difference(sent, test::without_trace(suite.arrival(2, subject))) == "");
        CHECK(suite.has_log_line("postfix/submissions?/smtpd.*: client=.*\\[127\\.0\\.0\\.1\\], sasl_method=[A-Z0-9-]+, sasl_username=user1@example\\.test"));
    }
}

TEST_CASE("mutt submits with its own SMTP client", "[system][submission]")
{
    auto& suite = test::common_suite();
    const std::string body = "First line\n.\n..two dots\n\nlast line\n";
    for (std::string how : {"plain", "starttls", "implicit"}) {
        auto subject = test::unique();
        suite.write_file("muttrc", cat("set ssl_force_tls=no\nset ssl_starttls=", how == "starttls" ? "yes" : "no", "\nset ssl_ca_certificates_file=",
                                       suite.get("CA_FILE"), "\nset from=", suite.user(1), "\nset use_from=yes\nset copy=no\nset smtp_pass=", suite.get("PASS1"),
                                       "\nset smtp_url=smtp", how == "implicit" ? "s" : "", "://user1%40example.test@127.0.0.1:",
                                       suite.port(how == "implicit" ? "SUBMISSIONS" : "SUBMISSION"), "/\n"));
        auto outcome = suite.run(cat("HOME=$DIR TERM=dumb mutt -n -F $CONFIG_DIRECTORY/muttrc -s ", subject, " -- $USER3"), body);
        INFO(how << ": " << outcome.output);
        REQUIRE(outcome.status == 0);
        CHECK(test::body_of(suite.arrival(3, subject)) == test::with_crlf(body));
    }
}

TEST_CASE("a wrong password is refused, and fail2ban sees it", "[system][submission][log]")
{
    auto& suite = test::common_suite();
    auto outcome = suite.run("swaks --server $HOST --port $SUBMISSION_PORT --auth PLAIN --auth-user $USER1 --auth-password wrong --to $USER2");
    CHECK(outcome.status == 28);  // swaks: authentication failed
    suite.log_line("warning: .*\\[127\\.0\\.0\\.1\\]: SASL PLAIN authentication failed:");
    auto filter = suite.run("fail2ban-regex $LOG_FILE 'postfix[mode=auth]'");
    INFO(filter.output);
    CHECK(filter.output.find("Lines: ") != std::string::npos);
    CHECK(filter.output.find(" 0 matched") == std::string::npos);
}

TEST_CASE("Debian's Postfix lets users log in by our auth service", "[system][submission][postfix][root]")
{
    if (!test::is_root()) {
        WARN("skipped: needs root");
        return;
    }
    test::Suite suite({}, "login unix n - n - 1 auth");
    test::Postfix postfix("peer.test", suite.port("SMTP"), cat("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = ", suite.queue_directory(),
                                                               "/public/login\nmynetworks =\nsmtpd_relay_restrictions = permit_sasl_authenticated, reject\n"));
    for (std::string mechanism : {"PLAIN", "LOGIN"}) {
        auto subject = test::unique();
        auto swaks = cat("swaks --server 127.0.0.1 --port ", postfix.port(), " --from $USER1 --to $USER2 --header 'Subject: ", subject, "' --auth ", mechanism,
                         " --auth-user $USER1 --auth-password ");
        auto done = suite.run(swaks + "$PASS1");
        INFO(done.output << postfix.log());
        CHECK(done.status == 0);
        suite.arrival(2, subject);
        CHECK(suite.run(swaks + "wrong").status == 28);
        CHECK(postfix.log().find(cat("sasl_method=", mechanism, ", sasl_username=user1@example.test")) != std::string::npos);
    }
}

TEST_CASE("the submission port refuses mail of clients that have not logged in", "[system][submission]")
{
    auto& suite = test::common_suite();
    test::Connection client(suite.port("SUBMISSION"));
    client.talk({{"", "220 mail.example.test ESMTP"},
                 {"EHLO client.test", "250"},
                 {"MAIL FROM:<user1@example.test>", "250"},
                 {"RCPT TO:<user2@example.test>", "554 5.7.1"},
                 {"QUIT", "221"}});
}

}  // namespace mta
