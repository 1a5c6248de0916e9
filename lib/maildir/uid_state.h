#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "maildir/mailbox.h"

// What a folder's uid list says, and its lines. A line is "CRC-32C in 8 hexadecimal digits, space, text"; texts:
//   buuta-uidlist 1 UIDVALIDITY             the first line
//   n RESERVED BOOT                         UIDs below RESERVED may have been shown, in the machine's run BOOT
//   u NEXT                                  no UID below NEXT is given any more
//   r UID                                   messages from UID on are recent to the next session
//   k BIT NAME                              a keyword; without NAME the bit is free
//   + UID INODE DATE SIZE CRLFSIZE KEYWORDS FILE    a message; FILE is new/NAME or cur/NAME; CRLFSIZE may be "-",
//                                           and all three if nobody has asked for them
//   = UID INODE FILE                        it is called so now
//   f UID KEYWORDS                          its keywords (bits in hexadecimal)
//   d UID DATE SIZE CRLFSIZE                its date and sizes
//   - UID                                   it is expunged
//   c NEW CUR SINCE                         all is known as of these times of the directories (ns); SINCE: see Mark
// State changes only by applying lines, so that what one process does and what another reads of it are the same.
namespace mta::maildir {

// What a name of ours tells; else it takes a look at the file.
struct Facts {
    std::time_t date = 0;
    std::uint64_t size = 0;  // as stored
    std::optional<std::uint64_t> crlf_size;
};

struct Record {
    Uid uid = 0;
    ino_t inode = 0;
    std::optional<Facts> facts;  // nothing until they are needed
    Keywords keywords = 0;
    bool is_new = false;   // in new/, not in cur/
    bool is_gone = false;  // expunged; dropped by State::purge()
    std::string name;      // of the file
    std::string path() const { return (is_new ? "new/" : "cur/") + name; }  // below the folder's directory
};

// The modification times of new/ and cur/ in nanoseconds.
struct DirTimes {
    std::int64_t new_time = 0, cur_time = 0;
    bool operator==(const DirTimes&) const = default;
};

// Up to which state of the directories the list is complete.
struct Mark {
    DirTimes times;
    // 0: nothing can have been missed. Else a change by somebody else may hide behind one of ours (or behind the
    // coarse clock of directories) that was made at this time: look again a little later.
    std::int64_t since = 0;
};

struct UidState {
    std::uint32_t uid_validity = 0;
    Uid next = 1;
    Uid reserved = 1;  // durably
    Uid first_recent = 1;
    std::vector<std::string> keywords;
    std::vector<Record> records;  // ascending by uid
    Mark mark;
    std::size_t lines = 0;

    // Applies the text of one line; false if it is none.
    bool apply(std::string_view text, std::string_view boot);
    void purge();  // drops records that are gone
    Record* find(Uid uid);
    const Record* find(Uid uid) const { return const_cast<UidState*>(this)->find(uid); }
    std::optional<std::size_t> keyword_bit(std::string_view name) const;

private:
    bool add(std::string_view words);
    bool change(char what, std::string_view words);
    Uid last_added_ = 0;     // the UIDs of messages ascend
    bool has_gone_ = false;  // some record may be gone
};

// Lines to be written.
class Lines {
public:
    void header(std::uint32_t uid_validity) { line("buuta-uidlist 1 ", uid_validity); }
    void reserve(Uid reserved, std::string_view boot)
    {
        reserved_ = reserved;
        line("n ", reserved, ' ', boot);
    }
    void next(Uid uid) { line("u ", uid); }
    void first_recent(Uid uid) { line("r ", uid); }
    void keyword(std::size_t bit, std::string_view name) { line("k ", bit, ' ', name); }
    void add(const Record& record);
    void rename(Uid uid, ino_t inode, std::string_view path) { line("= ", uid, ' ', inode, ' ', path); }
    void set_keywords(Uid uid, Keywords keywords);
    void facts(Uid uid, const Facts& facts) { line("d ", uid, ' ', words_of(facts)); }
    void expunge(Uid uid) { line("- ", uid); }
    void mark(const Mark& mark) { line("c ", mark.times.new_time, ' ', mark.times.cur_time, ' ', mark.since); }

    bool is_empty() const { return text_.empty(); }
    const std::string& text() const { return text_; }
    Uid reserved() const { return reserved_; }  // by these lines, or 0

private:
    static std::string words_of(const std::optional<Facts>& facts);
    template <class... Parts>
    void line(const Parts&... parts)
    {
        const auto begin = begin_line();
        (mta::append(text_, parts), ...);
        end_line(begin);
    }
    std::size_t begin_line();
    void end_line(std::size_t begin);
    std::string text_;
    Uid reserved_ = 0;
};

// The whole state as a new list.
Lines snapshot(const UidState& state, std::string_view boot);

struct ParsedList {
    std::size_t complete = 0;  // bytes up to the end of the last line
    bool has_header = false;
    bool is_damaged = false;       // bad lines were left out...
    bool is_damaged_inside = false;  // ...and good ones follow: this is more than a torn end
};
// Applies the lines of text, from the middle of a list or (is_start) from its first line on.
ParsedList apply_lines(UidState& state, std::string_view text, bool is_start, std::string_view boot);

}  // namespace mta::maildir
