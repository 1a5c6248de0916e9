#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::table {

enum class Syntax { table, aliases };  // postmap: "key value"; postalias: "name: value", with quoted names

struct BuildOptions {
    Syntax syntax = Syntax::table;
    bool fold = true;               // -f turns it off
    bool add_nul = true;            // -n, -N: whether keys and values end in a NUL byte
    bool copy_mode = true;          // the new file has the source's access rights; -p: the usual ones
    bool copy_owner = true;         // as root, write as the source's owner; -o: also a file that root does not own
    bool values_are_files = false;  // -F: each value names files; their base64 content becomes the value
    bool replace = false;           // -r: a key that is there already gets the new value, silently
    bool ignore_duplicates = false; // -w: and this one keeps the old value, silently
    bool at_aliases = false;        // adds @: @ and YP_* as newaliases of old did
};

struct BuildStats {
    std::size_t entries = 0;
    std::vector<std::string> warnings;  // in the order and the words of Postfix
};

// Makes the table anew from the text file of its name ("hash:/etc/x" reads /etc/x): a new file, verified and synced, takes the
// place of the old one; whoever reads the old one goes on undisturbed. Nothing has changed after an Error.
Result<BuildStats> build(std::string_view type_name, const BuildOptions& options = {});

// Adds the entries of a text to the existing table (postmap -i), by the same steps, in a copy.
Result<BuildStats> add(std::string_view type_name, std::string_view text, const BuildOptions& options = {});

// Removes keys (postmap -d); the answer is how many of them were there.
Result<std::size_t> remove(std::string_view type_name, const std::vector<std::string>& keys, const BuildOptions& options = {});

// Calls the visitor for each entry (postmap -s); an Error for a type that cannot list, or a damaged table.
Result<void> list(std::string_view type_name, const std::function<void(std::string_view key, std::string_view value)>& visit);

}  // namespace mta::table
