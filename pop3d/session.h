#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "maildir/mailbox.h"
#include "net/address.h"
#include "net/stream.h"
#include "pop3d/params.h"

namespace mta::pop3d {

// Why a session ended.
enum class End { quit, lost, timeout, refused, unavailable, stopped };

// What a session did, for the log.
struct Totals {
    std::size_t retrieved = 0, topped = 0, deleted = 0, messages = 0;
    std::uint64_t octets = 0;  // of messages and tops
};

// RFC 1939 from the TRANSACTION state on: the client is logged in, and has been told so. Messages and their numbers are
// those that were in INBOX at the start; nothing is removed before QUIT.
class Session {
public:
    // The address is for the log of limits.
    Session(const Params& params, net::Stream client, std::unique_ptr<maildir::Mailbox> mailbox, const net::Address& address = {});
    End run();
    const Totals& totals() const { return totals_; }

private:
    struct Entry {
        maildir::Uid uid = 0;
        std::optional<std::uint64_t> octets;  // as the client gets them, without the final line and dot stuffing
        bool is_deleted = false, is_retrieved = false;
    };
    using Words = std::vector<std::string_view>;
    struct Command {
        std::string_view name;
        std::size_t min_arguments, max_arguments;
        void (Session::*obey)(const Words& arguments);
    };
    static const Command commands[];

    bool open();
    void converse();
    void obey(std::string_view line);
    void reply(std::string_view text);
    void refuse(std::string_view text);  // counts as an error
    void refuse_long_line();
    void fail(const Error& error);       // trouble of ours: does not
    void bye(End why, std::string_view text);

    void stat(const Words& arguments);
    void list(const Words& arguments);
    void retr(const Words& arguments);
    void dele(const Words& arguments);
    void noop(const Words& arguments);
    void rset(const Words& arguments);
    void top(const Words& arguments);
    void uidl(const Words& arguments);
    void capa(const Words& arguments);
    void quit(const Words& arguments);

    // The message that an argument means; answers itself if there is none.
    Entry* find(std::string_view number);
    Result<std::uint64_t> octets(Entry& entry);
    std::string unique_id(const Entry& entry) const;
    void send_message(Entry& entry, std::optional<std::uint64_t> body_lines);
    Result<void> update();

    const Params& params_;
    net::Stream client_;
    std::unique_ptr<maildir::Mailbox> mailbox_;
    net::Address address_;
    std::unique_ptr<maildir::Folder> inbox_;
    std::vector<Entry> entries_;
    std::optional<End> end_;
    long errors_ = 0;
    Totals totals_;
};

// Sends a message's lines: a dot in front of those that begin with one, the end where a client has enough of the body,
// a line end if the last line has none, and the line with the final dot.
class MultiLine {
public:
    // body_lines: how many lines of the body to send, all if it has no value.
    MultiLine(net::Stream& client, std::optional<std::uint64_t> body_lines) : client_(client), left_(body_lines) {}
    // False when there has been enough; pieces may end anywhere.
    bool send(std::string_view piece);
    void finish();

private:
    void end_line();

    net::Stream& client_;
    std::optional<std::uint64_t> left_;
    bool in_body_ = false;
    bool at_line_start_ = true, line_is_empty_ = true;
};

}  // namespace mta::pop3d
