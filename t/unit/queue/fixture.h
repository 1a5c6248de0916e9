#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "queue/directory.h"

namespace mta::queue_test {

// A queue of its own, for as long as the object lives.
struct TemporaryQueue {
    TemporaryQueue()
    {
        char name[] = "/tmp/buuta-queue-XXXXXX";
        root = ::mkdtemp(name);
        REQUIRE(queue::Directory::create(root));
    }
    ~TemporaryQueue() { std::filesystem::remove_all(root); }

    std::vector<std::string> incoming() const
    {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(root + "/incoming"))
            names.push_back(entry.path().filename());
        return names;
    }
    std::string path(const std::string& name) const { return root + "/incoming/" + name; }
    std::string root;
};

}  // namespace mta::queue_test
