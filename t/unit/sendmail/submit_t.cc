#include "sendmail/session.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>

#include <thread>

#include "t/unit/table/scratch.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

// A pickup that takes mails from so many connections; the first ones are closed without a word if it is told so.
class FakePickup {
public:
    FakePickup(const std::string& path, service::Accepted answer, int broken = 0, std::chrono::milliseconds after = 0ms)
    {
        if (after == 0ms)
            listener_ = *net::listen_unix(path, 0600);  // before anybody can look for it
        thread_ = std::thread([=, this] {
            std::this_thread::sleep_for(after);
            if (!listener_)
                listener_ = *net::listen_unix(path, 0600);
            for (int i = 0; i < broken; ++i)
                Fd(::accept(listener_.get(), nullptr, nullptr));
            serve(ipc::Channel(Fd(::accept(listener_.get(), nullptr, nullptr))), answer);
        });
    }
    ~FakePickup() { wait(); }
    void wait()
    {
        if (thread_.joinable())
            thread_.join();
    }
    std::vector<service::Mail> mails;
    std::vector<std::vector<service::MailRecipient>> recipients;
    std::vector<std::string> contents;

private:
    void serve(ipc::Channel channel, const service::Accepted& answer)
    {
        while (auto message = channel.receive(10s)) {
            mails.push_back(*ipc::unpack<service::Mail>(*message));
            recipients.push_back(ipc::unpack<service::Recipients>(*channel.receive(10s))->recipients);
            std::string content;
            for (auto chunk = channel.receive_chunk(10s); !chunk.empty(); chunk = channel.receive_chunk(10s))
                content += chunk;
            contents.push_back(content);
            channel.send(ipc::pack(answer));
        }
    }
    Fd listener_;
    std::thread thread_;
};

Result<std::string> submit(const std::string& path, std::chrono::seconds limit, std::size_t bytes = 100)
{
    sendmail::Submitter submitter(path, limit);
    sendmail::Spool spool;
    REQUIRE(spool.write(std::string(bytes, 'x') + "\n"));
    return submitter.submit(service::Mail(), {{"a@example.org", "", "", ""}}, spool);
}

// What the session says to these lines.
std::string talk(const std::string& path, const std::string& lines, long max_size = 1000)
{
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    Fd ours(fds[0]);
    REQUIRE(::write(ours.get(), lines.data(), lines.size()) == static_cast<ssize_t>(lines.size()));
    ::shutdown(ours.get(), SHUT_WR);
    sendmail::Submitter submitter(path, 0s);
    sendmail::Session::Settings settings{"mail.example.com", "Buuta", max_size};
    {
        net::Stream client{Fd()};
        client.set_transport(std::make_unique<sendmail::TwoFds>(fds[1], fds[1]));
        sendmail::Session(std::move(client), settings, submitter).run();
    }
    ::close(fds[1]);
    std::string out(65536, '\0');
    out.resize(static_cast<std::size_t>(std::max<ssize_t>(::recv(ours.get(), out.data(), out.size(), MSG_WAITALL), 0)));
    return out;
}

}  // namespace

TEST_CASE("sendmail waits for a mail system that starts", "[sendmail]")
{
    table::Scratch scratch;
    FakePickup pickup(scratch.path("pickup"), {true, "2.0.0", "4XQ1"}, 0, 300ms);
    auto queue_id = submit(scratch.path("pickup"), 20s);
    pickup.wait();
    REQUIRE(queue_id);
    CHECK(*queue_id == "4XQ1");
    CHECK(pickup.contents.at(0) == std::string(100, 'x') + "\n");
}

TEST_CASE("a mail that was cut off by a restart is sent again from its begin", "[sendmail]")
{
    table::Scratch scratch;
    FakePickup pickup(scratch.path("pickup"), {true, "2.0.0", "4XQ1"}, 1, 0ms);
    // More than the socket takes, so that the end of the connection is seen before the end of the mail.
    auto queue_id = submit(scratch.path("pickup"), 20s, 4u << 20);
    pickup.wait();
    REQUIRE(queue_id);
    CHECK(pickup.mails.size() == 1);
    CHECK(pickup.contents.at(0).size() == (4u << 20) + 1);
}

TEST_CASE("sendmail gives up with a temporary error when there is no mail system", "[sendmail]")
{
    table::Scratch scratch;
    auto queue_id = submit(scratch.path("pickup"), 0s);
    REQUIRE_FALSE(queue_id);
    CHECK(queue_id.error().status == "4.3.0");
    CHECK(queue_id.error().text.find("is it running?") != std::string::npos);
}

TEST_CASE("sendmail tells why pickup refuses", "[sendmail]")
{
    table::Scratch scratch;
    FakePickup pickup(scratch.path("pickup"), {false, "5.7.1", "User x(1) is not allowed to submit mail"});
    auto queue_id = submit(scratch.path("pickup"), 20s);
    REQUIRE_FALSE(queue_id);
    CHECK(queue_id.error().status == "5.7.1");
}

TEST_CASE("sendmail -bs takes mail by SMTP and passes it on", "[sendmail]")
{
    table::Scratch scratch;
    FakePickup pickup(scratch.path("pickup"), {true, "2.0.0", "4XQ1"});
    auto said = talk(scratch.path("pickup"), "EHLO me\r\nMAIL FROM:<me@example.com> RET=HDRS\r\nRCPT TO:<you@example.org> NOTIFY=NEVER\r\nDATA\r\n"
                                             "Subject: x\r\n\r\n..dot\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nsecond\r\n.\r\nQUIT\r\n");
    pickup.wait();
    CHECK(said.starts_with("220 mail.example.com ESMTP Buuta\r\n250-mail.example.com\r\n"));
    CHECK(said.ends_with("250 2.0.0 Ok: queued as 4XQ1\r\n221 2.0.0 Bye\r\n"));
    REQUIRE(pickup.mails.size() == 2);
    CHECK(pickup.mails[0].reverse_path == "me@example.com");
    CHECK(pickup.mails[0].ret == "HDRS");
    CHECK(pickup.recipients[0].at(0).notify == "NEVER");
    CHECK(pickup.contents[0] == "Subject: x\n\n.dot\n");
    CHECK(pickup.contents[1] == "second\n");
}

TEST_CASE("sendmail -bs keeps SMTP's order and limits", "[sendmail]")
{
    table::Scratch scratch;
    auto path = scratch.path("nobody");
    CHECK(talk(path, "RCPT TO:<a@example.org>\r\n").find("503 5.5.1") != std::string::npos);
    CHECK(talk(path, "MAIL FROM:<a@b.example>\r\nMAIL FROM:<a@b.example>\r\n").find("503 5.5.1 Error: nested") != std::string::npos);
    CHECK(talk(path, "MAIL FROM:<a@b.example>\r\nDATA\r\n").find("554 5.5.1 Error: no valid recipients") != std::string::npos);
    CHECK(talk(path, "MAIL FROM:<a@b.example>\r\nRSET\r\nDATA\r\n").find("503 5.5.1 Error: need RCPT") != std::string::npos);
    CHECK(talk(path, "STARTTLS\r\n").find("502 5.5.2") != std::string::npos);
    CHECK(talk(path, "MAIL FROM:<a@b.example> SIZE=2000\r\n").find("552 5.3.4") != std::string::npos);
    std::string begin = "MAIL FROM:<a@b.example>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n";
    CHECK(talk(path, begin + std::string(1001, 'x') + "\r\n.\r\n").find("552 5.3.4") != std::string::npos);
    CHECK(talk(path, begin + "a\n.\nMAIL FROM:<evil@b.example>\r\n.\r\n").find(" 5.5.2 Error: bare line end") != std::string::npos);
    CHECK(talk(path, begin + "x\r\n.\r\nQUIT\r\n").find("451 4.3.0") != std::string::npos);
    CHECK(talk(path, std::string(3000, 'x') + "\r\n").find("500 5.5.2 Line too long") != std::string::npos);
}
