// Covers: front/connection.cc front/smtp.cc front/imap.cc front/pop3.cc front/dialog.cc front/login.cc lib/auth/client.cc
#include <event2/event.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/text.h"
#include "front/server.h"
#include "ipc/channel.h"
#include "service/auth.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"

// What a stranger says before anybody knows him: front with a client of each protocol, an authentication service that says
// yes, no, or nonsense, and a worker that takes the session or gives it back. What reaches the worker is clean, every line that
// the client hears is whole, and nothing of the client stays behind.
namespace {

using namespace mta;

constexpr auto main_cf = R"(
myhostname = mail.test
smtpd_sasl_auth_enable = yes
smtpd_tls_auth_only = no
imapd_tls_auth_only = no
pop3d_tls_auth_only = no
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 5
smtpd_hard_error_limit = 8
smtpd_junk_command_limit = 10
smtpd_peername_lookup = no
line_length_limit = 512
)";

constexpr auto without_certificate = "smtpd_tls_security_level = encrypt\nsmtpd_tls_auth_only = yes\n";
constexpr auto lax = "smtpd_forbid_unauth_pipelining = no\nbroken_sasl_auth_clients = yes\nsmtpd_sasl_security_options = noplaintext\n"
                     "smtpd_discard_ehlo_keywords = dsn, starttls\n";

std::string path(std::string_view name) { return cat(fuzz::scratch_directory(), "/", name); }

struct Site {
    explicit Site(const std::string& worker, std::string_view more = "")
        : config(*config::Config::parse(cat(main_cf, more))), settings(config, worker, "fuzz") {}
    config::Config config;
    front::Settings settings;
};

// Takes connections on a socket in the loop of front, and what comes over them.
class Listener {
public:
    using Handler = std::function<void(int fd)>;  // bytes have come, or the end
    Listener(mta::event::Loop& loop, const std::string& at, Handler accepted, Handler readable)
        : loop_(loop), accepted_(std::move(accepted)), readable_(std::move(readable))
    {
        std::remove(at.c_str());
        auto fd = net::listen_unix(at, 0600);
        HOLDS(fd);
        fd_ = *std::move(fd);
        watch_ = std::make_unique<mta::event::Watch>(loop, fd_.get(), mta::event::readable, [this](short) { accept(); });
    }
    void drop() { peers_.clear(); }

private:
    struct Connection {
        Fd fd;
        std::unique_ptr<mta::event::Watch> watch;
    };
    void accept()
    {
        Connection peer{Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)), nullptr};
        if (!peer.fd)
            return;
        auto fd = peer.fd.get();
        peer.watch = std::make_unique<mta::event::Watch>(loop_, fd, mta::event::readable, [this, fd](short) { readable_(fd); });
        peers_.push_back(std::move(peer));
        accepted_(fd);
    }
    mta::event::Loop& loop_;
    Handler accepted_, readable_;
    Fd fd_;
    std::unique_ptr<mta::event::Watch> watch_;
    std::vector<Connection> peers_;
};

// An authentication service whose answers are those of the input, and its greeting if that shall be so.
class Auth {
public:
    Auth(mta::event::Loop& loop, fuzz::Input answers, bool greets_as_told)
        : answers_(answers), greets_as_told_(greets_as_told), listener_(loop, path("auth"), [this](int fd) { greet(fd); }, [this](int fd) { hear(fd); }) {}
    // Nobody need wait for it until his time is over.
    bool is_sensible() const { return is_sensible_; }

private:
    static void say(int fd, std::string_view text) { (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }
    void greet(int fd)
    {
        if (greets_as_told_)
            return say_anything(fd, cat(answers_.text('\n'), "\n", answers_.text('\n'), "\nDONE\n"));
        say(fd, "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tSCRAM-SHA-256\nDONE\n");
    }
    void hear(int fd)
    {
        char bytes[20000];
        auto count = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count <= 0)
            return listener_.drop();
        for (auto line : split(std::string_view(bytes, static_cast<std::size_t>(count)), '\n')) {
            auto words = split(line, '\t');
            HOLDS(words.size() < 2 || line.find_first_of(std::string_view("\r\0", 2)) == std::string_view::npos);
            if (words[0] == "AUTH" || words[0] == "CONT")
                answer(fd, words.size() > 1 ? words[1] : "0");
        }
    }
    void say_anything(int fd, std::string_view text)
    {
        is_sensible_ = false;
        say(fd, text);
    }
    void answer(int fd, std::string_view id)
    {
        switch (answers_.number(8)) {
        case 0: return say(fd, cat("OK\t", id, "\tuser=anna\tticket=t\n"));
        case 1: return say(fd, cat("FAIL\t", id, "\tuser=anna\treason=no\n"));
        case 2: return say(fd, cat("CONT\t", id, "\tVXNlcm5hbWU6\n"));
        case 3: return say(fd, cat("FAIL\t", id, "\ttemp\tcode=", answers_.text('\n'), "\n"));
        case 4: return say(fd, cat("OK\t", id, "\tuser=", auth::wire_escape(answers_.text('\n')), "\n"));
        case 5: return say(fd, cat("FAIL\t", id, "\tuser=anna\tcode=", auth::wire_escape(answers_.text('\n')), "\n"));
        case 6: return say_anything(fd, cat(answers_.text('\n'), "\n"));
        default: listener_.drop();
        }
    }
    fuzz::Input answers_;
    bool greets_as_told_, is_sensible_ = true;
    Listener listener_;
};

// A worker that looks at what it is given, and gives the session back once.
class Worker {
public:
    Worker(mta::event::Loop& loop, bool gives_back) : gives_back_(gives_back), listener_(loop, path("worker"), [](int) {}, [this](int fd) { hear(fd); }) {}

private:
    void hear(int fd)
    {
        if (!channel_)
            channel_.emplace(Fd(::dup(fd)));
        if (!channel_->read_available())
            return end();
        for (auto message = channel_->take(); message && *message; message = channel_->take())
            if ((*message)->find("protocol"))
                return took(std::move(**message));
    }
    void took(ipc::Message message)
    {
        auto session = ipc::unpack<service::Session>(message);
        HOLDS(session && message.fd);
        HOLDS(printable(session->helo) == session->helo && session->pending.size() <= 40000);
        HOLDS(session->sasl_username.empty() || !session->sasl_method.empty());
        if (gives_back_) {
            gives_back_ = false;
            session->state = "idle";
            session->pending.clear();
            auto back = ipc::pack(*session);
            back.fd = std::move(message.fd);
            channel_->send(back);
        }
        end();
    }
    void end()
    {
        channel_.reset();
        listener_.drop();
    }
    bool gives_back_;
    std::optional<ipc::Channel> channel_;
    Listener listener_;
};

void turn(mta::event::Loop& loop, int times)
{
    for (int i = 0; i < times; ++i)
        ::event_base_loop(loop.base(), EVLOOP_NONBLOCK);
}

void hear(int fd, std::string& heard)
{
    char bytes[65536];
    for (ssize_t count = 0; (count = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        heard.append(bytes, static_cast<std::size_t>(count));
}

// What the client says: a line at a time, as one that waits for its answers, or in any pieces.
template <class Each>
void say(std::string_view text, std::size_t seed, const Each& each)
{
    if (seed % 2 == 1)
        return fuzz::in_pieces(text, seed, each);
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n') == std::string_view::npos ? text.size() : text.find('\n') + 1);
        each(line);
        text.remove_prefix(line.size());
    }
}

// A client that says all it has to say, sees the server stop if it does, and goes: what it heard.
template <class Stop>
std::string visit(mta::event::Loop& loop, std::string_view text, std::size_t seed, const Stop& stop)
{
    auto connected = net::connect_unix(path("front"));
    HOLDS(connected);
    Fd client = *std::move(connected);
    turn(loop, 6);
    std::string heard;
    say(text, seed, [&](std::string_view piece) {
        (void)::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        turn(loop, 3);
        hear(client.get(), heard);
    });
    stop();
    turn(loop, 3);
    ::shutdown(client.get(), SHUT_WR);
    turn(loop, 12);
    hear(client.get(), heard);
    return heard;
}

void check_lines(std::string_view text)
{
    HOLDS(text.empty() || text.ends_with("\r\n"));
    for (std::size_t at = text.find_first_of(std::string_view("\r\n\0", 3)); at != std::string_view::npos; at = text.find_first_of(std::string_view("\r\n\0", 3), at + 2))
        HOLDS(text.substr(at, 2) == "\r\n");
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    static const Site sites[] = {Site("smtpd"), Site("imapd"), Site("pop3d"), Site("smtpd", without_certificate), Site("smtpd", lax),
                                 Site("imapd", "imapd_tls_wrappermode = yes\n")};
    fuzz::Input in(input);
    const auto& site = sites[in.number(std::size(sites))];
    bool gives_back = in.flag();
    auto seed = in.number(256);
    auto answers = in.text('\0');
    mta::event::Loop loop;
    std::optional<Auth> auth;
    std::remove(path("auth").c_str());
    if (seed % 16 != 15)  // else there is no such service
        auth.emplace(loop, fuzz::Input(answers), seed % 8 == 7);
    Worker worker(loop, gives_back);
    std::vector<Fd> listeners;
    std::remove(path("front").c_str());
    auto listener = net::listen_unix(path("front"), 0600);
    HOLDS(listener);
    listeners.push_back(*std::move(listener));
    front::Server server(loop, site.settings, {path("worker"), path("auth"), path("dns"), path("notify")});
    server.start(listeners, {});
    bool is_stopped = false;
    auto stop = [&] {
        if (seed % 4 == 3)
            server.stop([&] { is_stopped = true; });
    };
    check_lines(visit(loop, in.rest(), seed, stop));
    for (int i = 0; i < 100 && server.find(1); ++i)
        turn(loop, 3);
    turn(loop, 3);
    bool is_waiting = !auth || !auth->is_sensible();
    HOLDS(is_waiting || (!server.find(1) && (is_stopped || seed % 4 != 3)));
}
