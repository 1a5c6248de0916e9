#pragma once

#include <cstddef>
#include <vector>

#include "deliver/agent.h"
#include "smtp/session.h"

namespace mta::smtpc {

// One mail to some recipients in a session: MAIL, RCPT, DATA, content, final dot. With PIPELINING (RFC 2920) all commands
// up to DATA travel in one packet. Final results are reported to the job at once.
class Transaction {
public:
    // A recipient that another server may still take, or that is to be deferred if there is none.
    struct Left {
        std::size_t index;
        deliver::Outcome outcome;
        bool is_final = false;  // no other server may be asked: this one may have taken the mail
    };

    // last: nothing follows in this session, so that QUIT can travel with the final dot.
    Transaction(Session& session, deliver::Job& job, std::vector<std::size_t> recipients, bool is_last);

    std::vector<Left> run();
    // The session ended before anything was decided about a recipient: a kept one may simply have been too old.
    bool was_cut() const { return was_cut_; }  // the session ended before the transaction
    bool was_useless() const { return was_cut_ && !has_answers_; }

private:
    bool check_features();
    void envelope();
    bool catch_up();
    void read_mail();
    void read_rcpt();
    void read_data();
    void content();
    void lmtp_results();
    void rest(const deliver::Outcome& outcome, bool is_final = false);
    void decide(std::size_t index, const deliver::Outcome& outcome, bool is_final = false);
    void accepted_by(std::size_t index, const smtp::Reply& reply);

    Session& session_;
    deliver::Job& job_;
    std::vector<std::size_t> recipients_;
    bool is_last_;
    std::vector<bool> is_decided_;        // by place in recipients_
    std::vector<bool> is_asked_;          // RCPT was sent, so a reply will come
    std::vector<std::size_t> accepted_;   // places
    std::vector<Left> left_;
    std::size_t sent_ = 0, answered_ = 0;
    bool mail_answered_ = false, mail_accepted_ = false, may_send_ = false, dot_sent_ = false;
    bool was_cut_ = false, has_answers_ = false;
};

}  // namespace mta::smtpc
