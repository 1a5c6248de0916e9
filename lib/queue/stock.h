#pragma once

#include <optional>
#include <string>
#include <vector>

#include "queue/directory.h"

namespace mta::queue {

// Queue files that a process has made beforehand, in incoming. Their names are durable before a mail needs one, so that
// accepting it syncs the file only: whatever name it has after a power cut, a complete file is a mail (see
// Directory::settle_leftovers()). Each is locked while its process lives.
class Stock {
public:
    explicit Stock(Directory& directory) : directory_(&directory) {}
    ~Stock();
    Stock(const Stock&) = delete;

    // If nothing is left: makes some files, more than the last time, with one directory sync. What cannot be made is
    // missing: mails without a prepared file get one as they come.
    void refill();

private:
    friend class Directory;
    struct File {
        std::string name;
        Fd fd;
    };
    std::optional<File> take();
    std::optional<File> make() const;

    Directory* directory_;
    std::vector<File> files_;
    std::size_t next_count_ = 1;
};

}  // namespace mta::queue
