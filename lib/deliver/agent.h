#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/process.h"
#include "ipc/channel.h"
#include "service/delivery.h"

// What all delivery agents share: taking requests from qmgr, reporting and logging what became of each recipient.
namespace mta::deliver {

enum class Action { sent, deferred, bounced };

struct Outcome {
    Action action = Action::deferred;
    std::string status;            // enhanced status (RFC 3463)
    std::string text;              // in the log line's parentheses and in the DSN
    std::string mta, reply;        // remote MTA and its reply, for the DSN
    bool is_relayed = false;       // sent to a system that will send no DSN of its own (RFC 3464 action "relayed")
};

// An Error as an outcome: permanent ones bounce.
Outcome outcome_of(const Error& error);
// "sent" in the log; 2.0.0 unless another status is given.
Outcome sent(std::string text, std::string status = "2.0.0");

// One request: a mail and some of its recipients.
class Job {
public:
    // Without any progress within the limit the process ends (0: never).
    Job(service::DeliveryRequest request, Fd message, ipc::Channel& qmgr, std::string qmgr_socket,
        std::chrono::seconds limit = std::chrono::seconds(0));
    ~Job();
    Job(const Job&) = delete;

    const service::DeliveryRequest& request() const { return request_; }
    int message() const { return message_.get(); }  // read-only; content from request().offset, request().size bytes, LF ends
    std::size_t recipients() const { return request_.recipients.size(); }
    const service::DeliveryRecipient& recipient(std::size_t index) const { return request_.recipients[index]; }
    bool is_reported(std::size_t index) const { return reported_[index]; }

    // Something went on, however slowly: neither our own limit nor qmgr's ends this delivery now. Every report is progress.
    void progress();
    // The connection is set up, the transfer begins: for delays=a/b/c/d.
    void connected();
    // A recipient's result: one log line, one answer to qmgr, at once. relay: "virtual", "none", "mx.example[192.0.2.1]:25";
    // extra: what stands before "delay=" in the line, like "conn_use=2".
    void report(std::size_t index, const Outcome& outcome, std::string_view relay, std::string_view extra = "");
    void report_rest(const Outcome& outcome, std::string_view relay);  // all that have none yet
    // The destination as a whole could not be reached; qmgr may suspend it.
    void site_failed(std::string status, std::string text);
    // A line of the log that begins with the queue ID.
    template <class... Parts>
    std::string prefixed(const Parts&... parts) const
    {
        return cat(request_.queue_id, ": ", parts...);
    }

    // The end of the answers; with a lost qmgr: reports to the next one, then false. closing: no further request is taken.
    bool finish(bool closing = false);

private:
    void send(const service::RecipientStatus& status);
    bool report_to_next(const service::RecipientStatus* begin, const service::RecipientStatus* end) const;
    std::string delays() const;

    service::DeliveryRequest request_;
    Fd message_;
    ipc::Channel& qmgr_;
    std::string qmgr_socket_;
    std::chrono::seconds limit_;
    std::int64_t started_, connected_ = 0, told_;  // told_: when qmgr last heard of us
    std::vector<bool> reported_;
    service::Delivered delivered_;
    bool qmgr_lost_ = false;
    std::vector<service::RecipientStatus> unreported_;
};

// What every agent that runs no programs may do: take requests, and report to any qmgr that is there.
sandbox::Rules rules(const daemon::Process& process);

struct Options {
    // Becomes the mailbox owner named by the first message and refuses requests for others.
    bool as_owner = false;
    std::string default_owner;     // for an empty owner: "nobody"
    std::function<void()> before_owner = nullptr;  // called before that: connects to services that the owner must not reach
    // True after a delivery: the worker cannot go on, as it has lost a connection that the owner must not make. It ends; another comes.
    std::function<bool()> is_spent = nullptr;
    // Opens tables again that were replaced; called before each request, and in the parent with its rights.
    std::function<void()> renew = nullptr;
    // Called when no request came for a while on an open connection, and at its end: close what is kept open.
    std::function<void()> idle = nullptr;
    net::Seconds idle_after{2};
};

// Runs an agent: for each request the handler must report every recipient; those it leaves out, and those of a
// handler that throws, are deferred. The handler knows the owner it runs as.
int run(daemon::Process& process, const Options& options,
        const std::function<void(Job& job, const std::optional<daemon::User>& owner)>& handler);

// With two significant digits and not finer than 0.01, as delays are logged: 0, 0.05, 0.3, 1.2, 12, 3600.
std::string format_delay(double seconds);

}  // namespace mta::deliver
