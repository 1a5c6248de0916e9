#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "maildir/uid_state.h"

namespace mta::maildir {

// An exclusive lock between processes: an open file description lock, so the kernel releases it when its owner dies.
class Lock {
public:
    explicit Lock(std::string path) : path_(std::move(path)) {}

    class Guard {
    public:
        explicit Guard(int fd) : fd_(fd) {}
        Guard(Guard&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
        Guard& operator=(Guard&&) = delete;
        ~Guard();

    private:
        int fd_;
    };
    // Waits for at most a minute.
    Result<Guard> take();

private:
    std::string path_;
    Fd fd_;
};

// The uid list of a folder: an append-only file beside new/ and cur/, see uid_state.h. Its size and what it reserves stand in another
// file, too ("UIDVALIDITY RESERVED SIZE"), so that a list which has lost its end, though not by a crash, gives no UID twice. All but is_current() under the
// folder's lock. A UID is durable (or reserved durably) before append() returns, so that after any crash the same UID
// with the same UIDVALIDITY never means another message.
//
// Where there is no room for the file, the list can be kept in memory: then its UIDs end with this object.
class UidList {
public:
    using NewUidValidity = std::function<Result<std::uint32_t>()>;
    UidList(std::string directory, NewUidValidity new_uid_validity);

    // Whether the file is as it was when read or written last.
    bool is_current() const;
    // Reads what others have written; makes the list if there is none, repairs a damaged one.
    Result<void> load();
    // From now on nothing is read or written. Everybody who uses this UIDVALIDITY, which is of this second, has other UIDs.
    void keep_in_memory(std::uint32_t uid_validity);
    bool is_in_memory() const { return is_in_memory_; }
    // Writes the lines, then applies them; nothing has changed after an Error. durable: as soon as it returns.
    Result<void> append(const Lines& lines, bool durable);
    // The same for lines that only repeat what the directories say, so that everybody can find it out again: without room for them
    // they are applied, and written before the next ones.
    Result<void> note(const Lines& lines);
    Result<void> sync();
    // Writes the list anew if it has become much longer than need be.
    Result<void> compact();
    // Starts over with a new UIDVALIDITY: UIDs are used up, or the list is beyond repair. Messages keep their order.
    Result<void> renumber();

    // Lines that give the next UIDs to the records, with a reservation if it takes one (then they must be durable).
    void assign(std::vector<Record>& records, Lines& lines, bool& durable) const;
    // Whether so many UIDs are left.
    bool has_room(std::size_t count) const;

    const UidState& state() const { return state_; }

private:
    Result<void> open(struct stat& now);
    Result<void> read_from(std::uint64_t offset);
    Result<void> repair(const ParsedList& parsed);
    Result<void> start_over();
    Result<void> replace();
    bool is_cut();
    void bear_witness(Uid reserved, std::uint64_t size);

    std::string directory_, path_;
    NewUidValidity new_uid_validity_;
    std::string boot_;
    Fd fd_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    std::uint64_t size_ = 0;
    Fd witness_;
    UidState state_;
    std::string unwritten_;  // lines of note()
    bool is_in_memory_ = false, is_read_only_ = false;
};

}  // namespace mta::maildir
