#include "pickup/intake.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include <thread>

#include "queue/id.h"
#include "t/unit/table/scratch.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

// pickup in a thread, a client and a cleanup in the test.
class Pickup {
public:
    explicit Pickup(const std::string& main_cf, bool has_cleanup = true)
        : log_(scratch_), config_(*config::Config::parse("myhostname = mail.example.com\n" + main_cf)), params_(config_),
          users_(*table::MatchList::open(params_.authorized_submit_users())), tools_{params_, users_, service::Submission(scratch_.path("cleanup"))}
    {
        if (has_cleanup)
            listener_ = *net::listen_unix(scratch_.path("cleanup"), 0600);
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
        client_.emplace(Fd(fds[0]));
        thread_ = std::thread([this, fd = fds[1]] {
            try {
                pickup::Intake(tools_, Fd(fd)).run();
            } catch (const std::exception&) {
            }
            tools_.cleanup.cancel();
        });
    }
    ~Pickup()
    {
        client_.reset();
        thread_.join();
    }

    void send(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients, const std::string& content, bool ends = true)
    {
        client_->send(ipc::pack(mail));
        client_->send(ipc::pack(service::Recipients{recipients, true}));
        client_->send_chunk(content);
        if (ends)
            client_->end_body();
        client_->flush();
    }
    service::Accepted answer() { return *ipc::unpack<service::Accepted>(*client_->receive(10s)); }

    struct Received {
        service::Mail mail;
        std::vector<service::MailRecipient> recipients;
        std::string content;
    };
    // What cleanup gets, which then answers; throws net::Lost if the mail is cancelled.
    Received serve(const service::Accepted& accepted)
    {
        ipc::Channel channel(Fd(::accept(listener_.get(), nullptr, nullptr)));
        Received received;
        auto message = channel.receive(10s);
        if (!message)
            throw net::Lost(net::Lost::Kind::closed, "cancelled");
        received.mail = *ipc::unpack<service::Mail>(*message);
        received.recipients = ipc::unpack<service::Recipients>(*channel.receive(10s))->recipients;
        for (auto chunk = channel.receive_chunk(10s); !chunk.empty(); chunk = channel.receive_chunk(10s))
            received.content += chunk;
        channel.send(ipc::pack(accepted));
        return received;
    }
    void hang_up() { client_.reset(); }
    std::string log() const { return log_.text(); }

private:
    table::Scratch scratch_;
    table::CapturedLog log_;
    config::Config config_;
    pickup::Params params_;
    table::MatchList users_;
    pickup::Tools tools_;
    Fd listener_;
    std::optional<ipc::Channel> client_;
    std::thread thread_;
};

service::Mail mail_from(const std::string& sender)
{
    service::Mail mail;
    mail.reverse_path = sender;
    return mail;
}

}  // namespace

TEST_CASE("mail of a local user goes to cleanup, and its queue ID comes back", "[pickup]")
{
    Pickup pickup("");
    pickup.send(mail_from("me"), {{"you@example.org", "", "", ""}}, "Subject: x\n\nbody\n");
    auto received = pickup.serve({true, "2.0.0", ""});
    auto answer = pickup.answer();
    CHECK(answer.ok);
    CHECK(queue::is_id(answer.text));
    CHECK(received.mail.queue_id == answer.text);
    CHECK(received.mail.reverse_path == "me@mail.example.com");
    CHECK(received.recipients.at(0).address == "you@example.org");
    CHECK(received.content.starts_with("Received: by mail.example.com (Buuta, from userid " + std::to_string(::getuid()) + ")"));
    CHECK(received.content.ends_with("\nSubject: x\n\nbody\n"));
    CHECK(pickup.log().find(cat(answer.text, ": uid=", ::getuid(), " from=<me>")) != std::string::npos);
}

TEST_CASE("what cleanup says of a local mail is what the program hears", "[pickup]")
{
    Pickup pickup("");
    pickup.send(mail_from(""), {{"you@example.org", "", "", ""}}, "x\n");
    CHECK(pickup.serve({false, "4.3.1", "disk full"}).mail.reverse_path.empty());
    auto answer = pickup.answer();
    CHECK_FALSE(answer.ok);
    CHECK(answer.status == "4.3.1");
    CHECK(answer.text == "disk full");
}

TEST_CASE("bad local mail is refused with a reason, and the next one on the connection is taken", "[pickup]")
{
    Pickup pickup("message_size_limit = 100\n");
    pickup.send(mail_from("a\x01"), {{"you@example.org", "", "", ""}}, "x\n");
    CHECK(pickup.answer().status == "5.1.7");
    pickup.send(mail_from("a"), {{"you@example.org", "", "", ""}, {"you@", "", "", ""}}, "x\n");
    CHECK(pickup.answer().status == "5.1.3");
    pickup.send(mail_from("a"), {}, "x\n");
    CHECK(pickup.answer().text == "no recipients specified");
    pickup.send(mail_from("a"), {{"you@example.org", "", "", ""}}, std::string(101, 'x'));
    CHECK_THROWS_AS(pickup.serve({true, "2.0.0", ""}), net::Lost);
    CHECK(pickup.answer().status == "5.3.4");
    pickup.send(mail_from("a"), {{"you@example.org", "", "", ""}}, "x\n");
    pickup.serve({true, "2.0.0", ""});
    CHECK(pickup.answer().ok);
}

TEST_CASE("users who may not send are told so", "[pickup]")
{
    Pickup pickup("authorized_submit_users = nobody-of-this-name\n");
    pickup.send(mail_from("a"), {{"you@example.org", "", "", ""}}, "x\n");
    auto answer = pickup.answer();
    CHECK(answer.status == "5.7.1");
    CHECK(answer.text.find("is not allowed to submit mail") != std::string::npos);
}

TEST_CASE("when nobody can tell whether a user may send, that is temporary", "[pickup]")
{
    Pickup pickup("authorized_submit_users = fail:trouble\n");
    pickup.send(mail_from("a"), {{"you@example.org", "", "", ""}}, "x\n");
    CHECK(pickup.answer().status.front() == '4');
}

TEST_CASE("local mail is deferred while cleanup is away", "[pickup]")
{
    Pickup pickup("", false);
    pickup.send(mail_from("a"), {{"you@example.org", "", "", ""}}, "x\n");
    auto answer = pickup.answer();
    CHECK_FALSE(answer.ok);
    CHECK(answer.status == "4.3.0");
}

TEST_CASE("a program that dies in the middle of its message leaves no mail", "[pickup]")
{
    Pickup pickup("");
    pickup.send(mail_from("a"), {{"you@example.org", "", "", ""}}, std::string(200000, 'x'), false);
    pickup.hang_up();
    CHECK_THROWS_AS(pickup.serve({true, "2.0.0", ""}), net::Lost);
}
