#include "daemon/mailbox_session.h"
#include "imapd/session.h"

#include <sys/stat.h>

#include "client.h"
#include "ipc/channel.h"
#include "service/auth.h"
#include "service/return_ticket.h"
#include "service/session.h"

using namespace mta;

namespace {

using namespace std::chrono_literals;

// A process of the test's own, waited for at its end.
class Child {
public:
    template <class Life>
    explicit Child(Life life) : pid_(::fork())
    {
        if (pid_ == 0) {
            try {
                life();
            } catch (const std::exception&) {
                ::_exit(1);
            }
            ::_exit(0);
        }
    }
    ~Child()
    {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        CHECK_FALSE(WIFSIGNALED(status));
    }

private:
    pid_t pid_;
};

// Answers one REDEEM as auth(8) does.
void answer_as_auth(int listener, const std::string& account)
{
    Fd fd(::accept(listener, nullptr, nullptr));
    net::Stream client(std::move(fd));
    client.write("VERSION\t1\t2\nSPID\t1\nDONE\n");
    while (true) {
        auto line = client.line(10s);
        if (!line.starts_with("REDEEM\t"))
            continue;
        auto fields = split(line, '\t');
        bool is_good = fields.at(2) == "good" && fields.at(3) == "service=imap";
        client.write(is_good ? cat("OK\t", fields[1], "\t", account, "\n") : cat("FAIL\t", fields[1], "\n"));
        return client.flush(10s);
    }
}

// Run as root, the worker must become another user.
std::string owner_of_mail()
{
    return ::geteuid() == 0 ? "65534:65534" : cat(::geteuid(), ":", ::getegid());
}

// What a client sees that front has handed over with this ticket, when it says NOOP and LOGOUT. Without auth if there is a
// secret for sessions that come back.
std::string talk(const std::string& directory, const std::string& ticket, const std::string& mail, const std::string& secret_path = "")
{
    auto listener = net::listen_unix(directory + "/auth", 0600);
    REQUIRE(listener);
    auto owner = owner_of_mail();
    REQUIRE(::chown(directory.c_str(), *parse_number<uid_t>(owner.substr(0, owner.find(':'))), static_cast<gid_t>(-1)) == 0);
    auto account = cat("user=anna@x.test\tuid=", owner.substr(0, owner.find(':')), "\tgid=", owner.substr(owner.find(':') + 1), "\thome=\tmail=", mail);
    std::optional<Child> auth;
    if (secret_path.empty())
        auth.emplace([&] { answer_as_auth(listener->get(), account); });
    int front[2], client[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, front) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client) == 0);
    Fd front_end(front[0]), client_end(client[0]), front_worker(front[1]), client_worker(client[1]);
    Child worker([&, was_root = ::geteuid() == 0] {
        front_end.reset();
        client_end.reset();
        auto config = config::Config::parse("");
        const imapd::Params params(*config);
        ipc::Channel from_front(std::move(front_worker));
        daemon::TakeOver how{directory + "/auth", "imap", "* BYE [UNAVAILABLE] The mailbox cannot be opened now\r\n", *daemon::find_user(owner)};
        auto loaded = service::Secret::load(secret_path);
        std::optional<service::ReturnSecret> secret;
        if (loaded)
            secret.emplace(*std::move(loaded));
        how.secret = secret ? &*secret : nullptr;
        if (auto session = daemon::take_over(from_front, how))
            imapd::Session(params, std::move(session->stream), std::move(session->mailbox)).run();
        if (was_root && secret && !secret->is_wiped())
            ::abort();
    });
    front_worker.reset();
    ipc::Channel channel(std::move(front_end));
    channel.send(ipc::pack(service::Ticket{ticket}));
    service::Session session;
    session.sasl_username = "anna@x.test";
    session.ticket = ticket;
    session.pending = "a NOOP\r\n";
    auto message = ipc::pack(session);
    message.fd = std::move(client_worker);
    channel.send(message);
    message.fd.reset();
    net::Stream stream(std::move(client_end));
    stream.write("b LOGOUT\r\n");
    std::string out;
    try {
        while (true)
            out += stream.line(10s) + "\n";
    } catch (const net::Lost&) {
    }
    CHECK_FALSE(channel.receive(10s).has_value());  // front sees the end
    return out;
}

}  // namespace

TEST_CASE("a session is taken over from front with what the client has said already", "[imapd]")
{
    test::TemporaryDirectory directory;
    CHECK(talk(directory.path(), "good", cat("maildir:", directory.path(), "/mail")) == "a OK NOOP completed\n* BYE Logging out\nb OK LOGOUT completed\n");
}

TEST_CASE("the mailbox belongs to its owner, and so does the process that serves it", "[imapd]")
{
    test::TemporaryDirectory directory;
    talk(directory.path(), "good", cat("maildir:", directory.path(), "/mail"));
    struct stat status{};
    REQUIRE(::stat((directory.path() + "/mail/cur").c_str(), &status) == 0);
    CHECK(status.st_uid == (::geteuid() == 0 ? 65534u : ::geteuid()));
    CHECK((status.st_mode & 077) == 0);
}

TEST_CASE("with a bad ticket or a mailbox that cannot be opened the client is sent away", "[imapd]")
{
    test::TemporaryDirectory directory;
    const std::string sent_away = "* BYE [UNAVAILABLE] The mailbox cannot be opened now\n";
    CHECK(talk(directory.path(), "bad", cat("maildir:", directory.path(), "/mail")) == sent_away);
    CHECK(talk(directory.path(), "good", "mbox:/var/mail/anna") == sent_away);
    CHECK(talk(directory.path(), "good", "maildir:/proc/none/such") == sent_away);
}

TEST_CASE("a session that comes back with our ticket is taken over without auth", "[imapd][ticket]")
{
    test::TemporaryDirectory directory, elsewhere;
    auto path = elsewhere.path() + "/secret";
    REQUIRE(service::Secret::make(path));
    std::optional<service::ReturnSecret> secret(*service::Secret::load(path));
    const auto mail = cat("maildir:", directory.path(), "/mail");
    const auto ticket = secret->ticket({"anna@x.test", owner_of_mail(), "", mail}, "imap");
    CHECK(talk(directory.path(), ticket, mail, path) == "a OK NOOP completed\n* BYE Logging out\nb OK LOGOUT completed\n");
    const std::string sent_away = "* BYE [UNAVAILABLE] The mailbox cannot be opened now\n";
    CHECK(talk(directory.path(), secret->ticket({"anna@x.test", owner_of_mail(), "", mail}, "pop3"), mail, path) == sent_away);
    CHECK(talk(directory.path(), ticket.substr(0, ticket.size() - 2), mail, path) == sent_away);
    if (::geteuid() == 0)
        CHECK(talk(directory.path(), secret->ticket({"root", "0:0", "", mail}, "imap"), mail, path) == sent_away);
}
