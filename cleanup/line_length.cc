#include "cleanup/line_length.h"

#include <algorithm>

namespace mta::cleanup {

void LineLength::read(std::string_view bytes)
{
    while (!bytes.empty()) {
        auto end = bytes.find('\n');
        current_ += std::min(end, bytes.size());
        longest_ = std::max(longest_, current_);
        if (end == std::string_view::npos)
            return;
        current_ = 0;
        bytes.remove_prefix(end + 1);
    }
}

}  // namespace mta::cleanup
