#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/agent.h"
#include "net/stream.h"
#include "smtp/mx.h"
#include "smtp/params.h"
#include "smtp/reply.h"

namespace mta::smtpc {

using net::Seconds;

// What the client is doing, in the words of log lines.
struct Stage {
    std::string_view activity;  // "lost connection with H while ..."
    std::string_view command;   // "(in reply to ...)"
};
namespace stage {
constexpr Stage greeting{"receiving the initial server greeting", "the connection"};
constexpr Stage ehlo{"performing the EHLO handshake", "EHLO command"};
constexpr Stage helo{"performing the HELO handshake", "HELO command"};
constexpr Stage lhlo{"performing the LHLO handshake", "LHLO command"};
constexpr Stage starttls{"performing the STARTTLS handshake", "STARTTLS command"};
constexpr Stage auth{"performing the AUTH handshake", "AUTH command"};
constexpr Stage mail{"sending MAIL FROM", "MAIL FROM command"};
constexpr Stage rcpt{"sending RCPT TO", "RCPT TO command"};
constexpr Stage data{"sending DATA command", "DATA command"};
constexpr Stage body{"sending message body", "message body"};
constexpr Stage end{"sending end of data -- message may be sent more than once", "end of DATA command"};
constexpr Stage rset{"sending final RSET", "final RSET command"};
constexpr Stage quit{"sending QUIT", "QUIT command"};
}  // namespace stage

// What a server has offered.
struct Features {
    bool pipelining = false, eight_bit = false, starttls = false, dsn = false, utf8 = false, size = false;
    std::uint64_t size_limit = 0;      // 0: none
    long mail_limit = 0;               // RFC 9422: MAILMAX; 0: none
    std::vector<std::string> auth;     // mechanisms
};
Features parse_features(const smtp::Reply& reply, const std::vector<std::string>& discarded);

// The server says that it ends the session (421): nothing more can be asked in it.
struct Shutdown {
    smtp::Reply reply;
    Stage stage;
};

// A connection to one server, from the greeting to QUIT. Reading and writing throw net::Lost, and Shutdown after a 421.
class Session {
public:
    Session(const Params& params, Host host, bool is_lmtp, net::Stream stream);

    // Reads the greeting and says hello. The outcome says why the server does not want to talk to us, or is ourselves.
    std::optional<deliver::Outcome> greet();
    std::optional<deliver::Outcome> say_hello();

    void send(std::string_view line);         // collects; reading sends
    void send_secret(std::string_view line);  // the same, never logged
    smtp::Reply reply(const Stage& stage, Seconds limit);

    // "host H said: ... (in reply to X command)": permanent for 5xx replies, else temporary.
    deliver::Outcome outcome_of(const smtp::Reply& reply, const Stage& stage) const;
    deliver::Outcome refused(const smtp::Reply& reply) const;   // "host H refused to talk to me: ..."
    deliver::Outcome lost(const net::Lost& lost) const;         // "lost connection with H while ..."
    deliver::Outcome failed(std::string status, std::string text) const;

    void reset();                      // RSET after a transaction that was given up
    void quit();                       // a goodbye; errors do not matter any more
    void quit_with_last_command();     // adds QUIT to what is sent next
    void abandon() { dead_ = true; }
    // Open and silent, so that another mail may be sent.
    bool is_usable();
    void transaction_done() { ++uses_; }

    const Host& host() const { return host_; }
    const Params& params() const { return params_; }
    const Features& features() const { return features_; }
    net::Stream& stream() { return stream_; }
    bool is_lmtp() const { return is_lmtp_; }
    bool is_dead() const { return dead_; }
    bool has_tls() const { return stream_.has_transport(); }
    long uses() const { return uses_; }
    void set_stage(const Stage& stage) { stage_ = stage; }

private:
    std::string line(net::Transport::Deadline deadline);
    bool is_myself(const smtp::Reply& reply) const;
    deliver::Outcome loop() const;

    const Params& params_;
    Host host_;
    bool is_lmtp_;
    net::Stream stream_;
    Features features_;
    Stage stage_ = stage::greeting;
    std::string garbage_;              // what came instead of a reply
    std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
    long uses_ = 0;
    bool dead_ = false, quit_sent_ = false;
};

}  // namespace mta::smtpc
