#include "ipc/user.h"

#include <sys/socket.h>

namespace mta::ipc {

std::optional<uid_t> user_of(int socket)
{
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return std::nullopt;
    return peer.uid;
}

}  // namespace mta::ipc
