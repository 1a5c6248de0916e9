#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace mta::postconf {

enum class Subject { parameters, entries, fields, overrides, table_types, check, manual };
enum class Action { show, edit, remove, comment_out };

// What the command line asks for.
struct Options {
    std::string directory;
    bool directory_is_given = false;
    Subject subject = Subject::parameters;
    Action action = Action::show;
    bool defaults = false, non_defaults = false;        // -d -n
    bool fold = false, expand = false, json = false;    // -f -x -j
    bool hide_names = false, hide_values = false;       // -h -H
    bool builtin = true, service = true, user = true;   // -C
    config::Overrides overrides;                        // -o
    std::vector<std::string> arguments;

    std::string main_cf() const { return directory + "/main.cf"; }
    std::string master_cf() const { return directory + "/master.cf"; }
};

// Wrong use is fatal, with Postfix's texts where it has one.
Options parse_options(int argc, char** argv);

// An argument of -e, -X or -# that cannot be written into a file, or contradicts the option, is fatal.
void refuse_bad_request(const Options& options, std::string_view argument);

// "name = value" as the options want it: folded, without name or value, or as a line of JSON; white space made single.
std::string show_line(const Options& options, const std::string& name, const std::string& value);
// The same for one object of JSON with several members.
std::string json_line(const std::vector<std::pair<std::string, std::string>>& members);

// The subjects; each writes to standard output, and warnings to the log.
void show_parameters(const Options& options);
void edit_parameters(const Options& options);
void show_services(const Options& options);
void edit_services(const Options& options);
void show_table_types();
// Reads everything as the programs would, says all that is wrong; the exit status.
int check(const Options& options);
// postconf(5) in mdoc, from the declarations.
void print_manual();

}  // namespace mta::postconf
