#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "event/event.h"
#include "ipc/peer.h"
#include "qmgr/destination.h"
#include "service/delivery.h"

namespace mta::qmgr {

// What a transport tells the manager.
class Observer {
public:
    virtual ~Observer() = default;
    virtual void recipient_done(ActiveMail& mail, const service::RecipientStatus& status) = 0;
    // The delivery of the entry is over; targets without a status are deferred with this text.
    virtual void entry_done(Entry entry, const std::string& status, const std::string& text) = 0;
};

// A transport: its destinations taking turns, and the connections to its delivery agents, each of which serves one owner.
class Transport {
public:
    struct Context {
        event::Loop& loop;
        const Params& params;
        Observer& observer;
        std::string socket_directory;  // "queue_directory/private/"
        const std::map<std::string, long>& process_limits;  // of the services in master.cf; 0: none
    };
    Transport(Context context, std::string name);
    ~Transport();

    const TransportSettings& settings() const { return settings_; }
    const std::string& name() const { return name_; }
    // Queues the entry, or gives it back with entry_done() at once if its destination is suspended.
    void add(const std::string& nexthop, Entry entry);
    void schedule();               // starts what may start
    void resume();                 // forgets suspensions
    void stop() { stopping_ = true; }  // starts nothing more
    long busy() const;
    // The destination for which the most mails wait; null if there is none.
    Destination* most_crowded() const;

private:
    struct Agent {
        std::unique_ptr<ipc::Peer> peer;
        std::string owner, nexthop;
        Destination* destination = nullptr;  // set while busy
        Entry entry;
        std::vector<bool> answered;          // of the entry's targets
        Clock::time_point idle_since, heard;  // heard: when it last said anything, or was asked
    };
    Agent* agent_for(const Entry& entry, const Destination& destination);
    Agent* connect(const std::string& owner);
    void start(Destination& destination);
    void received(Agent& agent, const ipc::Message& message);
    void finished(Agent& agent, const service::Delivered& delivered);
    void lost(Agent& agent);
    std::unique_ptr<Agent> remove(Agent& agent);
    void give_up(Agent& agent, const std::string& text, bool is_stuck);
    void give_up_stuck();
    bool has_room(std::size_t agents) const;
    void close_idle();
    void unavailable(const std::string& why);
    void forget_if_idle(Destination& destination);
    void list(Destination& destination);
    void give_back(std::list<Entry> entries, const std::string& status, const std::string& text);

    Context context_;
    std::string name_;
    TransportSettings settings_;
    long process_limit_;
    std::map<std::string, std::unique_ptr<Destination>> destinations_;
    std::deque<Destination*> round_;         // those that may have something to start
    std::vector<std::unique_ptr<Agent>> agents_;
    Clock::time_point dead_until_{};
    std::string dead_text_;
    bool stopping_ = false;
    event::Timer idle_timer_, wake_timer_, stuck_timer_;
};

}  // namespace mta::qmgr
