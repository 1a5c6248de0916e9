#pragma once

#include <string>
#include <vector>

#include "base/result.h"

// The directories below queue_directory and data_directory: made by master, repaired by buuta set-permissions.
namespace mta::daemon {

// Numbers of mail_owner; without root everything belongs to the calling user.
struct Owner {
    unsigned uid = 0;
    unsigned gid = 0;
    static Result<Owner> find(const std::string& user);
};

struct Directory {
    std::string path;
    unsigned mode = 0;
    bool is_roots = false;  // else mail_owner's
};

// In the order in which they must be made. private/ is for the suite's own users (all of them are in mail_owner's
// group), public/ for every user of the host.
std::vector<Directory> directories(const std::string& queue_directory, const std::string& data_directory);

// Makes what is missing; what exists is left as it is.
Result<void> make_layout(const std::vector<Directory>& layout, const Owner& owner);

// What is wrong with the layout, one sentence for each directory; empty if all is well.
std::vector<std::string> check_layout(const std::vector<Directory>& layout, const Owner& owner);

// Makes what is missing and corrects owners and modes.
Result<void> repair_layout(const std::vector<Directory>& layout, const Owner& owner);

}  // namespace mta::daemon
