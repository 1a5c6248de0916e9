#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "queue/record.h"

// The queue directory; nothing else touches its files. States change by rename, contents only by appending.
namespace mta::queue {

enum class State { incoming, active, deferred, hold, corrupt };
constexpr std::array<State, 5> all_states{State::incoming, State::active, State::deferred, State::hold, State::corrupt};
constexpr std::array<State, 4> live_states{State::incoming, State::active, State::deferred, State::hold};
std::string_view name_of(State state);
std::optional<State> state_named(std::string_view name);

// One mail as its file tells it.
struct Mail {
    Envelope envelope;
    std::uint64_t content_offset = 0, content_bytes = 0;
    std::vector<std::optional<Outcome>> outcomes;  // the latest of each recipient
    std::vector<Note> notes;
    std::uint64_t valid_bytes = 0, file_bytes = 0;  // behind the valid ones is the torn tail of a crash
    bool is_done(std::size_t recipient) const { return outcomes[recipient] && outcomes[recipient]->is_final(); }
    bool has_note(std::string_view what) const;
    void add_note(Note note);      // and what it means for the outcomes before it
};

// A new file that removes itself unless it is committed.
class Writer {
public:
    Writer(Writer&&) = default;
    ~Writer();
    // Adds to the content. The first error fails the mail: commit() will repeat it.
    Result<void> write(std::string_view bytes);
    std::uint64_t content_bytes() const { return content_bytes_; }
    // Durable under its final name, or an Error and nothing is kept.
    Result<void> commit();

private:
    friend class Directory;
    Writer(class Directory& directory, const Envelope& envelope, Fd fd, State target, std::string temporary, bool has_durable_name);
    Result<void> flush();
    Result<void> finish();
    Result<void> commit_prepared();

    Directory* directory_;
    std::string id_, temporary_;   // the final name and the one until then
    Fd fd_;
    State target_;
    bool has_durable_name_;
    Header header_;
    std::string buffer_;           // starts with the place of the header until the first flush
    bool flushed_ = false;
    std::uint32_t content_crc_ = 0;
    std::uint64_t content_bytes_ = 0;
    std::optional<Error> failed_;
};

class Stock;

class Directory {
public:
    // Opens the directories below root; throws std::system_error if one is missing. Make it before forking workers: they
    // then share directory syncs (mails that are committed together wait for one fsync).
    explicit Directory(std::string root);
    ~Directory();
    Directory(const Directory&) = delete;

    static std::vector<std::string> subdirectories();     // of the root, each behind the one it is in
    static Result<void> create(const std::string& root);  // makes what is missing

    // A file for a new mail, in incoming, or in hold; one that the stock has prepared, if it has one.
    Result<Writer> add(const Envelope& envelope, State target = State::incoming);
    Result<Writer> add(const Envelope& envelope, Stock& stock);

    // Opens the file for reading and appending; an Error with status 4.3.0 if it is not there.
    Result<Fd> open(State state, const std::string& id) const;
    // Reads all but the content. A permanent Error means: damaged (qmgr moves it to corrupt); a temporary one, that the file
    // could not be read now.
    static Result<Mail> read(int fd);
    // Reads the content too and compares its checksum with the end record; Errors as those of read().
    static Result<void> verify_content(int fd, const Mail& mail);

    // Cuts off a torn tail, so that what is appended next can be read.
    static Result<void> trim(int fd, const Mail& mail);

    // Appends; with sync it is durable when this returns.
    static Result<void> append(int fd, const Outcome& outcome, bool sync);
    static Result<void> append(int fd, const Note& note, bool sync);
    static Result<void> sync_appended(int fd);             // what was appended without

    Result<void> move(const std::string& id, State from, State to);
    Result<void> remove(const std::string& id, State from);
    static std::string path_of(State state, const std::string& id);  // below the root
    // Where the mail is, looking everywhere; nothing if it is nowhere, an Error if that cannot be told now.
    Result<std::optional<State>> find(const std::string& id) const;
    // The queue IDs in a state; files with foreign names are left out.
    Result<std::vector<std::string>> list(State state) const;
    // Settles what dead processes have left: removes temporary files of mails that were never committed and are older than the
    // age; prepared files without an owner become mails if they are complete, and vanish if they are not.
    void settle_leftovers(long age_seconds);
    // Modification time (seconds since 1970): for deferred mail the next attempt is not before it.
    Result<void> set_due(const std::string& id, State state, std::int64_t seconds);
    std::int64_t due(const std::string& id, State state) const;

    std::uint64_t free_bytes() const;
    const std::string& root() const { return root_; }
    Result<void> sync(State state);  // the names in it; shared with other processes

private:
    friend class Writer;
    friend class Stock;
    std::optional<Writer> write_prepared(const Envelope& envelope, Stock& stock);
    void settle_prepared(const std::string& name);
    static bool is_prepared(std::string_view name);
    std::string name_in(State state, std::string_view id) const;  // relative to the state's directory
    int fd(State state) const { return fds_[static_cast<std::size_t>(state)].get(); }

    std::string root_;
    std::array<Fd, all_states.size()> fds_;
    struct SharedSync;
    SharedSync* shared_;
};

}  // namespace mta::queue
