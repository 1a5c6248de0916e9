#include "notify/daemon.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/text.h"
#include "ipc/user.h"
#include "log/log.h"
#include "net/stream.h"

namespace mta::notify {

using namespace std::chrono_literals;

namespace {

constexpr auto sweep_interval = 10s;
constexpr auto accept_pause = 100ms;
constexpr auto unused_limit = 60s;              // for workers that have the instance and no key yet
constexpr std::size_t max_unsent_bytes = 1u << 20;

std::vector<int> numbers(std::string_view text)
{
    std::vector<int> result;
    for (auto word : split_words(text))
        if (auto number = parse_number<int>(word); number && *number > 0)
            result.push_back(*number);
    return result;
}

}  // namespace

Daemon::Daemon(event::Loop& loop, const std::vector<Fd>& listeners, Limits limits)
    : loop_(loop), limits_(limits), registry_(limits.registry), sweep_timer_(loop, [this] { sweep(); }), again_(loop, [this] {
          for (auto& watch : watches_)
              watch->change(event::readable);
      })
{
    for (const auto& listener : listeners) {
        net::set_nonblocking(listener.get(), true);
        watches_.push_back(std::make_unique<event::Watch>(loop, listener.get(), event::readable, [this, fd = listener.get()](short) { accept(fd); }));
    }
    sweep_timer_.start(sweep_interval);
}

Daemon::~Daemon() = default;

void Daemon::accept(int listener)
{
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log::warning(errno_error("accept").text);
            for (auto& watch : watches_)
                watch->change(0);
            again_.start(accept_pause);
        }
        return;
    }
    auto uid = ipc::user_of(fd.get());
    if (!uid || connections_[*uid] >= limits_.connections)
        return;
    ++connections_[*uid];
    auto client = next_++;
    auto on_message = [this, client](ipc::Message message) { received(client, std::move(message)); };
    guests_[client] = {*uid, std::make_unique<ipc::Peer>(loop_, std::move(fd), on_message, [this, client] { left(client); })};
}

void Daemon::left(Client client)
{
    auto guest = guests_.find(client);
    if (--connections_[guest->second.uid] == 0)
        connections_.erase(guest->second.uid);
    guests_.erase(guest);
    registry_.leave(client);
    remove_unused();
}

void Daemon::received(Client client, ipc::Message message)
{
    auto request = ipc::unpack<Message>(message);
    if (request)
        obey(client, *request, std::move(message.fd));
    else
        send(client, {"refused", "", ""});
    remove_unused();
}

void Daemon::obey(Client client, const Message& request, Fd descriptor)
{
    auto uid = guests_.at(client).uid;
    if (request.what == "instance")
        return send_instance(client, uid);
    if (request.what == "offer")
        return offered(client, uid, std::move(descriptor));
    if (request.what == "register")
        return add(client, uid, request);
    if (request.what == "forget")
        return registry_.forget(request.key);
    if (request.what != "watch")
        return send(client, {"refused", "", ""});
    if (registry_.claim(request.key, client))
        send(client, {"woken", request.key, ""});
}

void Daemon::send(Client client, const Message& message, Fd descriptor)
{
    auto guest = guests_.find(client);
    if (guest == guests_.end())
        return;
    auto packed = ipc::pack(message);
    packed.fd = std::move(descriptor);
    auto& peer = *guest->second.peer;
    peer.send(std::move(packed));
    if (peer.unsent_bytes() > max_unsent_bytes)
        peer.give_up();
}

void Daemon::send_instance(Client client, uid_t uid)
{
    auto owner = owners_.find(uid);
    if (owner == owners_.end())
        return send(client, {"none", "", ""});
    owner->second.used = Registry::Clock::now();
    auto copy = owner->second.instance->copy();
    copy ? send(client, {"instance", "", ""}, std::move(copy)) : send(client, {"refused", "", ""});
}

// The first one counts.
void Daemon::offered(Client client, uid_t uid, Fd descriptor)
{
    if (!descriptor || !is_inotify(descriptor))
        return send(client, {"refused", "", ""});
    auto& owner = owners_[uid];
    if (!owner.instance)
        owner.instance = std::make_unique<Instance>(
            loop_, std::move(descriptor),
            Instance::Handlers{[this, uid](int watch) { happened(uid, watch); }, [this, uid] { tell(registry_.happened(uid)); }, [this, uid] { broken(uid); }});
    send_instance(client, uid);
}

void Daemon::add(Client client, uid_t uid, const Message& request)
{
    auto added = owners_.contains(uid) ? registry_.add(uid, request.key, numbers(request.watches), Registry::Clock::now())
                                       : Result<void>(failure("no inotify instance"));
    if (!added)
        log::debug("uid=", uid, ": refused: ", added.error().text);
    send(client, {added ? "registered" : "refused", request.key, ""});
}

// A watch without a key is one that a worker has made and has not registered yet: it looks again after that.
void Daemon::happened(uid_t uid, int watch)
{
    if (!registry_.is_used(uid, watch))
        owners_.at(uid).instance->remove(watch);
    tell(registry_.happened(uid, watch));
}

void Daemon::tell(const std::vector<Registry::Told>& told)
{
    for (const auto& [client, key] : told)
        send(client, {"woken", key, ""});
    remove_unused();
}

void Daemon::broken(uid_t uid)
{
    log::warning("uid=", uid, ": the inotify instance cannot be read");
    auto gone = owners_.extract(uid);
    tell(registry_.happened(uid));
}

void Daemon::remove_unused()
{
    for (const auto& [uid, watch] : registry_.take_unused())
        if (auto owner = owners_.find(uid); owner != owners_.end())
            owner->second.instance->remove(watch);
}

void Daemon::sweep()
{
    auto now = Registry::Clock::now();
    registry_.expire(now);
    remove_unused();
    for (auto& [uid, owner] : owners_)
        if (registry_.is_used(uid))
            owner.used = now;
    std::erase_if(owners_, [&](const auto& entry) { return now - entry.second.used > unused_limit; });
    sweep_timer_.start(sweep_interval);
}

}  // namespace mta::notify
