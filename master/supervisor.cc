#include "master/supervisor.h"

#include <sys/wait.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace mta::master {

Supervisor::Supervisor(event::Loop& loop, Handlers handlers)
    : handlers_(std::move(handlers)), duty_{loop, sockets_, {}, {}, {}, [this] { changed(); }}
{
}

Result<void> Supervisor::apply(Plan plan, Settings settings, std::chrono::milliseconds patience)
{
    if (settings.owner)
        sockets_.set_owner(*settings.owner);
    auto wanted = plan.sockets();
    if (auto opened = sockets_.open(wanted, patience); !opened)
        return opened;
    duty_.surroundings = std::move(settings.surroundings);
    duty_.throttle_limit = settings.throttle_limit;
    duty_.drain_limit = settings.drain_limit;
    is_applying_ = true;
    std::set<std::string> keys;
    for (const auto& job : plan.jobs)
        keys.insert(job.key);
    for (auto entry = posts_.begin(); entry != posts_.end();) {
        if (!keys.contains(entry->first)) {
            entry->second->retire();
            retired_.push_back(std::move(entry->second));
            entry = posts_.erase(entry);
        } else {
            ++entry;
        }
    }
    for (auto& job : plan.jobs) {
        auto& post = posts_[job.key];
        if (post) {
            post->replace(std::move(job));
        } else {
            post = std::make_unique<Post>(duty_, std::move(job));
            post->start();
        }
    }
    sockets_.keep_only(wanted);
    forget_empty();
    is_applying_ = false;
    has_told_settled_ = false;
    changed();
    return {};
}

void Supervisor::drain()
{
    is_stopping_ = true;
    for (auto& entry : posts_)
        entry.second->drain();
    for (auto& post : retired_)
        post->drain();
    sockets_.keep_only({});
    changed();
}

void Supervisor::end()
{
    is_stopping_ = true;
    for (auto& entry : posts_)
        entry.second->end();
    for (auto& post : retired_)
        post->end();
    sockets_.keep_only({});
    changed();
}

// Also reaps what the processes left behind: as process 1 or as a subreaper we inherit it.
void Supervisor::reap()
{
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
        exited(pid, status);
    forget_empty();
    changed();
}

void Supervisor::exited(pid_t pid, int status)
{
    for (auto& entry : posts_)
        if (entry.second->exited(pid, status))
            return;
    for (auto& post : retired_)
        if (post->exited(pid, status))
            return;
}

void Supervisor::forget_empty()
{
    std::erase_if(retired_, [](const auto& post) { return post->is_empty(); });
}

bool Supervisor::is_settled() const
{
    return std::all_of(posts_.begin(), posts_.end(), [](const auto& entry) { return entry.second->is_settled(); });
}

std::vector<std::string> Supervisor::failing() const
{
    return names_if([](const Post& post) { return post.has_failed(); });
}

std::vector<std::string> Supervisor::unready() const
{
    return names_if([](const Post& post) { return !post.is_ready(); });
}

std::vector<std::string> Supervisor::names_if(const std::function<bool(const Post&)>& is_meant) const
{
    std::vector<std::string> result;
    for (const auto& entry : posts_)
        if (is_meant(*entry.second))
            result.push_back(cat(entry.second->job().program, " (", entry.second->job().place, ")"));
    return result;
}

void Supervisor::changed()
{
    if (is_applying_)
        return;
    if (is_stopping_) {
        bool all_empty = std::all_of(posts_.begin(), posts_.end(), [](const auto& entry) { return entry.second->is_empty(); });
        if (all_empty && retired_.empty())
            handlers_.all_gone();
        return;
    }
    if (has_told_settled_)
        return handlers_.changed();
    if (!is_settled())
        return;
    has_told_settled_ = true;
    handlers_.settled();
}

}  // namespace mta::master
