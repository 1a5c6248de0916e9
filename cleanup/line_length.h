#pragma once

#include <cstdint>
#include <string_view>

namespace mta::cleanup {

// Measures the lines of a message that comes in pieces.
class LineLength {
public:
    void read(std::string_view bytes);
    // In bytes, without the line end.
    std::uint64_t longest() const { return longest_; }

private:
    std::uint64_t current_ = 0, longest_ = 0;
};

}  // namespace mta::cleanup
