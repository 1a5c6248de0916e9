#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/fd.h"
#include "event/event.h"
#include "ipc/peer.h"
#include "service/session.h"

namespace mta::front {

class Connection;
class Server;
class Wire;

// A session in the hands of a worker: the connection to the worker, whose end is the session's end, and for TLS the
// socketpair that stands for the client's connection there. Buffers both ways are bounded: who reads slowly slows the other down.
class Handover {
public:
    // The wire stays the Connection's; without TLS its descriptor goes to the worker.
    Handover(Server& server, Connection& connection, Wire& wire, service::Session session);
    ~Handover();
    Handover(const Handover&) = delete;

    // Moves what can be moved between client and worker; for the client's socket, when that is ready.
    void pump();
    // What the client's socket should be watched for.
    short wanted() const;
    bool has_relay() const { return static_cast<bool>(ours_); }

private:
    void try_connect();
    void try_again(const std::string& why);
    void send_session(Fd fd);
    void take_back();
    Fd make_pair();
    void answered(ipc::Message message);
    void ended();
    void to_client();
    bool take_from_worker();
    void from_client();
    bool send_to_worker();
    void take_back_unread(std::string& into);
    void finish_if_drained();

    Server& server_;
    Connection& connection_;
    Wire& wire_;
    service::Session session_;
    std::unique_ptr<ipc::Peer> worker_;
    Fd connecting_;
    Fd ours_, theirs_;                // TLS: the two ends; a copy of the worker's, so that nothing unread is lost when it gives up
    std::unique_ptr<event::Watch> watch_;
    std::string to_worker_;
    bool client_ended_ = false, worker_ended_ = false;
    std::chrono::milliseconds retry_delay_{5};
    std::chrono::steady_clock::time_point deadline_;
    event::Timer again_;
};

}  // namespace mta::front
