#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Lookup tables "type:name" with Postfix's types, file formats and search rules.
namespace mta::table {

// A value, nothing if the key is not there, or an Error (temporary) if nobody can tell now.
using Found = Result<std::optional<std::string>>;

// How a table is used; what it contains does not depend on it.
struct Options {
    // Fold keys to lower case in tables of fixed strings, before they are looked up (postmap -f turns it off).
    bool fold = true;
    // Whether $1 in the results of regexp: and pcre: may be replaced by what the client sent. A table that decides about
    // privileges (alias_maps, virtual_mailbox_maps, uid and gid maps) must say no: such rules are left out, with a warning.
    bool allow_substitution = true;
    // Whether the keys in a Berkeley DB file end in a NUL; nothing: find out.
    std::optional<bool> nul;
    // The default for a bare "/path" or a type-less name: default_database_type.
    std::string default_type = "hash";
    // For daemons, which have other work: a table that cannot be opened now is there all the same and answers with an Error
    // until it can. Only a type that does not exist is an Error at once.
    bool may_be_missing = false;
};

class Table {
public:
    Table() = default;
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    virtual ~Table() = default;

    // Opens no file, except in the user databases of unix: tables.
    virtual Found find(std::string_view key) = 0;

    // regexp:, pcre:, cidr: and fail: see whole keys only, never a domain or a user cut out of an address.
    virtual bool takes_whole_keys_only() const { return false; }

    // Whether the file behind the table is not the one that was opened. False also if that cannot be seen from here
    // (in a sandbox). A process that sees true should finish what it does and let itself be replaced.
    virtual bool is_stale() const { return false; }

    // Who can change the table: the user that commands in aliases run as. 0 for tables in main.cf; nothing if several.
    virtual std::optional<uid_t> owner() const { return 0; }

    const std::string& name() const { return name_; }  // "hash:/etc/aliases"

private:
    friend Result<std::unique_ptr<Table>> open(std::string_view type_name, const Options& options);
    std::string name_;
};

// "hash:/etc/aliases", "inline:{ a=b }", or "/etc/aliases" of the default type. An Error names what is missing and the command
// that makes it, or the types that exist. Open tables before the sandbox.
Result<std::unique_ptr<Table>> open(std::string_view type_name, const Options& options = {});

// The names of all types, for postconf -m: sorted.
std::vector<std::string> types();

}  // namespace mta::table
