#pragma once

#include "deliver/agent.h"
#include "deliver/command.h"
#include "pipe/attributes.h"
#include "pipe/params.h"

namespace mta::pipe {

// Gives mails to the command of one service.
class Delivery {
public:
    Delivery(const Params& params, std::string service, Attributes attributes);

    // Runs the command for all recipients together; for each by itself when the message differs between them.
    void run(deliver::Job& job) const;

private:
    void run_for(deliver::Job& job, const std::vector<std::size_t>& indexes) const;
    deliver::Outcome outcome_for(deliver::Job& job, const std::vector<std::size_t>& indexes) const;
    Result<deliver::Command> command_for(const deliver::Job& job, const std::vector<std::size_t>& indexes) const;

    const Params& params_;
    std::string service_;
    Attributes attributes_;
    std::chrono::seconds time_limit_;
};

}  // namespace mta::pipe
