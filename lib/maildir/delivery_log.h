#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace mta::maildir {

// The last deliveries to one maildir: a line "ID d" for each that has its name in new/ durably. Never synced: after a crash it
// may lack the last ones.
class DeliveryLog {
public:
    // Opens or makes it, and waits until no other process delivers the same ID. Error no_such_folder: there is no maildir.
    static Result<DeliveryLog> open(const std::string& maildir, const std::string& id);

    Result<bool> has_done();   // whether it was delivered and noted
    Result<void> note_done();  // appends a line; shortens the log when it has become long

private:
    DeliveryLog(Fd fd, std::string id) : fd_(std::move(fd)), id_(std::move(id)) {}
    bool is_long() const;
    void shorten();
    Fd fd_;
    std::string id_;
    bool was_long_ = false;
};

}  // namespace mta::maildir
