#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sendmail/input.h"
#include "service/submission.h"

namespace mta::sendmail {

// Hands mails to pickup and waits for a mail system that is restarting, at most as long as it is told.
class Submitter {
public:
    Submitter(std::string socket, std::chrono::seconds wait_limit) : submission_(std::move(socket)), wait_limit_(wait_limit) {}

    // The queue ID, or why there is none. A mail is tried again only as long as pickup cannot have accepted it.
    Result<std::string> submit(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients, Spool& content);

private:
    Result<void> send(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients, Spool& content);
    Result<std::string> finish();

    service::Submission submission_;
    std::chrono::seconds wait_limit_;
};

}  // namespace mta::sendmail
