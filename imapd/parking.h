#pragma once

#include <string>

#include "service/session.h"

namespace mta::imapd {

// What a session needs to wait in front while there is nothing to do, and to go on in another process.
struct Parking {
    service::Session& facts;     // how it came from front, and how it goes back
    std::string notify_socket;
};

}  // namespace mta::imapd
