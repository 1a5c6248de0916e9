#include "maildir/folder_view.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "log/log.h"
#include "maildir/errors.h"
#include "maildir/file_name.h"
#include "maildir/folder_name.h"
#include "maildir/upload.h"

namespace mta::maildir {
namespace {

template <class Set>
Set changed(Set old, FlagChange change, Set by)
{
    switch (change) {
    case FlagChange::add: return static_cast<Set>(old | by);
    case FlagChange::remove: return static_cast<Set>(old & ~by);
    case FlagChange::replace: break;
    }
    return by;
}

bool is_on_read_only_disk(const std::string& directory)
{
    return ::access((directory + "/cur").c_str(), W_OK) < 0 && errno == EROFS;
}

std::string suffix_of(const Record& record) { return std::string(split_name(record.name).suffix); }

}  // namespace

std::optional<std::size_t> Folder::find(Uid uid) const
{
    const auto& all = messages();
    const auto at = std::lower_bound(all.begin(), all.end(), uid, [](auto& message, Uid u) { return message.uid < u; });
    if (at == all.end() || at->uid != uid)
        return std::nullopt;
    return static_cast<std::size_t>(at - all.begin());
}

FolderView::FolderView(Root root, std::string name, std::string directory, bool is_read_only)
    : root_(std::move(root)), name_(std::move(name)), is_read_only_(is_read_only),
      store_(std::move(directory), [owner = root_] { return owner.new_uid_validity(); })
{
}

Result<std::unique_ptr<Folder>> FolderView::open(const Root& root, std::string_view name, bool read_only)
{
    auto directory = root.find(name);
    if (!directory)
        return directory.error();
    std::unique_ptr<FolderView> view(new FolderView(root, *normal_name(name), *directory, read_only || is_on_read_only_disk(*directory)));
    auto done = view->look();
    if (!done && lacks_room(done.error())) {
        log::warning(done.error().text, "; opened with UIDs for this session only");
        view->store_.keep_list_in_memory(root.session_uid_validity());
        view->uid_validity_ = 0;
        done = view->look();
    }
    if (!done)
        return done.error();
    if (!view->is_read_only_)
        remove_old_temporaries(*directory);
    Changes all;
    view->append_new(all);
    return std::unique_ptr<Folder>(std::move(view));
}

Result<void> FolderView::catch_up(bool force)
{
    is_stale_ = true;
    if (auto done = store_.catch_up(force); !done)
        return done;
    if (uid_validity_ == 0)
        uid_validity_ = store_.state().uid_validity;
    if (store_.state().uid_validity != uid_validity_)
        return Error{cat(name_, ": the folder was made anew"), no_such_folder};
    return {};
}

Result<void> FolderView::look()
{
    const auto guard = store_.lock();
    if (!guard)
        return guard.error();
    if (auto done = catch_up(); !done)
        return done;
    recent_from_ = store_.state().first_recent;
    if (!is_read_only_) {
        const auto first = store_.claim_recent();
        if (!first)
            return first.error();
        recent_from_ = *first;
    }
    is_stale_ = false;
    return {};
}

Result<Changes> FolderView::refresh(Expunge expunge)
{
    Changes changes;
    const bool is_unchanged = !is_stale_ && store_.is_unchanged();
    if (is_unchanged && also_changed_.empty() && !(has_expunged_ && expunge == Expunge::apply))
        return changes;
    if (!is_unchanged)
        if (auto done = look(); !done)
            return done.error();
    changes.changed = std::exchange(also_changed_, {});
    update_known(changes, expunge);
    append_new(changes);
    return changes;
}

// Brings the messages that are in the view up to date, and takes expunged ones out if that is allowed.
void FolderView::update_known(Changes& changes, Expunge expunge)
{
    auto record = store_.state().records.begin();
    const auto end = store_.state().records.end();
    for (auto& message : messages_) {
        while (record != end && record->uid < message.uid)
            ++record;
        if (record == end || record->uid != message.uid) {
            message.is_expunged = has_expunged_ = true;
            continue;
        }
        const auto flags = flags_of(split_name(record->name).suffix);
        if (message.flags != flags || message.keywords != record->keywords)
            changes.changed.push_back(message.uid);
        message.flags = flags;
        message.keywords = record->keywords;
    }
    std::sort(changes.changed.begin(), changes.changed.end());
    changes.changed.erase(std::unique(changes.changed.begin(), changes.changed.end()), changes.changed.end());
    if (!has_expunged_ || expunge == Expunge::hold)
        return;
    for (std::size_t i = messages_.size(); i-- > 0;)
        if (messages_[i].is_expunged)
            changes.expunged.push_back({messages_[i].uid, static_cast<std::uint32_t>(i + 1)});
    std::erase_if(messages_, [](auto& message) { return message.is_expunged; });
    std::erase_if(changes.changed, [&](Uid uid) { return !find(uid); });
    has_expunged_ = false;
}

void FolderView::append_new(Changes& changes)
{
    const auto& state = store_.state();
    auto first = std::lower_bound(state.records.begin(), state.records.end(), uid_next_, [](auto& r, Uid u) { return r.uid < u; });
    messages_.reserve(messages_.size() + static_cast<std::size_t>(state.records.end() - first));
    for (; first != state.records.end(); ++first) {
        Message message;
        message.uid = first->uid;
        message.flags = flags_of(split_name(first->name).suffix);
        message.keywords = first->keywords;
        message.is_recent = message.uid >= recent_from_;
        messages_.push_back(message);
        ++changes.added;
    }
    uid_next_ = state.next;
    changes.has_new_keywords |= keywords_ != state.keywords;
    keywords_ = state.keywords;
}

Result<void> FolderView::write_keywords(const std::vector<Uid>& uids, FlagChange change, const std::vector<std::string>& names)
{
    Lines lines;
    Keywords bits = 0;
    if (!has_lasting_uids()) {
        if (change == FlagChange::remove || names.empty())
            return {};
        return Error{"there is no room to keep keywords", disk_full};
    }
    if (change == FlagChange::remove) {
        for (const auto& name : names)
            if (auto bit = store_.state().keyword_bit(name))
                bits |= Keywords{1} << *bit;
    } else {
        auto given = KeywordTable(store_.state()).bits(names, lines);
        if (!given)
            return given.error();
        bits = *given;
    }
    for (Uid uid : uids)
        if (const auto* record = store_.state().find(uid))
            if (const auto now = changed(record->keywords, change, bits); now != record->keywords)
                lines.set_keywords(uid, now);
    return store_.write(lines);
}

// Gives those whose files are not where the list says.
Result<std::vector<Uid>> FolderView::write_flags(const std::vector<Uid>& uids, FlagChange change, std::uint8_t flags)
{
    std::vector<Uid> lost;
    Result<void> result;
    Lines lines;
    const FolderStore::OwnChange own(store_);
    for (Uid uid : uids) {
        const auto* record = store_.state().find(uid);
        const auto suffix = record ? suffix_of(*record) : std::string();
        const auto now = changed(flags_of(suffix), change, flags);
        if (!record || now == flags_of(suffix))
            continue;
        const auto done = store_.rename(*record, with_flags(suffix, now), lines);
        if (!done)
            result = done.error();
        if (!done)
            break;
        if (!*done)
            lost.push_back(uid);
    }
    if (!lines.is_empty())
        own.finish(lines);
    if (auto done = store_.note(lines); !done)
        return done.error();
    if (!result)
        return result.error();
    return lost;
}

Result<std::vector<Uid>> FolderView::change_flags(const std::vector<Uid>& uids, FlagChange change, std::uint8_t flags,
                                                  const std::vector<std::string>& keywords)
{
    const auto guard = store_.lock();
    if (!guard)
        return guard.error();
    if (auto done = catch_up(); !done)
        return done.error();
    if (auto done = write_keywords(uids, change, keywords); !done)
        return done.error();
    auto lost = write_flags(uids, change, flags);
    for (int attempt = 1; lost && !lost->empty() && attempt < patience; ++attempt) {  // another program has just renamed them
        if (auto done = catch_up(true); !done)
            return done.error();
        lost = write_flags(*lost, change, flags);
    }
    if (!lost)
        return lost.error();
    if (!lost->empty())
        return failure("another program keeps renaming the messages");
    is_unsynced_ = true;
    Keywords bits = 0;
    for (const auto& name : keywords)
        if (auto bit = store_.state().keyword_bit(name))
            bits |= Keywords{1} << *bit;
    std::vector<Uid> gone;
    for (Uid uid : uids) {
        const auto* record = store_.state().find(uid);
        const auto at = find(uid);
        if (!record) {
            gone.push_back(uid);
        } else if (at) {
            auto& message = messages_[*at];
            const auto now = flags_of(suffix_of(*record));
            if (now != changed(message.flags, change, flags) || record->keywords != changed(message.keywords, change, bits))
                also_changed_.push_back(uid);
            message.flags = now;
            message.keywords = record->keywords;
        }
    }
    keywords_ = store_.state().keywords;
    return gone;
}

// After a power cut the queue may not know of its last deliveries, and delivers again what has gone from here meanwhile, unless the list
// says that it was here. So that is durable before the file goes.
Result<void> FolderView::keep_memory_of(const std::vector<Uid>& uids)
{
    constexpr std::time_t queue_knows_after = 120;  // file systems write their journal every 5 to 30 seconds
    const auto since = std::time(nullptr) - queue_knows_after;
    for (Uid uid : uids) {
        const auto* record = store_.state().find(uid);
        if (record && !id_of(record->name).empty() && facts_of(split_name(record->name).base).date.value_or(0) > since)
            return store_.sync_list();
    }
    return {};
}

// Gives those whose files are not where the list says.
Result<std::vector<Uid>> FolderView::unlink(const std::vector<Uid>& uids)
{
    std::vector<Uid> lost;
    Result<void> result;
    bool in_new = false;
    Lines lines;
    const FolderStore::OwnChange own(store_);
    for (Uid uid : uids) {
        const auto* record = store_.state().find(uid);
        if (!record)
            continue;
        if (::unlink(store_.path_of(*record).c_str()) == 0) {
            in_new |= record->is_new;
            lines.expunge(uid);
        } else if (errno == ENOENT) {
            lost.push_back(uid);
        } else {
            result = io_error("expunge");
            break;
        }
    }
    if (result && !lines.is_empty())
        result = make_directory_durable(store_.directory() + "/cur");
    if (result && in_new)
        result = make_directory_durable(store_.directory() + "/new");
    if (!lines.is_empty())
        own.finish(lines);
    if (auto done = store_.note(lines); !done)
        return done.error();
    if (!result)
        return result.error();
    return lost;
}

Result<void> FolderView::expunge(const std::vector<Uid>& uids)
{
    const auto guard = store_.lock();
    if (!guard)
        return guard.error();
    if (auto done = catch_up(); !done)
        return done;
    if (auto done = keep_memory_of(uids); !done)
        return done;
    auto lost = unlink(uids);
    for (int attempt = 1; lost && !lost->empty() && attempt < patience; ++attempt) {
        if (auto done = catch_up(true); !done)
            return done;
        lost = unlink(*lost);
    }
    if (!lost)
        return lost.error();
    if (!lost->empty())
        return failure("another program keeps renaming the messages");
    return {};
}

Result<void> FolderView::sync()
{
    if (!is_unsynced_)
        return {};
    if (auto done = make_directory_durable(store_.directory() + "/cur"); !done)
        return done;
    if (auto done = store_.sync_list(); !done)
        return done;
    is_unsynced_ = false;
    return {};
}

std::vector<std::string> FolderView::watch_paths() const
{
    return {store_.directory(), store_.directory() + "/new", store_.directory() + "/cur"};
}

}  // namespace mta::maildir
