#include "t/fuzz/lib/peer.h"

#include "log/log.h"

namespace mta::fuzz {

void silence_log()
{
    static const bool done = log::open_file("/dev/null");
    HOLDS(done);
}

}  // namespace mta::fuzz
