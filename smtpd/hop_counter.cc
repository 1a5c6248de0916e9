#include "smtpd/hop_counter.h"

#include <algorithm>

#include "base/text.h"

namespace mta::smtpd {

namespace {

constexpr std::string_view field = "received:";

}  // namespace

void HopCounter::read(std::string_view bytes)
{
    while (in_header_ && !bytes.empty()) {
        auto end = bytes.find('\n');
        auto part = bytes.substr(0, end);
        if (!decided_) {
            start_.append(part.substr(0, field.size() - start_.size()));
            decided_ = start_.size() == field.size();
            hops_ += decided_ && iequals(start_, field);
        }
        if (end == std::string_view::npos)
            return;
        in_header_ = !start_.empty();
        start_.clear();
        decided_ = false;
        bytes.remove_prefix(end + 1);
    }
}

}  // namespace mta::smtpd
