#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace mta::test {

// What is sent (empty: nothing, only the greeting is read) and how the reply must begin.
struct Step {
    std::string send, expected;
};

// A client without TLS that speaks lines, with a time limit for each; an exception when the server goes or is too slow.
class Connection {
public:
    explicit Connection(int port, std::string_view server = "127.0.0.1", std::string_view client = "127.0.0.1");

    void write(std::string_view bytes);  // as they are
    // The same, to a server that may close the connection or stop reading at any time: false if it does.
    bool try_write(std::string_view bytes);
    std::string line();                  // without CRLF
    std::string reply();                 // of SMTP: all lines, each with LF
    std::string command(std::string_view text)
    {
        write(std::string(text) + "\r\n");
        return reply();
    }
    // SMTP or POP3: one reply for each step, checked.
    void talk(std::initializer_list<Step> steps);
    // IMAP: sends the command with a tag and returns everything up to the tagged line, which is the last.
    std::string imap(std::string_view text);
    // Is the connection closed by the server within the time, whatever it says before?
    bool is_closed(std::chrono::milliseconds limit);
    // Everything that the server says until it closes the connection or says nothing for so long.
    std::string rest(std::chrono::milliseconds limit);
    // Ends both directions; whoever reads or writes here meanwhile is told.
    void shut_down();
    // Breaks off with a reset, not with the end of file that the destructor makes.
    void reset();
    void set_limit(std::chrono::milliseconds limit) { limit_ = limit; }
    int fd() const { return socket_.get(); }

private:
    std::string read_some(std::chrono::milliseconds limit);

    Fd socket_;
    std::string buffer_;
    std::chrono::milliseconds limit_ = std::chrono::seconds(20);
    int tag_ = 0;
};

}  // namespace mta::test
