#pragma once

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <unordered_map>
#include <string>

#include "daemon/process.h"
#include "ipc/peer.h"
#include "qmgr/due.h"
#include "qmgr/site_flush.h"
#include "qmgr/transport.h"
#include "qmgr/visitors.h"
#include "service/bounce.h"
#include "service/qmgr.h"
#include "service/rewrite.h"

namespace mta::qmgr {

constexpr long leftover_seconds = 3600;  // of files of mails that were never committed

// The queue manager: activates mail when it is due, has its recipients resolved, gives them to transports, and decides
// what becomes of the mail then. Knows all of the queue in memory after one look at the directories at start.
class Manager : private Observer {
public:
    Manager(event::Loop& loop, daemon::Process& process, const Params& params, std::map<std::string, long> process_limits, Visitors& visitors);
    ~Manager() override;
    void start();
    // Starts nothing more and calls done when all deliveries are over, or after some seconds: what an agent still
    // delivers then it reports to the next qmgr.
    void stop(std::function<void()> done);

private:
    // Requests of others (requests.cc)
    void handle(uid_t user, ipc::Message message, const ipc::Server::Reply& reply);
    service::QueueReply obey(const service::QueueRequest& request);
    service::QueueReply orphan(const ipc::Message& message);
    service::QueueReply late_results(ActiveMail& mail, const std::vector<service::RecipientStatus>& statuses);
    void look_into_incoming();

    // The way of a mail (manager.cc)
    void scan(queue::State state);
    void activate_due();
    bool is_full() const;
    std::size_t counted_recipients(const ActiveMail& mail) const;
    bool make_room();
    void activate(const std::string& id, queue::State state, bool first_try);
    bool open_mail(ActiveMail& mail);
    void look_again(const std::string& id, queue::State state, const Error& error);
    void unreadable(const std::string& id, const Error& error);
    void resolve(ActiveMail& mail);
    static std::vector<long> next_recipients(ActiveMail& mail, std::size_t limit);
    void ask_next(ActiveMail& mail);
    void resolved(const std::string& id, std::vector<long> numbers, const Result<ipc::Message>& answer);
    void distribute(ActiveMail& mail, const std::vector<long>& numbers, const std::vector<service::Resolved>& results);
    Transport& transport(const std::string& name);
    bool is_deferred_transport(const std::string& name) const;

    // Results (outcome.cc)
    void recipient_done(ActiveMail& mail, const service::RecipientStatus& status) override;
    void entry_done(Entry entry, const std::string& status, const std::string& text) override;
    void fail_here(ActiveMail& mail, const Entry::Target& target, const Error& error);
    void settle_if_over(ActiveMail& mail);
    void settle(ActiveMail& mail);                   // the attempt is over
    void expire(ActiveMail& mail, std::string_view how);
    void list_dsns(ActiveMail& mail);
    void send_dsns(ActiveMail& mail);                // one after the other, then finishes the mail
    void dsn_done(const std::string& id, const std::string& dsn, const Result<ipc::Message>& answer);
    bool wants_delay_warning(const ActiveMail& mail) const;
    void note_dsn(ActiveMail& mail, std::string_view kind);
    void note_sent_dsns(ActiveMail& mail);           // those that are in the queue, though a crash has taken the notes of them
    void note_before_removal(const ActiveMail& dsn);
    void finish(ActiveMail& mail);
    void remove(ActiveMail& mail);
    void defer(ActiveMail& mail, std::int64_t due);
    void record(ActiveMail& mail, const queue::Outcome& outcome);
    void sync_results(ActiveMail& mail);
    void sync_all_results();
    bool record_rest(ActiveMail& mail);
    void settle_unrecorded();
    void settle_later(const ActiveMail& mail);
    void keep_removable(ActiveMail& mail);
    template <class Record>
    bool append(ActiveMail& mail, const Record& record, bool sync);
    std::int64_t next_attempt(const ActiveMail& mail);
    void release(ActiveMail& mail);                  // forgets it and goes on with others
    void stop_if_idle();

    event::Loop& loop_;
    daemon::Process& process_;
    const Params& params_;
    Visitors& visitors_;
    const std::map<std::string, long> process_limits_;  // of transports
    queue::Directory queue_;
    std::unordered_map<std::string, std::unique_ptr<ActiveMail>> active_;
    std::size_t active_recipients_ = 0;
    std::deque<std::pair<std::string, bool>> fresh_;  // in incoming: queue ID, whether nobody can have tried it
    DueHeap due_;
    std::set<std::string> locked_;  // mails that somebody else held when they were due
    std::map<std::string, std::unique_ptr<Transport>> transports_;
    ipc::Caller rewrite_, bounce_;
    std::unique_ptr<ipc::Server> server_;
    SiteFlush site_flush_;
    event::Timer due_timer_, activate_timer_, stop_timer_, record_timer_, sync_timer_;
    std::vector<std::string> unsynced_;    // mails with results that may not be on the disk yet
    std::vector<std::string> unrecorded_;  // mails whose results could not be written or that could not be removed: they are settled later
    std::function<void()> stopped_;  // set while stopping
    std::minstd_rand random_;
    bool prefer_fresh_ = true;
};

}  // namespace mta::qmgr
