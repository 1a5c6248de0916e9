#pragma once

#include <string>

// What notify (service `notify`, a public socket) is told and says. It wakes IMAP sessions that wait in front:
//   a worker, as the mailbox's owner: instance -> instance, with the inotify descriptor of its uid, or -> none;
//     offer, with a new descriptor -> instance, with the one to use; register KEY WATCHES -> registered; else -> refused
//   front: watch KEY; when something has happened to one of the watches since they were registered -> woken KEY
//   both: forget KEY
namespace mta::service {

inline constexpr char notify_service[] = "notify";

struct News {
    std::string what;
    std::string key;      // nobody can guess it
    std::string watches;  // the watch descriptors, with spaces between

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("what", self.what);
        visit("key", self.key);
        visit("watches", self.watches);
    }
};

}  // namespace mta::service
