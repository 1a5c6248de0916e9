#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/wire.h"
#include "base/fd.h"
#include "event/event.h"

namespace mta::auth {

// Asks an authentication service by Dovecot's protocol, many logins at a time over one connection, in an event loop.
// Connects when needed, and again when the connection is lost; whatever was in hand then fails for now.
class Client {
public:
    struct Request {
        std::string mechanism, service;      // service: "smtp", "imap", "pop3"
        std::string remote_address, local_address;
        bool secured = false;                // nobody can listen: TLS
        std::optional<std::string> response; // the initial response in base64; "" is an empty one
    };
    struct Reply {
        enum class Kind { challenge, ok, fail };
        Kind kind = Kind::fail;
        std::string challenge;               // in base64
        std::string user, ticket;            // user also of a failure, if it is known
        bool temporary = false;              // nobody can tell now
        std::string code, reason;
    };
    using Handler = std::function<void(const Reply&)>;

    Client(event::Loop& loop, std::string path, std::chrono::milliseconds limit = std::chrono::seconds(60));
    ~Client();
    Client(const Client&) = delete;

    // The handler is called for every challenge and once for the end, never before this returns.
    std::uint32_t begin(Request request, Handler handler);
    // The answer to a challenge, in base64.
    void respond(std::uint32_t id, const std::string& base64);
    // The handler is not called any more.
    void cancel(std::uint32_t id);

    // What the service offers, as it was heard last; empty before that.
    const std::vector<std::string>& mechanisms() const { return mechanisms_; }

private:
    using Clock = std::chrono::steady_clock;
    struct Login {
        Request request;
        Handler handler;
        Clock::time_point deadline;
        bool sent = false, waiting = true;   // waiting for the service, not for the client
    };
    void connect();
    void ready(short what);
    bool read();
    bool take(const WireLine& line);
    void finish(std::uint32_t id, const Reply& reply);
    void send_begin(std::uint32_t id, Login& login);
    void send(std::string_view text);
    bool flush();
    void lost(std::string_view why);
    void tick();

    event::Loop& loop_;
    std::string path_;
    std::chrono::milliseconds limit_;
    Fd fd_;
    std::string in_, out_;
    std::vector<std::string> mechanisms_, heard_;
    std::map<std::uint32_t, Login> logins_;
    std::uint32_t last_id_ = 0;
    bool is_ready_ = false;                  // DONE was heard
    bool is_warned_ = false;
    event::Timer timer_;
    std::unique_ptr<event::Watch> watch_;
};

}  // namespace mta::auth
