#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/directory.h"

// The queue as mailq shows it.
namespace mta::queue {

struct Listed {
    std::string queue_name, queue_id;
    std::int64_t arrival = 0;      // seconds since 1970
    std::uint64_t size = 0;
    bool forced_expire = false;
    std::string sender;            // empty: null reverse-path
    struct Open {
        std::string address, original, reason;
    };
    std::vector<Open> recipients;  // those that are not done
};

// Calls each for all mail in incoming, active, deferred and hold, oldest first within a state. Mail that vanishes meanwhile is left
// out; mail that cannot be read is there, with the reason in place of a recipient's.
Result<void> list_queue(const Directory& directory, const std::function<void(const Listed&)>& each);

// The same as the `showq` service sends it: attributes "queue_name queue_id time size forced_expire sender", for each recipient
// "original_recipient recipient log_class reason", and an empty name; behind the last mail another empty name.
std::string encode(const Listed& mail);
// Takes one from the start of the bytes: how many it was long; 0: not complete. An empty queue_id is the end of the list.
Result<std::size_t> decode(std::string_view bytes, Listed& mail);

// Postfix's formats. The text form knows the mails before, for its heading and its last line.
class MailqFormat {
public:
    std::string mail(const Listed& mail);
    std::string end() const;       // "-- 3 Kbytes in 2 Requests." or "Mail queue is empty"

private:
    std::uint64_t bytes_ = 0, count_ = 0;
};
std::string json_line(const Listed& mail);

}  // namespace mta::queue
