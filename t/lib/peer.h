#pragma once

#include <memory>
#include <string>
#include <vector>

#include "t/lib/command.h"

namespace mta::test {

// Postfix's smtp-sink: takes all mail, or fails as its options say, and keeps it.
class Sink {
public:
    explicit Sink(int port, const std::string& address = "127.0.0.1", const std::string& options = "");

    // Waits for that many mails; what smtp-sink wrote, one of them an element: X-... fields with the envelope, then the message with CRLF.
    std::vector<std::string> mails(std::size_t count) const;
    const std::string& directory() const { return directory_.path(); }

private:
    TemporaryDirectory directory_;
    std::unique_ptr<Background> server_;
};

// Debian's Postfix with a queue of its own; needs root. It takes mail for one domain at 127.0.0.1:port() and relays everything else
// to 127.0.0.1:relay_port.
class Postfix {
public:
    // more: lines for its main.cf.
    Postfix(const std::string& domain, int relay_port, const std::string& more = "");
    ~Postfix();
    Postfix(const Postfix&) = delete;
    int port() const { return port_; }
    const std::string& directory() const { return directory_.path(); }
    std::string log() const;
    // Mail in the mailbox of the only user, box@domain.
    std::vector<std::string> messages() const;

private:
    TemporaryDirectory directory_;
    int port_;
};

}  // namespace mta::test
