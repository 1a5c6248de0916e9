#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "pickup/params.h"
#include "service/submission.h"
#include "table/match_list.h"

namespace mta::pickup {

// What a worker keeps between connections.
struct Tools {
    const Params& params;
    const table::MatchList& users;  // authorized_submit_users
    service::Submission cleanup;
};

// Takes the mails of one local program, whose user the kernel tells, and hands them to cleanup. The text of a positive
// answer is the queue ID.
class Intake {
public:
    Intake(Tools& tools, Fd client);
    void run();

private:
    service::Accepted take(const service::Mail& submitted);
    Result<std::vector<service::MailRecipient>> receive_recipients();
    Result<void> check_user() const;
    // Copies the content to cleanup, whose answer it gives.
    service::Accepted copy(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients);
    Result<void> copy_content(const service::Mail& mail);
    std::string next_chunk();
    void skip_content();

    Tools& tools_;
    ipc::Channel channel_;
    uid_t uid_ = 0;
    bool content_ended_ = false;
};

}  // namespace mta::pickup
