#include "maildir/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/text.h"
#include "log/log.h"
#include "maildir/errors.h"
#include "maildir/file_name.h"

namespace mta::maildir {
namespace {

// How long a change may hide behind one of ours before we look again.
constexpr std::int64_t look_again_ns = 2'000'000'000;
// Directory times come from a clock that ticks this slowly or faster.
constexpr std::int64_t clock_tick_ns = 20'000'000;
constexpr int max_scans = 4;

// The number that a file name starts with, usually the time of its delivery.
std::uint64_t leading_number(std::string_view name)
{
    const auto end = std::find_if_not(name.begin(), name.end(), is_digit);
    return parse_number<std::uint64_t>(std::string_view(name.begin(), end)).value_or(0);
}

// In the order of arrival, as far as names tell it.
void sort_by_name(std::vector<Record>& records)
{
    std::vector<std::pair<std::uint64_t, std::size_t>> order;
    order.reserve(records.size());
    for (std::size_t i = 0; i < records.size(); ++i)
        order.emplace_back(leading_number(records[i].name), i);
    std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : records[a.second].name < records[b.second].name;
    });
    std::vector<Record> sorted;
    sorted.reserve(records.size());
    for (const auto& [number, i] : order)
        sorted.push_back(std::move(records[i]));
    records = std::move(sorted);
}

}  // namespace

std::optional<std::size_t> KeywordTable::free_bit() const
{
    Keywords in_use = given_;
    for (std::size_t bit = 0; bit < names_.size(); ++bit)
        if (names_[bit].empty())
            return bit;
    if (names_.size() < max_keywords)
        return names_.size();
    for (const auto& record : state_.records)
        in_use |= record.keywords;
    for (std::size_t bit = 0; bit < max_keywords; ++bit)
        if (!(in_use >> bit & 1))
            return bit;
    return std::nullopt;
}

Result<Keywords> KeywordTable::bits(const std::vector<std::string>& names, Lines& lines)
{
    Keywords bits = 0;
    for (const auto& name : names) {
        auto known = std::find_if(names_.begin(), names_.end(), [&](auto& other) { return iequals(other, name); });
        auto bit = static_cast<std::size_t>(known - names_.begin());
        if (known == names_.end()) {
            const auto free = free_bit();
            if (!free)
                return Error{"this folder has too many keywords", too_many_keywords};
            bit = *free;
            names_.resize(std::max(names_.size(), bit + 1));
            names_[bit] = name;
            lines.keyword(bit, name);
        }
        bits |= Keywords{1} << bit;
        given_ |= bits;
    }
    return bits;
}

FolderStore::FolderStore(std::string directory, UidList::NewUidValidity new_uid_validity)
    : directory_(std::move(directory)), list_(directory_, std::move(new_uid_validity)), lock_(directory_ + "/buuta-uidlist.lock")
{
}

Result<Lock::Guard> FolderStore::lock()
{
    if (list_.is_in_memory())
        return Lock::Guard(-1);
    auto guard = lock_.take();
    if (!guard && guard.error().status == read_only_disk)
        return Lock::Guard(-1);  // there is nobody who could change anything
    return guard;
}

bool FolderStore::is_complete(const DirTimes& times) const
{
    const auto& mark = state().mark;
    return times == mark.times && (mark.since == 0 || now_ns() < mark.since + look_again_ns);
}

bool FolderStore::is_unchanged() const
{
    const auto times = dir_times(directory_);
    return times && is_complete(*times) && list_.is_current();
}

Result<void> FolderStore::catch_up(bool force)
{
    const auto times = dir_times(directory_);
    if (!times)
        return times.error();
    if (auto done = list_.load(); !done)
        return done;
    if (force || !is_complete(*times)) {
        if (auto done = reconcile(); !done && !lacks_room(done.error()))
            return done;
        else if (!done)
            log::warning(done.error().text);
    }
    if (auto done = list_.compact(); !done && !lacks_room(done.error()))
        return done;
    return {};
}

// Looks through the directories. Programs that do not know our lock may rename a file while we look, and hide it from
// us: what is missing is expunged only after a second look that nobody has disturbed.
Result<void> FolderStore::reconcile()
{
    std::set<Uid> was_missing;
    for (int look = 1; look <= max_scans; ++look) {
        const auto started = now_ns();
        const auto before = dir_times(directory_);
        auto found = scan(directory_);
        const auto after = dir_times(directory_);
        if (!before || !found || !after)
            return !before ? before.error() : !found ? found.error() : after.error();
        const auto& records = state().records;
        const auto difference = compare(directory_, state(), *found);
        const bool is_quiet = *before == *after;
        const bool is_sure = is_quiet && std::all_of(difference.missing.begin(), difference.missing.end(),
                                                     [&](auto i) { return was_missing.contains(records[i].uid); });
        if (!is_sure && look < max_scans) {
            for (auto i : difference.missing)
                was_missing.insert(records[i].uid);
            continue;
        }
        if (!is_sure)
            return take_over(difference, *found, std::nullopt);
        const bool is_fresh = started - std::max(after->new_time, after->cur_time) < clock_tick_ns;
        return take_over(difference, *found, Mark{*after, is_fresh ? started : 0});
    }
    return {};
}

// With the mark if the look was sure. On a full disk all but the new messages is known to us at least.
Result<void> FolderStore::take_over(const Difference& difference, const std::vector<Found>& found, const std::optional<Mark>& mark)
{
    Lines changes, lines;
    for (auto i : difference.missing)
        if (mark)
            changes.expunge(state().records[i].uid);
    for (const auto& [record, file] : difference.renamed)
        changes.rename(state().records[record].uid, found[file].inode, found[file].path());
    if (auto done = list_.note(changes); !done)
        return done;
    std::vector<Record> added;
    added.reserve(difference.added.size());
    for (auto i : difference.added) {
        Record record;
        record.inode = found[i].inode;
        record.is_new = found[i].is_new;
        record.name = found[i].name;
        record.facts = facts_in(record.name);
        added.push_back(std::move(record));
    }
    sort_by_name(added);
    if (!list_.has_room(added.size()))
        if (auto done = list_.renumber(); !done)
            return done;  // the next look adds them
    bool durable = false;
    list_.assign(added, lines, durable);
    if (mark)
        lines.mark(*mark);
    return added.empty() ? list_.note(lines) : list_.append(lines, durable);
}

Result<void> FolderStore::look_up_facts()
{
    const Fd directory(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        return io_error(directory_);
    Lines lines;
    struct stat status {};
    for (const auto& record : state().records)
        if (!record.facts && ::fstatat(directory.get(), record.path().c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
            lines.facts(record.uid, facts_of(record.name, status));
    return list_.note(lines);
}

Result<Uid> FolderStore::claim_recent()
{
    const Uid first = state().first_recent;
    const OwnChange change(*this);
    Lines lines;
    for (const auto& record : state().records)
        if (record.is_new) {
            const auto suffix = split_name(record.name).suffix;
            auto done = rename(record, suffix.empty() ? ":2," : std::string(suffix), lines);
            if (!done && lacks_room(done.error()))
                break;  // they stay in new/
            if (!done)
                return done.error();
        }
    if (first < state().next)
        lines.first_recent(state().next);
    if (lines.is_empty())
        return first;
    change.finish(lines);
    if (auto done = list_.note(lines); !done)
        return done.error();
    return first;
}

Result<bool> FolderStore::rename(const Record& record, const std::string& suffix, Lines& lines)
{
    const auto name = cat(split_name(record.name).base, suffix);
    if (name == record.name && !record.is_new)
        return true;
    const auto path = cat("cur/", name);
    if (::renameat2(AT_FDCWD, path_of(record).c_str(), AT_FDCWD, cat(directory_, '/', path).c_str(), RENAME_NOREPLACE) < 0) {
        if (errno == ENOENT || errno == EEXIST)
            return false;
        return io_error(path_of(record));
    }
    lines.rename(record.uid, record.inode, path);
    return true;
}

Result<void> FolderStore::move_in(const std::vector<Incoming>& incoming)
{
    Result<void> done;
    std::size_t moved = 0;
    for (; done && moved < incoming.size(); ++moved) {
        const auto from = cat(directory_, "/tmp/", incoming[moved].temporary);
        const auto to = cat(directory_, "/cur/", incoming[moved].record.name);
        if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) < 0) {
            done = io_error(to);
            break;
        }
    }
    if (done)
        done = make_directory_durable(directory_ + "/cur");
    if (!done)
        while (moved-- > 0)
            ::unlink(cat(directory_, "/cur/", incoming[moved].record.name).c_str());
    return done;
}

// Writes the new messages into the list.
Result<Copied> FolderStore::number(std::vector<Incoming>& incoming)
{
    Lines lines;
    KeywordTable keywords(state());
    std::vector<Record> records;
    for (auto& [temporary, record, names] : incoming) {
        auto bits = keywords.bits(names, lines);
        if (!bits)
            return bits.error();
        record.keywords = *bits;
        records.push_back(record);
    }
    bool durable = true;
    list_.assign(records, lines, durable);
    const OwnChange change(*this);
    if (auto done = move_in(incoming); !done)
        return done.error();
    change.finish(lines);
    if (auto done = list_.append(lines, durable); !done) {
        for (const auto& message : incoming)
            ::unlink(path_of(message.record).c_str());
        return done.error();
    }
    Copied copied{state().uid_validity, {}};
    for (const auto& record : records)
        copied.uids.emplace_back(0, record.uid);
    return copied;
}

Result<Copied> FolderStore::install(std::vector<Incoming> incoming)
{
    auto guard = lock();
    if (!guard)
        return guard.error();
    if (auto done = catch_up(); !done)
        return done.error();
    if (!list_.has_room(incoming.size()))
        if (auto done = list_.renumber(); !done)
            return done.error();
    return number(incoming);
}

FolderStore::OwnChange::OwnChange(const FolderStore& store) : store_(store)
{
    const auto& mark = store.state().mark;
    const auto times = dir_times(store.directory_);
    was_complete_ = times && *times == mark.times;
    since_ = mark.since ? mark.since : now_ns();
}

void FolderStore::OwnChange::finish(Lines& lines) const
{
    const auto times = dir_times(store_.directory_);
    if (was_complete_ && times)
        lines.mark({*times, since_});
}

}  // namespace mta::maildir
