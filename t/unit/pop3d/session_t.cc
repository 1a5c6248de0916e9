#include "pop3d/session.h"

#include <sys/socket.h>

#include "../maildir/fixture.h"

namespace mta::pop3d {
namespace {

using namespace std::chrono_literals;
using maildir::test::append;
using maildir::test::files_in;
using maildir::test::open_box;
using maildir::test::open_folder;
using maildir::test::Place;

// A client whose session runs in a child process, as a worker does.
class Client {
public:
    explicit Client(const std::string& box, const std::string& main_cf = "", net::Stream::Waiter waiter = nullptr)
    {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ends[0]);
            const Params params(*config::Config::parse(main_cf));
            net::Stream stream(Fd{ends[1]});
            stream.set_waiter(waiter);
            const auto end = Session(params, std::move(stream), *maildir::Mailbox::open(box)).run();
            ::_exit(static_cast<int>(end));
        }
        ::close(ends[1]);
        stream_.emplace(Fd(ends[0]));
    }
    ~Client()
    {
        stream_.reset();
        if (child_ > 0)
            ::waitpid(child_, nullptr, 0);
    }
    Client(const Client&) = delete;

    void send(const std::string& text)
    {
        stream_->write(text);
        stream_->flush(10s);
    }
    std::string line() { return stream_->line(10s); }
    std::string ask(const std::string& command)
    {
        send(command + "\r\n");
        return line();
    }
    // All bytes of a multi-line answer behind its first line, to the final dot.
    std::string text()
    {
        std::string all;
        while (!all.ends_with("\r\n.\r\n") && all != ".\r\n")
            all += stream_->raw_line(10s);
        return all;
    }
    std::string ask_text(const std::string& command)
    {
        const auto first = ask(command);
        return first.starts_with("+OK") ? text() : first;
    }
    // How the session ended, after its connection has.
    End end()
    {
        int status = 0;
        ::waitpid(std::exchange(child_, -1), &status, 0);
        REQUIRE(WIFEXITED(status));
        return static_cast<End>(WEXITSTATUS(status));
    }
    void hang_up() { stream_.reset(); }

private:
    pid_t child_ = -1;
    std::optional<net::Stream> stream_;
};

std::string undotted(std::string text)
{
    text.erase(text.size() - 3);
    if (text.starts_with("."))
        text.erase(0, 1);
    return replace_all(text, "\r\n.", "\r\n");
}

}  // namespace

TEST_CASE("the session of RFC 1939 section 10", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, std::string(118, 'a') + "\r\n");
    append(*box, std::string(198, 'b') + "\r\n");
    Client client(place.box());
    CHECK(client.ask("STAT") == "+OK 2 320");
    CHECK(client.ask_text("LIST") == "1 120\r\n2 200\r\n.\r\n");
    CHECK(client.ask("LIST 2") == "+OK 2 200");
    CHECK(client.ask("RETR 1") == "+OK 120 octets");
    CHECK(client.text() == std::string(118, 'a') + "\r\n.\r\n");
    CHECK(client.ask("DELE 1").starts_with("+OK"));
    CHECK(client.ask("RETR 1").starts_with("-ERR"));
    CHECK(client.ask("LIST 1").starts_with("-ERR"));
    CHECK(client.ask("UIDL 1").starts_with("-ERR"));
    CHECK(client.ask("DELE 1").starts_with("-ERR"));
    CHECK(client.ask("STAT") == "+OK 1 200");
    CHECK(client.ask_text("LIST") == "2 200\r\n.\r\n");
    CHECK(client.ask_text("UIDL").starts_with("2 "));
    CHECK(client.ask_text("retr 2") == std::string(198, 'b') + "\r\n.\r\n");
    CHECK(client.ask("noop") == "+OK");
    CHECK(client.ask("QUIT").starts_with("+OK"));
    CHECK(client.end() == End::quit);
    auto folder = open_folder(*box);
    REQUIRE(folder->messages().size() == 1);
    CHECK(folder->messages()[0].uid == 2);
    CHECK(folder->messages()[0].flags == maildir::seen);
}

TEST_CASE("an empty mailbox has empty lists", "[pop3d]")
{
    const Place place;
    Client client(place.box());
    CHECK(client.ask("STAT") == "+OK 0 0");
    CHECK(client.ask_text("LIST") == ".\r\n");
    CHECK(client.ask_text("UIDL") == ".\r\n");
    CHECK(client.ask("RETR 1").starts_with("-ERR"));
}

TEST_CASE("what is sent is what is stored, with CRLF, and as many octets as LIST says", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    const std::string texts[] = {"Subject: x\n\n.\n..\n.dot\nbody\n", "a\r\nb\nc\n", ".", ".\n.", "", "bare \r cr\n", std::string(300'000, '.') + "\n",
                                 [] {
                                     std::string many;
                                     while (many.size() < 300'000)
                                         many += cat(".", many.size(), "\n");
                                     return many;
                                 }()};
    for (std::size_t i = 0; i < std::size(texts); ++i)
        maildir::test::write_file(cat(place.box(), "/cur/", 1000 + i, ".x:2,"), texts[i]);
    Client client(place.box());
    for (std::size_t i = 0; i < std::size(texts); ++i) {
        bool after_cr = false;
        const auto octets = maildir::count_crlf(texts[i], after_cr);
        CHECK(client.ask(cat("LIST ", i + 1)) == cat("+OK ", i + 1, " ", octets));
        auto got = undotted(client.ask_text(cat("RETR ", i + 1)));
        const auto expected = replace_all(replace_all(texts[i], "\r\n", "\n"), "\n", "\r\n");
        const bool is_complete = expected.empty() || expected.ends_with("\n");
        REQUIRE(got == expected + (is_complete ? "" : "\r\n"));
        CHECK((!is_complete || got.size() == octets));
    }
}

TEST_CASE("bare CR and NUL are shown as IMAP shows them", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, std::string("A: b\r\n\r\nc\rd\0e\n\0\r\n", 17));
    Client client(place.box());
    CHECK(client.ask("LIST 1") == "+OK 1 18");
    CHECK(client.ask("RETR 1") == "+OK 18 octets");
    CHECK(client.text() == "A: b\r\n\r\nc\rd\x80" "e\r\n\x80\r\n.\r\n");
}

TEST_CASE("TOP gives the header, the blank line, and so many lines of the body", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "A: 1\r\nB: 2\r\n\r\none\r\n\r\n.three\r\nfour");
    append(*box, "only: header\r\n");
    append(*box, "\r\nbody");
    Client client(place.box());
    CHECK(client.ask_text("TOP 1 0") == "A: 1\r\nB: 2\r\n\r\n.\r\n");
    CHECK(client.ask_text("TOP 1 1") == "A: 1\r\nB: 2\r\n\r\none\r\n.\r\n");
    CHECK(client.ask_text("TOP 1 3") == "A: 1\r\nB: 2\r\n\r\none\r\n\r\n..three\r\n.\r\n");
    CHECK(client.ask_text("TOP 1 99") == "A: 1\r\nB: 2\r\n\r\none\r\n\r\n..three\r\nfour\r\n.\r\n");
    CHECK(client.ask_text("TOP 2 5") == "only: header\r\n.\r\n");
    CHECK(client.ask_text("TOP 3 0") == "\r\n.\r\n");
    CHECK(client.ask_text("TOP 3 1") == "\r\nbody\r\n.\r\n");
    for (const auto* bad : {"TOP 1", "TOP", "TOP 1 x", "TOP 1 -1", "TOP 4 1", "TOP 0 0", "TOP 1 1 1"})
        CHECK(client.ask(bad).starts_with("-ERR"));
    CHECK(client.ask("QUIT").starts_with("+OK"));
    CHECK(client.end() == End::quit);
    CHECK(open_folder(*box)->messages()[0].flags == 0);  // TOP is not reading
}

TEST_CASE("unique IDs stay, and no other message gets them", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (int i = 0; i < 3; ++i)
        append(*box, cat("message ", i, "\r\n"));
    std::string first;
    {
        Client client(place.box());
        first = client.ask_text("UIDL");
        const auto id = std::string(split_words(client.ask("UIDL 2"))[2]);
        CHECK(id.size() == 16);
        CHECK(first.find(cat("2 ", id, "\r\n")) != std::string::npos);
        client.ask("DELE 3");
        client.ask("QUIT");
        CHECK(client.end() == End::quit);
    }
    append(*box, "another\r\n");
    Client client(place.box());
    const auto second = client.ask_text("UIDL");
    const auto before = split_words(first), after = split_words(second);
    REQUIRE(after.size() == before.size());
    CHECK((after[1] == before[1] && after[3] == before[3]));
    CHECK(after[5] != before[5]);
}

TEST_CASE("nothing is deleted without QUIT, nor after RSET", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n");
    {
        Client client(place.box());
        client.ask("DELE 1");
        client.hang_up();
        CHECK(client.end() == End::lost);
    }
    CHECK(box->status("INBOX")->messages == 1);
    {
        Client client(place.box());
        client.ask("DELE 1");
        CHECK(client.ask("RSET").starts_with("+OK"));
        CHECK(client.ask("STAT") == "+OK 1 5");
        client.ask("QUIT");
        CHECK(client.end() == End::quit);
    }
    CHECK(box->status("INBOX")->messages == 1);
}

TEST_CASE("a session sees what was there at its start", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "one\r\n");
    append(*box, "two\r\n");
    Client client(place.box());
    CHECK(client.ask("STAT") == "+OK 2 10");
    append(*box, "three\r\n");
    REQUIRE(open_folder(*box)->expunge({1}));
    CHECK(client.ask("STAT") == "+OK 2 10");
    CHECK(client.ask("RETR 1") == "-ERR The message is no longer there.");
    CHECK(client.ask_text("RETR 2") == "two\r\n.\r\n");
    CHECK(client.ask("DELE 1").starts_with("+OK"));
    CHECK(client.ask("RETR 3").starts_with("-ERR"));
    CHECK(client.ask("QUIT").starts_with("+OK"));
    CHECK(box->status("INBOX")->messages == 2);
}

TEST_CASE("two sessions at once see the same and may delete the same", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    for (const char* text : {"one\r\n", "two\r\n", "three\r\n"})
        append(*box, text);
    Client one(place.box()), two(place.box());
    const auto ids = one.ask_text("UIDL");
    CHECK(two.ask_text("UIDL") == ids);
    one.send("DELE 1\r\nQUIT\r\n");
    CHECK(one.line().starts_with("+OK"));
    CHECK(one.line() == "+OK Logging out, messages deleted.");
    CHECK(one.end() == End::quit);
    CHECK(two.ask_text("UIDL") == ids);
    CHECK(two.ask("DELE 1").starts_with("+OK"));
    CHECK(two.ask("DELE 2").starts_with("+OK"));
    CHECK(two.ask("QUIT").starts_with("+OK"));
    CHECK(two.end() == End::quit);
    CHECK(box->status("INBOX")->messages == 1);
    // Neither flags of IMAP nor names that other programs give change an ID.
    REQUIRE(open_folder(*box)->change_flags({3}, maildir::FlagChange::add, maildir::flagged, {"$Work"}));
    const auto cur = place.box() + "/cur/";
    const auto name = files_in(cur).at(0);
    std::filesystem::rename(cur + name, cur + replace_all(name, ":2,", ",U=9:2,"));
    Client three(place.box());
    CHECK(ids.ends_with(cat("3 ", split_words(three.ask("UIDL 1"))[2], "\r\n.\r\n")));
}

TEST_CASE("new messages stay new to others", "[pop3d]")
{
    const Place place;
    REQUIRE(maildir::deliver(place.box(), maildir::test::Letter("Q1", "x\n").delivery));
    Client client(place.box());
    client.ask_text("TOP 1 0");
    client.ask("QUIT");
    CHECK(client.end() == End::quit);
    CHECK(files_in(place.box() + "/new").size() == 1);
    CHECK(open_box(place.box())->status("INBOX")->recent == 1);
}

TEST_CASE("commands may come all at once", "[pop3d]")
{
    const Place place;
    append(*open_box(place.box()), "one\r\n");
    Client client(place.box());
    client.send("STAT\r\nRETR 1\r\nNOOP\nDELE 1\r\nQUIT\r\n");
    CHECK(client.line() == "+OK 1 5");
    CHECK(client.line() == "+OK 5 octets");
    CHECK(client.text() == "one\r\n.\r\n");
    CHECK(client.line() == "+OK");
    CHECK(client.line().starts_with("+OK"));
    CHECK(client.line().starts_with("+OK"));
    CHECK(client.end() == End::quit);
    CHECK(open_box(place.box())->status("INBOX")->messages == 0);
}

TEST_CASE("nonsense is refused, and too much of it ends the session", "[pop3d]")
{
    const Place place;
    append(*open_box(place.box()), "one\r\n");
    Client client(place.box(), "pop3d_error_limit = 16\n");
    for (const auto* bad : {"", "XYZ", "USER a", "STLS", "RETR", "RETR 0", "RETR -1", "RETR 2", "RETR 1 2", "RETR 99999999999999999999", "LIST x",
                            "STAT 1", "QUIT now", "UIDL \x01", "DELE 1x"}) {
        CAPTURE(bad);
        CHECK(client.ask(bad).starts_with("-ERR"));
    }
    CHECK(client.ask("RETR 7") == "-ERR There's no message 7.");
    CHECK(client.line() == "-ERR Too many errors.");
    CHECK(client.end() == End::refused);
}

TEST_CASE("an endless line and silence end the session", "[pop3d]")
{
    const Place place;
    Client endless(place.box());
    endless.send(std::string(5000, 'x'));
    CHECK(endless.line() == "-ERR Line too long.");
    CHECK(endless.end() == End::refused);
    Client silent(place.box(), "pop3d_timeout = 1s\n");
    CHECK(silent.line() == "-ERR Disconnected for inactivity.");
    CHECK(silent.end() == End::timeout);
}

TEST_CASE("CAPA lists what the session can", "[pop3d]")
{
    const Place place;
    Client client(place.box());
    const auto capabilities = client.ask_text("CAPA");
    for (const auto* each : {"TOP\r\n", "UIDL\r\n", "PIPELINING\r\n", "RESP-CODES\r\n"})
        CHECK(capabilities.find(each) != std::string::npos);
    CHECK(capabilities.find("USER") == std::string::npos);
}

TEST_CASE("a mailbox that cannot be opened is trouble of ours", "[pop3d]")
{
    const Place place;
    open_box(place.box());
    std::filesystem::create_directory(place.box() + "/buuta-uidlist");
    Client client(place.box());
    CHECK(client.line().starts_with("-ERR [SYS/TEMP]"));
    CHECK(client.end() == End::unavailable);
}

TEST_CASE("a client that is silent while the server stops is told so, and nothing is deleted", "[pop3d]")
{
    const Place place;
    const auto box = open_box(place.box());
    append(*box, "kept\r\n");
    Client client(place.box(), "", [](int, net::Transport::Deadline) -> bool { throw net::Lost(net::Lost::Kind::stopped, "stop"); });
    CHECK(client.ask("DELE 1").starts_with("+OK"));
    CHECK(client.line() == "-ERR [SYS/TEMP] The server stops.");
    CHECK(client.end() == End::stopped);
    CHECK(open_folder(*box)->messages().size() == 1);
}

}  // namespace mta::pop3d
