#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "imap/fetch.h"
#include "imap/parser.h"
#include "imapd/message_text.h"
#include "imapd/params.h"
#include "imapd/parking.h"
#include "maildir/mailbox.h"
#include "net/address.h"
#include "net/stream.h"

namespace mta::imapd {

// Why a session is over.
enum class End { logout, lost, timeout, refused, mailbox_gone, parked, stopped };

// One client's conversation in the authenticated and selected states (RFC 3501); front has done what comes before.
class Session {
public:
    // parking: the session may have come from front with a part of its life behind it, and goes back when the client is silent.
    // The address is for the log of limits.
    Session(const Params& params, net::Stream client, std::unique_ptr<maildir::Mailbox> mailbox, Parking* parking = nullptr,
            const net::Address& address = {});

    // Returns when the conversation is over, or parked: then release_client() and the facts of the parking are for front.
    End run();
    Fd release_client() { return client_.release_fd(); }

private:
    enum Need : std::uint8_t {
        nothing = 0,
        selected = 1,       // a mailbox must be selected
        may_have_uid = 2,   // can follow UID
        only_uid = 4,       // means something else without UID
        keeps_numbers = 8,  // RFC 3501 section 7.4.1: no EXPUNGE response, unless it follows UID
    };
    struct Command {
        std::string_view name;
        int needs;
        void (Session::*obey)(imap::Parser&);
    };
    static const Command commands[];

    // session.cc: the conversation
    void serve_until_stop();
    void serve();
    std::optional<std::string> read_command();
    bool refuse_command(std::string_view limit, std::string_view text, const std::optional<imap::Literal>& literal);
    std::optional<std::string> read_line(net::Seconds limit);
    bool read_literal(const imap::Literal& literal, std::string& text);
    void skip_literal(std::uint64_t size);
    bool skip_rest_of_command(imap::Literal literal);
    void obey(const std::string& text);
    void obey(const Command& command, imap::Parser& arguments);
    bool is_wrong_here(const Command& command);

    // Answers. ok() and no() first tell what has changed in the selected mailbox.
    void untagged(std::string_view text);
    void ok(std::string_view text);
    void no(std::string_view text);
    void no(const Error& error, std::string_view code_if_no_folder = "NONEXISTENT");
    void bad(std::string_view text);
    bool are_arguments_bad(imap::Parser& arguments);
    void bye(End why, std::string_view text);
    void hit(std::string_view limit, std::string_view value) const;

    // any state: session.cc
    void capability(imap::Parser&);
    void noop(imap::Parser&);
    void logout(imap::Parser&);
    void id(imap::Parser&);
    void enable(imap::Parser&);
    void already_authenticated(imap::Parser&);

    // mailboxes.cc
    void list(imap::Parser&);
    void lsub(imap::Parser&);
    void status(imap::Parser&);
    void create(imap::Parser&);
    void remove(imap::Parser&);
    void rename(imap::Parser&);
    void subscribe(imap::Parser&);
    void unsubscribe(imap::Parser&);
    void change_subscription(imap::Parser&, bool on);
    void namespaces(imap::Parser&);
    std::optional<maildir::Status> status_of(const std::string& name);

    // append.cc
    struct AppendItem;
    void append(imap::Parser&);
    bool append_messages(AppendItem item, maildir::Upload& upload);
    std::optional<Error> receive(const imap::Literal& literal, maildir::Upload& upload);
    bool refuse_append(const AppendItem& item);

    // selected.cc
    void select(imap::Parser&);
    void examine(imap::Parser&);
    void open_folder(imap::Parser&, bool read_only);
    void check(imap::Parser&);
    void close(imap::Parser&);
    void unselect(imap::Parser&);
    void expunge(imap::Parser&);
    void leave_folder();
    void sync_folder();
    bool is_read_only();  // says so, then
    // What others have changed since the last time, as untagged responses.
    void tell_changes(maildir::Expunge expunge);
    void tell(const maildir::Changes& changes);
    void tell_new_keywords();
    void tell_keywords();
    void tell_flags(std::size_t index, bool with_uid);
    void tell_counts();
    std::string flag_names(bool with_new_ones) const;
    std::string flags_of(const maildir::Message& message) const;
    // Places in the view, ascending; nothing, and BAD is said, for a sequence number that is too large.
    std::optional<std::vector<std::size_t>> find_messages(const imap::SequenceSet& set);
    std::vector<maildir::Uid> uids_of(const std::vector<std::size_t>& places) const;

    // fetch.cc, store.cc, search.cc, copy.cc
    void fetch(imap::Parser&);
    enum class Told { yes, gone, unreadable };
    void fetch_messages(const std::vector<std::size_t>& places, const std::vector<imap::FetchItem>& items);
    Told fetch_message(std::size_t place, const std::vector<imap::FetchItem>& items);
    struct Prepared {
        MessageText* text = nullptr;
        std::uint64_t size = 0;
        std::time_t date = 0;
    };
    Told prepare(const maildir::Message& message, const std::vector<imap::FetchItem>& items, Prepared& prepared);
    Told prepare_text(maildir::Uid uid, const std::vector<imap::FetchItem>& items, Prepared& prepared);
    void mark_seen(std::span<const std::size_t> places);
    enum class Extent { header, whole };
    std::pair<MessageText*, Told> open_text(maildir::Uid uid, Extent extent);
    Result<MessageText> read_text(maildir::Uid uid, Extent extent);
    void store(imap::Parser&);
    void search(imap::Parser&);
    void copy(imap::Parser&);
    void move(imap::Parser&);

    // park.cc
    void resume();
    void reopen_folder(const std::string& view);
    bool wait_for_command();
    bool park(std::optional<std::string> idle_tag, std::optional<std::string> wake);
    enum class Attempt { done, too_early, hopeless };
    Attempt park_in_idle();

    // idle.cc
    void idle(imap::Parser&);
    void go_on_idling();
    void idle_until_client_speaks();

    const Params& params_;
    net::Stream client_;
    std::unique_ptr<maildir::Mailbox> mailbox_;
    Parking* parking_;                            // none: the session stays in this process to its end
    net::Address address_;
    Budget budget_;                               // what the client can make us keep, but for the messages
    Budget::Share command_;                       // the command in hand
    std::uint64_t literals_ = 0;                  // of the command
    std::unique_ptr<maildir::Folder> folder_;     // the selected one
    std::vector<std::string> told_keywords_;      // in the last FLAGS response
    std::vector<maildir::Uid> newly_seen_;        // by the FETCH in hand
    std::optional<MessageText> last_text_;        // for clients that fetch one message piece by piece
    std::string tag_;
    bool is_uid_command_ = false;
    bool keeps_numbers_ = false;                  // this command's answer may not renumber messages
    bool has_unsynced_flags_ = false;
    bool is_woken_ = false;                       // in this process only because there may be news
    long errors_ = 0;
    std::optional<End> end_;
};

// The response code for an Error of lib/maildir, with brackets and a space: "[OVERQUOTA] ".
std::string response_code(const Error& error, std::string_view code_if_no_folder);

}  // namespace mta::imapd
