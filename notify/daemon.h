#pragma once

#include <map>
#include <memory>
#include <vector>

#include "event/event.h"
#include "ipc/peer.h"
#include "notify/instance.h"
#include "notify/registry.h"
#include "service/notify.h"

namespace mta::notify {

// Listens to workers and to front, and to the kernel. Anybody may connect: all that a stranger can do is wait for changes in
// directories that he may read, within the limits of his uid.
class Daemon {
public:
    struct Limits {
        Registry::Limits registry;
        std::size_t connections = 512;   // of one uid
    };
    Daemon(event::Loop& loop, const std::vector<Fd>& listeners, Limits limits);
    ~Daemon();
    Daemon(const Daemon&) = delete;

private:
    struct Guest {
        uid_t uid;
        std::unique_ptr<ipc::Peer> peer;
    };
    struct Owner {
        std::unique_ptr<Instance> instance;
        Registry::Clock::time_point used;
    };
    using Message = service::News;

    void accept(int listener);
    void received(Client client, ipc::Message message);
    void obey(Client client, const Message& request, Fd descriptor);
    void send(Client client, const Message& message, Fd descriptor = Fd());
    void send_instance(Client client, uid_t uid);
    void offered(Client client, uid_t uid, Fd descriptor);
    void add(Client client, uid_t uid, const Message& request);
    void happened(uid_t uid, int watch);
    void tell(const std::vector<Registry::Told>& told);
    void broken(uid_t uid);
    void remove_unused();
    void left(Client client);
    void sweep();

    event::Loop& loop_;
    Limits limits_;
    Registry registry_;
    std::map<Client, Guest> guests_;
    std::map<uid_t, std::size_t> connections_;
    std::map<uid_t, Owner> owners_;
    Client next_ = 1;
    event::Timer sweep_timer_, again_;
    std::vector<std::unique_ptr<event::Watch>> watches_;
};

}  // namespace mta::notify
