#pragma once

#include "net/stream.h"

namespace mta::daemon {

// How a worker waits for a client that may be silent for long: until one of the descriptors (-1: none) can be read, or the
// deadline; false at the deadline. Throws net::Lost, Kind::stopped, when the system stops: the session shall say goodbye. A
// reload does not disturb it.
bool wait_for_client(int fd, int other, net::Transport::Deadline deadline);
// The same for net::Stream::set_waiter().
bool wait_for_client(int fd, net::Transport::Deadline deadline);
// Another for a message that is under way: it is taken also when the system stops.
bool wait_for_message(int fd, net::Transport::Deadline deadline);

}  // namespace mta::daemon
