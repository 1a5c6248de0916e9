#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

// How often each limit was hit since master started, by all of its processes together: some memory that master makes and all of them
// share. Whoever breaks into one of them can write any names and numbers there, and reaches nothing else by that.
namespace mta::net {

constexpr std::size_t max_counted_limits = 128;

// The memory, as a file that nobody can make smaller.
Result<Fd> make_hit_counts();
// From now on this process counts there. False, and the descriptor is still the caller's, if that is not such memory.
bool share_hit_counts(int fd);
// Adds one, if the memory is shared.
void count_hit(std::string_view limit);

// What all processes have counted, by name; empty if this one does not share it. The names may hold any bytes.
std::vector<std::pair<std::string, std::uint64_t>> hit_counts();

}  // namespace mta::net
