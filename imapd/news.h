#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/channel.h"
#include "service/notify.h"

namespace mta::imapd {

// Whether other hosts may write to a file system of this type (statfs(2)): inotify tells nothing of that.
bool is_shared_between_hosts(long type);

// Asks notify to wake the session when something changes in a folder. The watches are made here, with the rights of the
// mailbox's owner, in the one inotify instance that all sessions of this uid share.
class News {
public:
    explicit News(std::string socket) : socket_(std::move(socket)) {}

    // The key by which front claims the news of the paths; all that happens from now on counts.
    Result<std::string> expect(const std::vector<std::string>& paths);
    void forget(const std::string& key);

private:
    Result<std::string> expect_or_throw(const std::vector<std::string>& paths);
    Result<Fd> instance();
    Result<std::string> watch(const std::vector<std::string>& paths) const;
    ipc::Message ask(const service::News& question, Fd descriptor = Fd());

    std::string socket_;
    std::optional<ipc::Channel> notify_;
    Fd inotify_;
};

}  // namespace mta::imapd
