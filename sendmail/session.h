#pragma once

#include <optional>
#include <string>
#include <vector>

#include "net/stream.h"
#include "sendmail/submit.h"
#include "smtp/command.h"

namespace mta::sendmail {

// sendmail -bs: an SMTP session (RFC 5321) with the program on standard input and output. Each mail goes through pickup
// as the mail of the calling user.
class Session {
public:
    struct Settings {
        std::string hostname, mail_name;
        long max_size = 0;
    };
    Session(net::Stream client, const Settings& settings, Submitter& submitter)
        : client_(std::move(client)), settings_(settings), submitter_(submitter) {}
    void run();

private:
    struct Transaction {
        service::Mail mail;
        std::vector<service::MailRecipient> recipients;
    };
    void obey(const smtp::Command& command);
    void hello(const smtp::Command& command);
    void mail(const std::string& argument);
    void rcpt(const std::string& argument);
    void data(const std::string& argument);
    // False if the message is too large; the client has sent it to its end all the same.
    Result<void> receive(Spool& spool);
    void reply(std::string_view text);

    net::Stream client_;
    const Settings& settings_;
    Submitter& submitter_;
    std::optional<Transaction> transaction_;
    bool done_ = false;
};

// Reads one descriptor and writes another one, for a Stream.
class TwoFds : public net::Transport {
public:
    TwoFds(int in, int out) : in_(in), out_(out) {}
    std::size_t read(char* into, std::size_t size, Deadline deadline) override;
    void write(std::string_view bytes, Deadline deadline) override;

private:
    int in_, out_;
};

}  // namespace mta::sendmail
