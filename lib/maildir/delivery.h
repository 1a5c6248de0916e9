#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace mta::maildir {

// One copy of a message for one maildir. Nothing of it is changed or interpreted.
struct Delivery {
    std::string queue_id;
    std::string recipient;   // with queue_id what makes this delivery unique: a retry must say the same
    bool is_first_try = false;  // true only if nobody can have tried before: saves the search for an earlier copy
    bool has_sibling = false;   // another mail may bring the same at the same time: its copy is looked for in the delivery log
    std::string header;      // complete lines to stand before the content: Return-Path, X-Original-To, Delivered-To
    int content = -1;        // descriptor of the content, of which size bytes from offset are copied
    std::uint64_t offset = 0, size = 0;
    std::string host;        // for the file's name
};

struct Delivered {
    std::string file_name;        // in new/; of an earlier copy "" if it is there no more
    bool was_there_before = false;  // an earlier try had delivered it: nothing was written now
};

// Delivers durably and exactly once into new/ of the maildir (a path without or with "/" at its end), which is made
// if it is not there. After an Error nothing is kept. Status: 4.2.2 over quota, 4.3.1 disk full, 4.2.0 not permitted,
// 4.3.0 else; all are temporary.
Result<Delivered> deliver(const std::string& maildir, const Delivery& delivery);

}  // namespace mta::maildir
