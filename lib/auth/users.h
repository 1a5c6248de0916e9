#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/scram.h"
#include "base/result.h"

// Who may log in: lines "user:password:uid:gid:gecos:home:shell:extra" as in Dovecot's passwd-file.
namespace mta::auth {

struct Entry {
    std::string user, password;               // password: see scheme.h
    std::optional<uid_t> uid;                 // nothing: the default
    std::optional<gid_t> gid;
    std::string home;
    std::string mail;                         // userdb_mail=, mail=: the mailbox location; empty: the default
    std::vector<std::string> allowed_networks;  // allow_nets=: where the user may come from; empty: from anywhere
    bool nologin = false;                     // the account stands but nobody logs in to it

    // An Error says what is wrong with the line. Extra words that we do not know are skipped.
    static Result<Entry> parse(std::string_view line);
    bool may_come_from(std::string_view address) const;
};

// Where entries come from.
class Users {
public:
    virtual ~Users() = default;
    // The entry, nothing if there is no such user, an Error if nobody can tell now. May wait for a database.
    virtual Result<std::optional<Entry>> find(const std::string& user) = 0;
};

// "passwd-file:/etc/buuta/users", or "type:name" of a lookup table whose values are such lines, with or without
// the user in front.
Result<std::unique_ptr<Users>> open_users(const std::string& source);

// A passwd-file, kept in memory and read again when it changes.
class PasswdFile : public Users {
public:
    // Reads the file for the first time. A missing one may come later; until then nobody can tell who is a user.
    static Result<std::unique_ptr<Users>> open(const std::string& path);
    Result<std::optional<Entry>> find(const std::string& user) override;

private:
    explicit PasswdFile(std::string path) : path_(std::move(path)) {}
    Result<void> refresh();

    std::string path_;
    std::string stamp_;                       // what stat(2) said when it was read
    std::map<std::string, std::string, std::less<>> lines_;
};

// The text of a passwd-file with the user's password set, in place or as a new line at the end; other fields stay.
Result<std::string> with_password(std::string_view file, const std::string& user, const std::string& password);
// The text without the user's lines; nothing if there was none.
std::optional<std::string> without_user(std::string_view file, const std::string& user);

// Replaces %u (user), %n (before the @), %d (behind it), %h (home) and %%. An Error if a name would lead elsewhere
// ("..", a leading dot), or if what it needs is empty.
Result<std::string> expand_location(std::string_view location, const std::string& user, const std::string& home);

}  // namespace mta::auth
