#include "qmgr/site_flush.h"

#include <algorithm>

#include "base/text.h"
#include "qmgr/clock.h"

namespace mta::qmgr {

using namespace std::chrono_literals;

namespace {

constexpr int files_at_once = 20;
constexpr auto time_at_once = 5ms;  // a slow disk gets fewer
constexpr std::size_t max_waiting = 100;

}  // namespace

SiteFlush::SiteFlush(event::Loop& loop, DueHeap& due, const queue::Directory& queue, std::function<void()> found)
    : due_(due), queue_(queue), found_(std::move(found)), timer_(loop, [this] { turn(); })
{
}

bool SiteFlush::add(const std::string& domain)
{
    auto suffix = cat("@", lower(domain));
    auto begin = suffixes_.begin() + (suffixes_.empty() ? 0 : 1);  // the first one's walk has begun
    if (std::find(begin, suffixes_.end(), suffix) != suffixes_.end())
        return true;
    if (suffixes_.size() >= max_waiting)
        return false;
    suffixes_.push_back(suffix);
    if (!timer_.pending())
        timer_.start(0ms);
    return true;
}

void SiteFlush::turn()
{
    auto end = std::chrono::steady_clock::now() + time_at_once;
    bool any = false;
    for (int i = 0; i < files_at_once && std::chrono::steady_clock::now() < end; ++i) {
        auto item = due_.next_after(last_);
        if (!item) {
            suffixes_.pop_front();
            last_.clear();
            break;
        }
        last_ = item->id;
        if (item->state == queue::State::deferred && is_for(suffixes_.front(), *item))
            any = due_.flush(item->id, steady_seconds()) || any;
    }
    if (!suffixes_.empty())
        timer_.start(0ms);
    if (any)
        found_();
}

bool SiteFlush::is_for(const std::string& suffix, const DueHeap::Item& item) const
{
    auto fd = queue_.open(item.state, item.id);
    auto mail = fd ? queue::Directory::read(fd->get()) : Result<queue::Mail>(fd.error());
    if (!mail)
        return false;  // what is wrong with it shows when it is due
    for (std::size_t i = 0; i < mail->envelope.recipients.size(); ++i)
        if (!mail->is_done(i) && lower(mail->envelope.recipients[i].address).ends_with(suffix))
            return true;
    return false;
}

}  // namespace mta::qmgr
