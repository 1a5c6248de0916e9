#pragma once

#include <string>
#include <thread>

#include "base/fd.h"

namespace mta::fuzz {

// A service that gives each caller the same bytes, whatever it is asked, and hangs up. It has a thread of its own, as those who ask
// it wait for the answer.
class Answerer {
public:
    Answerer(const std::string& path, std::string answer);
    ~Answerer();
    Answerer(const Answerer&) = delete;

private:
    void serve() const;

    std::string answer_;
    Fd listener_;
    std::thread thread_;
};

}  // namespace mta::fuzz
