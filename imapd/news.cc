#include "imapd/news.h"

#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "imapd/watch.h"

namespace mta::imapd {

namespace {

using namespace std::chrono_literals;

constexpr auto answer_limit = 3s;  // the client may say something meanwhile
constexpr std::size_t key_bytes = 16;
constexpr int max_attempts = 3;

// Those that <linux/magic.h> does not have, too.
constexpr long lustre_magic = 0x0bd00bd3, gfs2_magic = 0x01161970, gpfs_magic = 0x47504653;
constexpr std::array shared_types{static_cast<long>(NFS_SUPER_MAGIC), static_cast<long>(CIFS_SUPER_MAGIC), static_cast<long>(SMB_SUPER_MAGIC),
                                  static_cast<long>(SMB2_SUPER_MAGIC), static_cast<long>(FUSE_SUPER_MAGIC), static_cast<long>(V9FS_MAGIC),
                                  static_cast<long>(CEPH_SUPER_MAGIC), static_cast<long>(AFS_SUPER_MAGIC), static_cast<long>(AFS_FS_MAGIC),
                                  static_cast<long>(CODA_SUPER_MAGIC), static_cast<long>(OCFS2_SUPER_MAGIC), lustre_magic, gfs2_magic, gpfs_magic};

Result<void> check_local(const std::vector<std::string>& paths)
{
    for (const auto& path : paths) {
        struct statfs facts {};
        if (::statfs(path.c_str(), &facts) != 0)
            return errno_error(cat("statfs ", path));
        if (is_shared_between_hosts(static_cast<long>(facts.f_type)))
            return failure(cat(path, ": inotify does not tell what other hosts change there"));
    }
    return {};
}

std::string what(const ipc::Message& answer) { return std::string(answer.find("what").value_or("")); }

Error refused() { return failure("notify: refused"); }

}  // namespace

bool is_shared_between_hosts(long type) { return std::find(shared_types.begin(), shared_types.end(), type) != shared_types.end(); }

ipc::Message News::ask(const service::News& question, Fd descriptor)
{
    auto message = ipc::pack(question);
    message.fd = std::move(descriptor);
    notify_->send(message, answer_limit);
    auto answer = notify_->receive(answer_limit);
    if (!answer)
        throw net::Lost(net::Lost::Kind::closed, "end of file");
    return std::move(*answer);
}

// A uid may have 128 instances of inotify: there is one for all sessions, and it counts as their owner's.
Result<Fd> News::instance()
{
    auto answer = ask({"instance", "", ""});
    if (what(answer) == "none") {
        Fd fresh(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!fresh)
            return errno_error("inotify");
        answer = ask({"offer", "", ""}, std::move(fresh));
    }
    if (!answer.fd)
        return refused();
    return std::move(answer.fd);
}

Result<std::string> News::watch(const std::vector<std::string>& paths) const
{
    std::string numbers;
    for (const auto& path : paths) {
        int number = ::inotify_add_watch(inotify_.get(), path.c_str(), Watch::events);
        if (number < 0)
            return errno_error(cat("inotify ", path));
        numbers += cat(numbers.empty() ? "" : " ", number);
    }
    return numbers;
}

// notify removes watches that nobody needs any more, perhaps just before it hears that we do: then they have other numbers
// the second time.
Result<std::string> News::expect_or_throw(const std::vector<std::string>& paths)
{
    if (auto local = check_local(paths); !local)
        return local.error();
    auto connection = net::connect_unix(socket_, answer_limit);
    if (!connection)
        return connection.error();
    notify_.emplace(*std::move(connection));
    auto shared = instance();
    if (!shared)
        return shared.error();
    inotify_ = *std::move(shared);
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
        auto watches = watch(paths);
        if (!watches)
            return watches;
        auto key = hex_encode(random_bytes(key_bytes));
        if (what(ask({"register", key, *watches})) != "registered")
            return refused();
        if (auto again = watch(paths); again && *again == *watches)
            return key;
        forget(key);
    }
    return failure("notify: the watches do not stay");
}

Result<std::string> News::expect(const std::vector<std::string>& paths)
{
    try {
        return expect_or_throw(paths);
    } catch (const net::Lost& lost) {
        return failure(cat("notify: ", lost.what()));
    }
}

void News::forget(const std::string& key)
{
    try {
        notify_->send(ipc::pack(service::News{"forget", key, ""}), answer_limit);
    } catch (const net::Lost&) {
        // then it has forgotten all
    }
}

}  // namespace mta::imapd
