#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "table/bdb.h"

namespace mta::table {

// Acts as another user while it lives: effective ids and groups.
class ActAs {
public:
    ActAs() = default;
    static Result<ActAs> user(uid_t uid, gid_t gid);
    ActAs(ActAs&& other) noexcept;
    ActAs& operator=(ActAs&&) = delete;
    ~ActAs();

private:
    bool active_ = false;
    std::vector<gid_t> groups_;
};

// The making of a new NAME.db beside the old one. Without commit() the new file disappears and the old one stays.
class Rebuild {
public:
    struct Settings {
        std::string path;         // of the .db file
        DBTYPE type = DB_HASH;
        mode_t mode = 0644;       // if there is no old file to take it from
        const struct stat* source = nullptr;  // the text's owner
        bool become_owner = true;
    };
    static Result<Rebuild> begin(const Settings& settings);
    Rebuild(Rebuild&& other) noexcept;
    Rebuild& operator=(Rebuild&&) = delete;
    ~Rebuild();

    Bdb& file() { return file_; }
    // All entries of the old file into the new one, as they are, but for those that the filter does not want.
    Result<void> copy_old(const std::function<bool(std::string_view key)>& keep);
    // Complete, verified and synced, the new file takes the old one's place; the directory is synced, too.
    Result<void> commit();

private:
    Rebuild(Settings settings, ActAs identity, Fd lock, Bdb file, std::string temporary);
    static Result<ActAs> identity_for(const Settings& settings);
    Result<void> set_rights(int fd) const;

    Settings settings_;
    ActAs identity_;
    Fd lock_;  // the old file, locked against others who rebuild it
    Bdb file_;
    std::string temporary_;  // empty when there is nothing to remove
};

}  // namespace mta::table
