#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/channel.h"
#include "service/cleanup.h"

namespace mta::service {

// Hands mails to cleanup, one after the other, over a connection that is kept. A mail that is not finished is
// cancelled by closing the connection.
class Submission {
public:
    explicit Submission(std::string socket) : socket_(std::move(socket)) {}

    // Connects, if there is no connection; throws net::Lost if that fails.
    void connect();
    // Sends the envelope; connects anew if the kept connection was closed. Throws net::Lost when cleanup cannot be reached.
    void begin(const Mail& mail, const std::vector<MailRecipient>& recipients);
    // Content, LF line ends.
    void write(std::string_view bytes);
    // The end of the content; cleanup's answer. Throws net::Lost without one: then nobody knows.
    Accepted finish();
    void cancel()
    {
        channel_.reset();
        open_ = false;
    }
    bool is_open() const { return open_; }
    bool is_connected() const { return channel_.has_value(); }

private:
    void send_envelope(const Mail& mail, const std::vector<MailRecipient>& recipients);

    std::string socket_;
    std::optional<ipc::Channel> channel_;
    bool open_ = false;
};

}  // namespace mta::service
