#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mta::maildir {

// Makes what is missing of a maildir (tmp, new, cur, and what is above), durably: also the names of new directories.
Result<void> make_maildir(const std::string& path);

// Removes from tmp/ what nobody can still be writing (36 hours old, as all maildir programs do).
void remove_old_temporaries(const std::string& maildir);

// Where a user's folders are, and what they share.
class Root {
public:
    explicit Root(std::string path) : path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    std::string lock_path() const { return path_ + "/buuta-account.lock"; }
    // The directory of a folder (by its normal name), whether it exists or not.
    std::string directory(std::string_view name) const;
    // The directory of an existing folder, with tmp, new and cur; an Error with no_such_folder or bad_name.
    Result<std::string> find(std::string_view name) const;
    // Greater than any that was given before in this account, and durable: no two folders ever have the same.
    Result<std::uint32_t> new_uid_validity() const;
    // For UIDs that are not kept. Greater than any that was given before, less than any that is given later.
    std::uint32_t session_uid_validity() const;

private:
    std::string uid_validity_path() const { return path_ + "/buuta-uidvalidity"; }
    std::string path_;
};

}  // namespace mta::maildir
