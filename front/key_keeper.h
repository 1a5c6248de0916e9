#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "event/event.h"
#include "ipc/peer.h"
#include "tls/settings.h"

namespace mta::front {

// front gives up the right to read private keys before it hears the first client, but certificates are renewed. A child
// process that stays what front was at its start, hears nobody, and only looks at the files sends them when they have changed.
class KeyKeeper {
public:
    // Reads the files and starts the child. changed is called when there are new ones.
    KeyKeeper(event::Loop& loop, const std::vector<tls::CertificateFiles>& certificates, const std::vector<Fd>& listeners,
              std::function<void()> changed);
    ~KeyKeeper();
    KeyKeeper(const KeyKeeper&) = delete;

    // The files as they were last; for tls::Settings.
    tls::Reader reader() const;

private:
    void received(const ipc::Message& message);

    std::function<void()> changed_;
    std::shared_ptr<std::map<std::string, std::string>> files_;
    std::unique_ptr<ipc::Peer> child_;
    pid_t pid_ = -1;
};

}  // namespace mta::front
