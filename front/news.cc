#include "front/news.h"

#include "log/log.h"
#include "net/stream.h"
#include "service/notify.h"

namespace mta::front {

namespace {

constexpr auto connect_limit = std::chrono::milliseconds(100), wake_interval = std::chrono::milliseconds(10);

}  // namespace

News::News(event::Loop& loop, std::string socket, Woken woken)
    : loop_(loop), socket_(std::move(socket)), woken_(std::move(woken)), pace_(loop, [this] { wake_one(); })
{
}

News::~News() = default;

bool News::connect()
{
    if (notify_)
        return true;
    auto fd = net::connect_unix(socket_, connect_limit);
    if (!fd) {
        log::debug(fd.error().text);
        return false;
    }
    notify_ = std::make_unique<ipc::Peer>(
        loop_, *std::move(fd), [this](const ipc::Message& message) { received(message); }, [this] { lost(); });
    return true;
}

void News::watch(const std::string& key, std::uint64_t connection)
{
    waiting_[key] = connection;
    connect() ? notify_->send(ipc::pack(service::News{"watch", key, ""})) : lost();
}

void News::forget(const std::string& key)
{
    if (waiting_.erase(key) > 0 && notify_)
        notify_->send(ipc::pack(service::News{"forget", key, ""}));
}

void News::received(const ipc::Message& message)
{
    auto news = ipc::unpack<service::News>(message);
    auto found = news ? waiting_.find(news->key) : waiting_.end();
    if (found == waiting_.end() || news->what != "woken")
        return;
    auto connection = found->second;
    waiting_.erase(found);
    woken_(connection);
}

void News::lost()
{
    notify_.reset();
    for (const auto& [key, connection] : waiting_)
        to_wake_.push_back(connection);
    waiting_.clear();
    if (!to_wake_.empty() && !pace_.pending())
        pace_.start(wake_interval);
}

void News::wake_one()
{
    auto connection = to_wake_.front();
    to_wake_.pop_front();
    if (!to_wake_.empty())
        pace_.start(wake_interval);
    woken_(connection);
}

}  // namespace mta::front
