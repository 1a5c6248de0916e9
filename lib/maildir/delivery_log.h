#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace mta::maildir {

// The last deliveries to one maildir: a line "ID b" when one is about to get its name in new/, "ID d" when it has it
// durably. Never synced: after a power cut it may lack its end, after a mere crash of processes it does not.
class DeliveryLog {
public:
    // Opens or makes it, and waits until no other process delivers the same ID. Error no_such_folder: there is no maildir.
    static Result<DeliveryLog> open(const std::string& maildir, const std::string& id);

    enum class State { unknown, begun, done };
    Result<State> find();
    Result<void> write(State state);  // appends a line; shortens the log when it has become long

private:
    DeliveryLog(Fd fd, std::string id) : fd_(std::move(fd)), id_(std::move(id)) {}
    bool is_long() const;
    void shorten();
    Fd fd_;
    std::string id_;
    bool was_long_ = false;
};

}  // namespace mta::maildir
