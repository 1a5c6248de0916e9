#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "maildir/uid_state.h"

namespace mta::maildir {

// A message file as a look into new/ and cur/ shows it.
struct Found {
    std::string name;
    ino_t inode = 0;
    bool is_new = false;
    std::string path() const { return (is_new ? "new/" : "cur/") + name; }
};

// Of new/ and cur/ below directory; an Error with no_such_folder if they are not there.
Result<DirTimes> dir_times(const std::string& directory);
std::int64_t now_ns();

// All message files, those in new/ first: one that moves to cur/ meanwhile is seen at least once.
Result<std::vector<Found>> scan(const std::string& directory);

// The names of the message files in one directory.
Result<std::vector<std::string>> file_names(const std::string& path);

// How the files differ from the records.
struct Difference {
    struct Renamed {
        std::size_t record, found;  // indices
    };
    std::vector<Renamed> renamed;      // or moved from new/ to cur/, or other flags
    std::vector<std::size_t> missing;  // records without a file
    std::vector<std::size_t> added;    // files without a record
};
// A file is a record's if its base name is, or else its inode: see is_same_message(). Of two files with one base name
// the second gets another (they are different messages), unless they are two links to one file.
Difference compare(const std::string& directory, const UidState& state, std::vector<Found>& found);

// Date and sizes, if a name of ours tells them.
std::optional<Facts> facts_in(std::string_view name);
// Of a message file with this name.
Facts facts_of(std::string_view name, const struct stat& status);

}  // namespace mta::maildir
