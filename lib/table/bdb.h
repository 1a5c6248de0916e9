#pragma once

#include <db.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mta::table {

// One Berkeley DB file for our process alone: no environment, no output of the library's own, errors as texts.
class Bdb {
public:
    // Read only. Afterwards the library needs one descriptor and pread(2), and no path.
    static Result<Bdb> open(const std::string& path, DBTYPE type);
    // A new file with a checksum on each page; refused if it exists.
    static Result<Bdb> create(const std::string& path, DBTYPE type);
    // Checks the whole structure in a child process: the library's code has crashed on damaged files.
    static Result<void> verify(const std::string& path);

    Result<std::optional<std::string>> get(std::string_view key);
    // False if the key is there already and was not to be replaced.
    Result<bool> put(std::string_view key, std::string_view value, bool replace);
    Result<bool> erase(std::string_view key);  // false if it is not there
    Result<void> for_each(const std::function<void(std::string_view key, std::string_view value)>& visit);

    bool has_checksums() const;
    int fd() const;
    // Writes what is not yet written; the object is then empty. Without it a created file is not complete.
    Result<void> close();

private:
    struct Close {
        void operator()(DB* db) const { db->close(db, DB_NOSYNC); }
    };
    static Result<Bdb> make(const std::string& path);
    Error error(int code) const;

    std::string path_;
    std::unique_ptr<std::string> complaint_;  // what the library said last, for the text of an Error
    std::unique_ptr<DB, Close> db_;
};

}  // namespace mta::table
