#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "maildir/body.h"

// A user's mailbox as IMAP and POP3 see it. Nothing above this interface knows of files; an engine with an index, or
// one on another store, can stand behind it. Several processes may use one mailbox at once.
//
// Folder names: hierarchy separator '.', in modified UTF-7 (RFC 3501 section 5.1.3) as they come over IMAP4rev1 and
// as Maildir++ has them on disk; INBOX in any case, also as the first part of a longer name.
namespace mta::maildir {

// What an Error's status says, beside trouble of the machine (4.3.0, 4.2.0 for permissions):
inline constexpr char no_such_folder[] = "5.1.1";   // NONEXISTENT; TRYCREATE if one wanted to put something there
inline constexpr char folder_exists[] = "5.2.0";    // ALREADYEXISTS
inline constexpr char bad_name[] = "5.1.3";         // CANNOT: such a name cannot be stored, or INBOX cannot be deleted
inline constexpr char over_quota[] = "4.2.2";       // OVERQUOTA
inline constexpr char disk_full[] = "4.3.1";        // UNAVAILABLE
inline constexpr char read_only_disk[] = "4.3.2";   // UNAVAILABLE
inline constexpr char too_many_keywords[] = "5.3.0";  // LIMIT
inline constexpr char message_gone[] = "5.2.4";     // EXPUNGEISSUED: another session has expunged it

inline constexpr char separator = '.';

using Uid = std::uint32_t;  // never 0

enum Flag : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16 };

// Keywords are bits: bit n is Folder::keywords()[n].
using Keywords = std::uint64_t;
inline constexpr std::size_t max_keywords = 64;

struct Message {
    Uid uid = 0;
    std::uint8_t flags = 0;  // of Flag
    bool is_recent = false;
    bool is_expunged = false;  // by somebody, but still in this view: see Folder::refresh()
    Keywords keywords = 0;
};

// What refresh() has done to the view.
struct Changes {
    struct Expunged {
        Uid uid;
        std::uint32_t sequence;  // right if they are told in this order (the last message first)
    };
    std::vector<Expunged> expunged;
    std::vector<Uid> changed;       // flags, keywords; not those of added ones
    std::size_t added = 0;          // at the end of messages()
    bool has_new_keywords = false;  // in keywords()
    bool is_empty() const { return expunged.empty() && changed.empty() && added == 0 && !has_new_keywords; }
};

enum class FlagChange { replace, add, remove };

// Which source message became which target message, both ascending.
struct Copied {
    std::uint32_t uid_validity = 0;
    std::vector<std::pair<Uid, Uid>> uids;
};

enum class Expunge { hold, apply };  // whether refresh() may take messages out of the view

// A view of one folder: messages()[n] is the message with the sequence number n + 1. The view changes in refresh()
// only, besides the flags that the session itself changes.
class Folder {
public:
    virtual ~Folder() = default;

    virtual const std::string& name() const = 0;
    virtual bool is_read_only() const = 0;
    virtual std::uint32_t uid_validity() const = 0;
    // False: there was no room to keep UIDs, so that those of this view end with it; keywords cannot be given then, all else can be done.
    virtual bool has_lasting_uids() const = 0;
    virtual Uid uid_next() const = 0;                                // durable: never assigned before
    virtual const std::vector<Message>& messages() const = 0;        // ascending by uid
    virtual const std::vector<std::string>& keywords() const = 0;    // "" where a bit is free
    std::optional<std::size_t> find(Uid uid) const;                  // index in messages()

    // Learns what others have done. With Expunge::hold (RFC 3501 section 7.4.1: during FETCH, STORE, SEARCH)
    // expunged messages stay in the view, marked, until a later refresh. An Error with no_such_folder: the folder was
    // deleted, renamed or made anew, and the view is at its end. Cheap if nothing has changed (3 stat calls).
    virtual Result<Changes> refresh(Expunge expunge) = 0;

    // Changes flags and keywords of all of the messages that still exist; the new state is in messages() and is not
    // reported by refresh(). Keywords are names; new ones get a bit (then keywords() is longer). Gives the UIDs of
    // those that are gone. Survives a crash of processes at once, of the machine after sync().
    virtual Result<std::vector<Uid>> change_flags(const std::vector<Uid>& uids, FlagChange change, std::uint8_t flags,
                                                  const std::vector<std::string>& keywords) = 0;
    // Removes messages for ever, durably; the view changes at the next refresh(). UIDs that are gone do not matter.
    virtual Result<void> expunge(const std::vector<Uid>& uids) = 0;
    // All or none; durable. Those that are gone are left out. Flags, keywords and date are kept.
    virtual Result<Copied> copy(const std::vector<Uid>& uids, std::string_view target) = 0;
    // The same, and they are expunged here; after a crash a message can be in both places, never in none.
    virtual Result<Copied> move(const std::vector<Uid>& uids, std::string_view target) = 0;
    // Makes the flag changes so far durable: for CHECK, CLOSE, UNSELECT, LOGOUT, or after a second. Cheap without changes.
    virtual Result<void> sync() = 0;

    virtual Result<Body> open(Uid uid) = 0;
    // The header with its empty line, in the form that Body has; the rest of the message is not read, nor its size found out.
    virtual Result<std::string> header(Uid uid) = 0;
    // INTERNALDATE; looked up for all messages at the first question.
    virtual Result<std::time_t> internal_date(Uid uid) = 0;
    // RFC822.SIZE: octets with every line end as CRLF; read from the message once if not yet known.
    virtual Result<std::uint64_t> crlf_size(Uid uid) = 0;

    // The view as bytes, for Mailbox::reopen_folder() in another process. Nothing if they are more than max_bytes, if
    // something is not told or not durable yet, or if the UIDs do not last.
    virtual std::optional<std::string> remember(std::size_t max_bytes) const = 0;
    // Nothing that has happened can still be hidden from refresh(): who learns what happens from now on need not look again.
    virtual bool is_settled() const = 0;

    // What to watch by inotify (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_MODIFY) to know when to refresh.
    virtual std::vector<std::string> watch_paths() const = 0;
};

// Messages on their way into a folder: write() each one's bytes after add(), then commit() all of them, or none:
// an upload that is destroyed before leaves nothing. CRLF or LF line ends, as they come.
class Upload {
public:
    virtual ~Upload() = default;
    virtual Result<void> add(std::uint8_t flags, std::vector<std::string> keywords, std::optional<std::time_t> date) = 0;
    virtual Result<void> write(std::string_view bytes) = 0;
    virtual Result<Copied> commit() = 0;  // durable; the first of each pair is 0
};

struct FolderInfo {
    std::string name;
    bool is_selectable = true;  // false: only the parent of others
    bool has_children = false;
    bool is_subscribed = false;
    std::string special_use;    // RFC 6154: "\\Sent" and the like, or nothing
};

struct Status {
    std::uint32_t messages = 0, recent = 0, unseen = 0;  // unseen: how many
    Uid uid_next = 1;
    std::uint32_t uid_validity = 0;
};

class Mailbox {
public:
    virtual ~Mailbox() = default;

    // Opens the Maildir++ at root; makes an empty one if there is none.
    static Result<std::unique_ptr<Mailbox>> open(const std::string& root);

    virtual Result<std::vector<FolderInfo>> list() = 0;  // by name, INBOX first, with parents that do not exist
    virtual std::vector<std::string> subscriptions() = 0;  // by name; also folders that do not exist
    virtual Result<void> subscribe(std::string_view folder, bool on) = 0;

    // With read_only (EXAMINE, STATUS) nothing changes on disk but what a look needs, and Recent is not consumed. On a disk that
    // is mounted so the view is read-only in any case; on a full one all can be read.
    virtual Result<std::unique_ptr<Folder>> open_folder(std::string_view name, bool read_only) = 0;
    // The view that Folder::remember() gave, as it was then: the next refresh() tells what has happened since. An Error with
    // no_such_folder if the folder was deleted, renamed or made anew.
    virtual Result<std::unique_ptr<Folder>> reopen_folder(std::string_view remembered) = 0;
    virtual Result<Status> status(std::string_view name) = 0;
    virtual Result<std::unique_ptr<Upload>> upload(std::string_view folder) = 0;

    virtual Result<void> create(std::string_view name, std::string_view special_use = {}) = 0;
    virtual Result<void> remove(std::string_view name) = 0;  // its children stay
    // With its children. INBOX: its messages move into a new folder; it and its children stay.
    virtual Result<void> rename(std::string_view from, std::string_view to) = 0;
};

}  // namespace mta::maildir
