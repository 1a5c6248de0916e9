#pragma once

#include <cstddef>

namespace mta::mime {

// How much is looked at of what a message is made of, however it is made.
struct Limits {
    static constexpr std::size_t deepest = 500;  // whatever depth says: each level takes stack of who walks through the parts

    std::size_t depth = 50, parts = 1000;                              // of body parts
    std::size_t addresses = 1000, addresses_of_message = 2000;         // of a list, and of all lists of an envelope
};

}  // namespace mta::mime
