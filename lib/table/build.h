#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::table {

enum class Syntax { table, aliases };  // postmap: "key value"; postalias: "name: value", with quoted names

struct BuildOptions {
    Syntax syntax = Syntax::table;
    std::string default_type = "hash";  // default_database_type
    bool fold = true;                // -f turns it off
    bool add_nul = true;             // -n turns it off: no NUL byte ends keys and values
    bool values_are_files = false;   // -F: each value names files; their content, in base64, becomes the value
    bool check_utf8 = true;          // -u turns it off
    bool replace = false;            // -r: a key that is there already silently gets the new value
    bool ignore_duplicates = false;  // -w: a key that is there already silently keeps its value; without both, there is a warning
    bool copy_mode = true;           // -p turns it off: a new file is readable by those who can read the source
    bool become_owner = true;        // -o turns it off: as root, touch another user's files as that user
    std::function<void(const std::string&)> warn;  // gets each warning; the log does, if empty
};

struct BuildStats {
    std::size_t entries = 0;
    std::size_t warnings = 0;
};

// Makes the table anew from the text file of its name ("hash:/etc/x" reads /etc/x): a new file, verified and synced, takes the
// place of the old one; whoever reads the old one goes on undisturbed. Nothing has changed after an Error.
// newaliases is build() of each word of alias_database with Syntax::aliases.
Result<BuildStats> build(std::string_view type_name, const BuildOptions& options = {});

// Adds the entries of a text (source is its name in warnings) to the table, in a copy that then takes its place (postmap -i).
Result<BuildStats> add(std::string_view type_name, std::string_view text, std::string_view source,
                       const BuildOptions& options = {});

// Removes keys by the same steps (postmap -d); the answer is which of them were there.
Result<std::vector<bool>> remove(std::string_view type_name, const std::vector<std::string>& keys,
                                 const BuildOptions& options = {});

// Calls the visitor for each entry in the order of the table (postmap -s); an Error for a type that cannot list, or damage.
Result<void> list(std::string_view type_name, const std::function<void(std::string_view key, std::string_view value)>& visit,
                  const BuildOptions& options = {});

}  // namespace mta::table
