#pragma once

#include <algorithm>

#include "config/config.h"
#include "config/limit.h"
#include "mime/limits.h"

namespace mta::mime {

// For all who look into a message's body.
struct Params : config::Group {
    using Group::Group;
    config::Param<config::Limit> depth_limit{*this, "mime_depth_limit", "50",
        "How deep body parts may be nested, 500 at most; what is deeper stays as it is, inside the part around it."};
    config::Param<config::Limit> part_limit{*this, "mime_part_limit", "1000",
        "The most body parts of a message; what is behind them stays as it is, inside the last one."};

    Limits limits() const
    {
        Limits limits;
        limits.depth = std::min<std::size_t>(depth_limit().number(), Limits::deepest);
        limits.parts = part_limit().number();
        return limits;
    }
};

}  // namespace mta::mime
