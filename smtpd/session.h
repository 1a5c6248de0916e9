#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "config/common.h"
#include "mail/envelope.h"
#include "net/stream.h"
#include "service/counters.h"
#include "smtp/command.h"
#include "smtpd/backends.h"
#include "smtpd/client.h"
#include "smtpd/params.h"
#include "smtpd/policy.h"
#include "smtpd/receiver.h"
#include "smtpd/space.h"

namespace mta::smtpd {

// What all sessions of a worker share.
struct Environment {
    const Params& params;
    const config::Common& common;
    const Policy& policy;
    Resolver& resolver;
    service::Dns& dns;
    Outlet& outlet;
    std::function<Space()> space;               // of the queue's file system
    std::function<bool()> stopping;             // this worker shall end
    net::Stream::Waiter wait = nullptr;         // for a client that is silent; throws net::Lost when the system stops
};

// One conversation from the first command that front does not answer itself, until the client ends it or it goes back
// to front: when the client is silent between mails, or says EHLO, STARTTLS or AUTH.
class Session {
public:
    Session(const Environment& environment, service::Session facts, Fd client);

    // True if front shall have the session back: facts() and release_client() are for it. Throws what nobody foresaw, no
    // memory for one: the process must end then, as a question of its to another daemon may be open.
    bool run();
    const service::Session& facts() const { return client_.facts; }
    long accepted_mails() const { return counters_.done("data"); }
    Fd release_client() { return stream_.release_fd(); }

private:
    struct Verb;
    // A mail from MAIL to the end of the message, RSET, or whatever goes wrong: its destruction is the only reset.
    struct Transaction {
        Transaction(smtp::MailFrom from, Budget& budget) : mail(std::move(from)), held(budget) {}
        // The only recipient, as the client gave it; null if there are several.
        const mail::Address* only_recipient() const { return recipients.size() == 1 ? &first_recipient : nullptr; }

        smtp::MailFrom mail;
        std::string queue_id;                   // from the first good recipient on
        std::vector<service::MailRecipient> recipients;
        mail::Address first_recipient;          // as the client gave it
        long refused_recipients = 0;
        Budget::Share held;                     // by the recipients
    };

    static const Verb* find(std::string_view name);
    void converse();
    bool wait_for_command();
    std::optional<std::string> read_command();
    bool skip_long_line();
    void obey(const std::string& line);
    void run_verb(const Verb& verb, const smtp::Command& command);
    bool is_out_of_step(const Verb& verb);

    void mail(const smtp::Command& command);
    void rcpt(const smtp::Command& command);
    void data(const smtp::Command& command);
    void rset(const smtp::Command& command);
    void noop(const smtp::Command& command);
    void vrfy(const smtp::Command& command);
    void help(const smtp::Command& command);
    void quit(const smtp::Command& command);
    void absent(const smtp::Command& command);
    void hand_back(const smtp::Command& command);
    void auth(const smtp::Command& command);

    // session_limits.cc
    void hit(std::string_view limit, std::string_view value) const;
    bool is_known_client();
    bool has_room(std::uint64_t announced) const;
    bool has_sent_enough();
    bool has_all_recipients();
    bool keep(service::MailRecipient recipient);
    void defer_recipient();

    void begin_mail();
    void receive_message();
    Receiver::Result receive_by(Receiver& receiver);
    service::Mail mail_record() const;
    std::string trace_field() const;

    void reply(std::string_view text);          // good
    void refuse(std::string_view text);         // an error of the client's, or trouble of ours
    void refuse_unknown(std::string_view text);
    void send_away(std::string_view limit, long value, std::string_view why);
    // A refusal by policy, which is logged: "reject: RCPT from PEER: ...".
    void reject(std::string_view text, const mail::Address* recipient);
    bool is_refused(const Policy::Verdict& verdict, const mail::Address* recipient);
    void log_verdict(std::string_view what, std::string_view text, const mail::Address* recipient) const;
    void log_lost(const net::Lost& lost) const;
    std::string queue_id() const { return transaction_ && !transaction_->queue_id.empty() ? transaction_->queue_id : "NOQUEUE"; }
    void disconnect(std::string_view last_words);
    void end_politely();
    Policy::Services services() const { return {environment_.resolver, environment_.dns}; }

    const Environment& environment_;
    const Params& params_;
    Client client_;
    net::Stream stream_;
    service::Counters counters_;
    smtp::BareNewline bare_newline_;
    Budget budget_{0};                          // what the client can make us keep
    std::optional<Transaction> transaction_;
    std::optional<bool> is_in_mynetworks_;      // nothing: not asked yet
    std::string where_ = "CONNECT";             // the command we are in, or were in last, for the log
    std::string line_;                          // as it was sent
    std::uint64_t message_bytes_ = 0;           // of the message that is being received
    long errors_ = 0, junk_ = 0, unknown_ = 0;
    bool refused_ = false, done_ = false, handed_back_ = false, in_message_ = false;
};

}  // namespace mta::smtpd
