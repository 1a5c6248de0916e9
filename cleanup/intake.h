#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "cleanup/header.h"
#include "cleanup/line_length.h"
#include "ipc/channel.h"
#include "queue/stock.h"
#include "service/rewrite.h"

namespace mta::cleanup {

// The only way into the queue: takes mails of one connection one after the other, and answers each when it is durable.
class Intake {
public:
    // What a worker keeps between connections.
    struct Tools {
        const Params& params;
        queue::Directory& queue;
        queue::Stock stock;
        ipc::Client rewrite;
        std::string qmgr_socket;
        std::optional<ipc::Channel> qmgr;
    };
    Intake(Tools& tools, Fd client) : tools_(tools), channel_(std::move(client)) {}
    void run();

private:
    service::Accepted take(service::Mail mail);
    Result<void> receive_recipients(queue::Envelope& envelope);
    Result<void> copy_content(const service::Mail& mail, queue::Envelope& envelope, std::optional<queue::Writer>& writer);
    Result<void> expand(queue::Envelope& envelope);
    Result<void> check_size(std::uint64_t bytes) const;
    Result<void> check_lines(const LineLength& lines) const;
    std::string receive_header();
    void skip_content();
    void tell_qmgr(const std::string& queue_id);

    Tools& tools_;
    ipc::Channel channel_;
    bool content_ended_ = false;
};

}  // namespace mta::cleanup
