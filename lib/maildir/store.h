#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "maildir/scan.h"
#include "maildir/uid_list.h"

namespace mta::maildir {

// A message that lies complete and durable in tmp/ and waits for its place in cur/.
struct Incoming {
    std::string temporary;  // its name in tmp/
    Record record;          // with the name that it gets, without uid and keywords
    std::vector<std::string> keywords;
};

// Gives keywords their bits; lines define those that are new. A bit that no message has is taken from its keyword
// when there is no other left.
class KeywordTable {
public:
    explicit KeywordTable(const UidState& state) : state_(state), names_(state.keywords) {}
    Result<Keywords> bits(const std::vector<std::string>& names, Lines& lines);

private:
    std::optional<std::size_t> free_bit() const;
    const UidState& state_;
    std::vector<std::string> names_;
    Keywords given_ = 0;  // must not be taken back
};

// One folder on disk: its files and its uid list, kept in agreement. What a session sees of it is FolderView's.
class FolderStore {
public:
    FolderStore(std::string directory, UidList::NewUidValidity new_uid_validity);

    const std::string& directory() const { return directory_; }
    const UidState& state() const { return list_.state(); }
    std::string path_of(const Record& record) const { return directory_ + '/' + record.path(); }

    // Whether nothing can have changed since the last catch_up(): three stat calls, no lock.
    bool is_unchanged() const;
    // Whether no change of somebody else can hide behind one of ours.
    bool is_settled() const { return state().mark.since == 0; }
    Result<Lock::Guard> lock();
    // See UidList; a lock is not needed any more, for the others this is a program that does not know it.
    void keep_list_in_memory(std::uint32_t uid_validity) { list_.keep_in_memory(uid_validity); }
    bool has_lasting_uids() const { return !list_.is_in_memory(); }

    // All of the following under the lock.

    // Reads what other processes have written, and looks through the directories if they have changed, or if forced.
    // A full disk is no Error: what is not yet in the list stays out of it.
    Result<void> catch_up(bool force = false);
    // Date and sizes of all messages that have none yet.
    Result<void> look_up_facts();
    // For the one session to which new messages are recent: moves them to cur/. Gives the first UID that is recent.
    Result<Uid> claim_recent();
    Result<void> write(const Lines& lines) { return list_.append(lines, false); }
    Result<void> note(const Lines& lines) { return list_.note(lines); }
    // Renames a message's file for a new suffix, from new/ to cur/ if need be, and adds the line. False if it is not
    // where the list says.
    Result<bool> rename(const Record& record, const std::string& suffix, Lines& lines);
    // Takes the files from tmp/ into the folder, all or none, durably.
    Result<Copied> install(std::vector<Incoming> incoming);
    Result<void> sync_list() { return list_.sync(); }

    // Marks the list as complete after changes of our own in the directories.
    class OwnChange {
    public:
        explicit OwnChange(const FolderStore& store);
        void finish(Lines& lines) const;

    private:
        const FolderStore& store_;
        bool was_complete_ = false;
        std::int64_t since_ = 0;
    };

private:
    bool is_complete(const DirTimes& times) const;
    Result<void> reconcile();
    Result<void> take_over(const Difference& difference, const std::vector<Found>& found, const std::optional<Mark>& mark);
    Result<void> move_in(const std::vector<Incoming>& incoming);
    Result<Copied> number(std::vector<Incoming>& incoming);

    std::string directory_;
    UidList list_;
    Lock lock_;
};

}  // namespace mta::maildir
