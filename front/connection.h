#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/budget.h"
#include "event/event.h"
#include "front/dialog.h"
#include "front/handover.h"
#include "front/wire.h"
#include "net/address.h"
#include "service/session.h"

namespace mta::front {

// One client, from accept to the end. Small while idle: there may be ten thousand.
class Connection {
public:
    Connection(Server& server, std::uint64_t id, Fd fd, const net::Endpoint& client, const net::Endpoint& local);
    ~Connection();
    Connection(const Connection&) = delete;

    void start();                                     // looks up the name, or greets, or starts TLS
    void name_known(const std::string& name, const std::string& reverse_name);
    // The server stops: whoever is between two commands is told so.
    void stop();
    void woken();                                     // notify has news for a session that waits for them

    // For the dialog.
    std::uint64_t id() const { return id_; }
    void reply(std::string_view text) { wire_.write(text); }
    void expect_literal(std::size_t bytes) { literal_bytes_ = bytes; }
    void pause() { paused_ = true; }                  // until resume(): nothing more is obeyed
    void resume();
    void resume_later(std::chrono::milliseconds delay);
    void start_tls();                                 // after what was replied; what the client has sent too early is thrown away
    void push_back_line(std::string_view line);       // it stands in front of the input again
    void hand_over();                                 // the session goes to a worker
    void close(End end);                              // after what was replied
    bool has_input();                                 // the client has sent more than the line that is obeyed
    std::string_view input() const { return in_; }
    bool has_tls() const { return wire_.tls() != nullptr; }
    tls::Engine* tls() const { return wire_.tls(); }
    const net::Address& address() const { return address_; }
    bool is_implicit_tls() const { return implicit_tls_; }
    std::string peer() const;                         // "name[192.0.2.1]"

private:
    friend class Handover;
    static constexpr std::size_t max_input_bytes = 16384, max_piece_bytes = 4096, max_unsent_bytes = 8192;
    enum class State { naming, handshake, talking, handing, closing };
    enum class Due { nothing, name, handshake, command, delay, flush, linger };

    void ready(short what);
    Wire::Got fill();
    void receive();
    void work();
    bool can_answer();
    bool keep_account();
    bool take_line();
    bool take_literal();
    void handshake_done();
    void greet();
    void wait_for_command();
    void send_away();
    void set_due(Due due, std::chrono::milliseconds delay);
    void due();
    void watch();
    void sent();
    void begin_hand_over();
    void returned(service::Session session, Fd fd);   // from a worker
    void session_ended();
    void no_worker(std::string_view why);
    void finish();                                    // destroys this, soon

    Server& server_;
    std::uint64_t id_;
    net::Address address_;
    Wire wire_;
    service::Session session_;
    std::unique_ptr<Dialog> dialog_;
    std::unique_ptr<Handover> handover_;
    std::string in_;                                  // plaintext that was read and not obeyed
    Budget budget_;
    Budget::Share held_;                              // by all members for the client
    std::size_t literal_bytes_ = 0;
    State state_ = State::naming;
    Due due_ = Due::nothing;
    bool paused_ = false, skipping_ = false, at_end_ = false, is_greeted_ = false, implicit_tls_ = false, working_ = false,
         flushing_for_worker_ = false, is_counted_ = true, is_finished_ = false, is_stopping_ = false;
    event::Timer timer_;
    std::unique_ptr<event::Watch> watch_;             // none while a worker has the descriptor
};

}  // namespace mta::front
