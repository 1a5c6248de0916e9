#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/client.h"
#include "service/session.h"

namespace mta::front {

class Connection;
class Server;

// How a conversation came to its end, for the log.
enum class End { quit, closed, lost, timeout, too_many_errors, refused, stopped };

// What is said to a client before a worker is needed, in the words of one protocol. Nothing here waits: what takes time
// calls the Connection, which pauses, and goes on with obey() later.
class Dialog {
public:
    Dialog(Server& server, Connection& connection, service::Session& session)
        : server_(server), connection_(connection), session_(session) {}
    virtual ~Dialog();
    Dialog(const Dialog&) = delete;

    virtual void greet() = 0;                          // the connection stands
    virtual void take(std::string line) = 0;           // a whole line, without its end
    virtual void take_literal(std::string) {}          // what expect_literal() has asked for
    virtual void refuse_long_line() = 0;               // a line was too long and is skipped
    virtual void tls_started() {}                      // by a command of the client
    virtual void say_timeout() = 0;
    virtual void say_unavailable(std::string_view why) = 0;  // no worker can be had: the last words
    virtual void came_back() {}                        // from a worker; the session says more
    virtual bool may_come_back() const { return false; }
    virtual std::unique_ptr<Dialog> successor() { return nullptr; }  // who speaks from then on
    virtual bool is_limited_for_life() const { return true; }        // false: who has logged in counts no more
    virtual bool takes_lines() const { return true; }  // false: all that the client says is for a worker...
    virtual void spoke() {}                            // ...and it has said something
    virtual void woken() {}                            // by notify
    virtual std::chrono::milliseconds patience() const;  // how long the client may take
    virtual bool waits_on() { return false; }          // that time is over: true if this is not the end
    virtual void timed_out();                          // it was: counts that as a hit of its limit
    virtual void log_end(End end) = 0;                 // the conversation ended here, not in a worker
    virtual std::size_t max_line_bytes(std::string_view begin) const = 0;  // of the line that begins so
    virtual std::size_t held_bytes() const { return 0; }  // of the client, besides what its Connection holds
    virtual std::string_view service() const = 0;      // as auth knows it: "smtp"

    // A line of the client belongs to a login that is going on.
    bool is_logging_in() const { return login_ != 0; }

protected:
    // Starts SASL; one of the three below is called in the end.
    void begin_login(const std::string& mechanism, std::optional<std::string> base64);
    void answer_challenge(const std::string& base64);
    void cancel_login();
    virtual void say_challenge(const std::string& base64) = 0;
    virtual void logged_in(const auth::Client::Reply& reply) = 0;
    virtual void login_failed(const auth::Client::Reply& reply) = 0;

    // "AUTH PLAIN ..." is offered here and now: what auth has, without plaintext mechanisms where they are forbidden.
    std::string mechanisms(std::string_view prefix, bool plaintext) const;

    Server& server_;
    Connection& connection_;
    service::Session& session_;
    std::string mechanism_;                            // of the login going on, or the last one

private:
    void replied(const auth::Client::Reply& reply);
    std::uint32_t login_ = 0;
};

std::unique_ptr<Dialog> make_dialog(std::string_view worker, Server& server, Connection& connection, service::Session& session);

}  // namespace mta::front
