#pragma once

#include <string>

#include "base/fd.h"
#include "daemon/process.h"
#include "pop3d/params.h"

namespace mta::pop3d {

// Takes a session over from front: redeems its ticket at auth, becomes the mailbox's owner for ever (when root), and
// only then reads who the client is and talks with it.
class Handover {
public:
    // `stranger` is who speaks with the client when the ticket turns out to be worth nothing.
    Handover(const Params& params, std::string auth_socket, daemon::User stranger)
        : params_(params), auth_socket_(std::move(auth_socket)), stranger_(std::move(stranger))
    {
    }

    // Returns when the session is over. front learns of that by the end of the connection.
    void serve(Fd front) const;

private:
    const Params& params_;
    std::string auth_socket_;
    daemon::User stranger_;
};

}  // namespace mta::pop3d
