#include "maildir/account.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "maildir/errors.h"
#include "maildir/file_name.h"
#include "maildir/folder_name.h"
#include "maildir/folder_view.h"
#include "maildir/upload.h"

namespace mta::maildir {
namespace {

constexpr std::string_view inbox = "INBOX";
constexpr std::string_view removed_prefix = "buuta-removed.";  // directories on their way out
constexpr std::string_view making_prefix = "buuta-making.";    // and on their way in
// Dovecot's newer format: this line, an empty one, then names with tabs between the parts.
constexpr std::string_view subscriptions_v2 = "V\t2";

Error missing(std::string_view name) { return Error{cat("no folder ", name), no_such_folder}; }
Error present(std::string_view name) { return Error{cat("folder ", name, " exists"), folder_exists}; }

bool is_below(std::string_view name, std::string_view parent)
{
    return name.size() > parent.size() + 1 && name.starts_with(parent) && name[parent.size()] == separator;
}

// What a crash has left of directories that were being made or removed.
void sweep(const std::string& root)
{
    std::error_code ignored;
    std::vector<std::filesystem::path> old;
    for (const auto& entry : std::filesystem::directory_iterator(root, ignored)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(removed_prefix) || name.starts_with(making_prefix))
            old.push_back(entry.path());
    }
    for (const auto& path : old)
        std::filesystem::remove_all(path, ignored);
}

}  // namespace

Result<std::unique_ptr<Mailbox>> Mailbox::open(const std::string& root)
{
    auto path = root;
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    if (auto done = make_maildir(path); !done)
        return done.error();
    return std::unique_ptr<Mailbox>(std::make_unique<Account>(Root(path)));
}

// Of the folders that exist, INBOX among them.
Result<std::vector<std::string>> Account::folder_names() const
{
    std::vector<std::string> names{std::string(inbox)};
    std::error_code error;
    for (std::filesystem::directory_iterator entry(root_.path(), error), end; !error && entry != end; entry.increment(error)) {
        std::error_code ignored;
        if (const auto name = folder_of(entry->path().filename().string()); name && entry->is_directory(ignored))
            names.push_back(*name);
    }
    if (error)
        return failure(cat(root_.path(), ": ", error.message()));
    return names;
}

Result<std::vector<FolderInfo>> Account::list()
{
    auto names = folder_names();
    if (!names)
        return names.error();
    const auto subscribed = subscriptions();
    const auto uses = special_uses();
    std::set<std::string> given;
    for (const auto& [name, use] : uses)
        given.insert(use);
    std::map<std::string, FolderInfo> infos;
    for (const auto& name : *names) {
        infos[name].is_selectable = true;
        for (const auto& parent : parents_of(name))
            infos.try_emplace(parent).first->second.has_children = true;
    }
    const std::set<std::string> existing(names->begin(), names->end());
    std::vector<FolderInfo> all;
    for (auto& [name, info] : infos) {
        info.name = name;
        info.is_selectable = existing.contains(name);
        info.is_subscribed = std::binary_search(subscribed.begin(), subscribed.end(), name);
        if (const auto use = uses.find(name); use != uses.end())
            info.special_use = use->second;
        else if (const auto usual = usual_special_use(name); info.is_selectable && !usual.empty() && given.insert(usual).second)
            info.special_use = usual;
        all.push_back(std::move(info));
    }
    std::stable_partition(all.begin(), all.end(), [](auto& info) { return info.name == inbox; });
    return all;
}

std::vector<std::string> Account::subscriptions()
{
    std::set<std::string> names;
    const auto text = read_file(root_.path() + "/subscriptions");
    if (!text)
        return {};
    const bool is_v2 = text->starts_with(subscriptions_v2);
    for (auto line : split(*text, '\n'))
        if (!line.empty() && line != subscriptions_v2)
            names.insert(is_v2 ? replace_all(line, "\t", std::string(1, separator)) : std::string(line));
    return {names.begin(), names.end()};
}

Result<void> Account::subscribe(std::string_view folder, bool on)
{
    const auto name = normal_name(folder);
    if (!name)
        return name.error();
    const auto guard = lock_.take();
    if (!guard)
        return guard.error();
    auto names = subscriptions();
    if (on == (std::find(names.begin(), names.end(), *name) != names.end()))
        return {};
    if (on)
        names.push_back(*name);
    else
        std::erase(names, *name);
    const auto path = root_.path() + "/subscriptions";
    const auto old = read_file(path);
    const bool is_v2 = old && old->starts_with(subscriptions_v2);
    auto text = is_v2 ? cat(subscriptions_v2, "\n\n") : std::string();
    for (const auto& each : names)
        text += cat(is_v2 ? replace_all(each, std::string(1, separator), "\t") : each, '\n');
    return replace_file(path, text, 0600);
}

Account::SpecialUses Account::special_uses() const
{
    SpecialUses uses;
    if (const auto text = read_file(root_.path() + "/buuta-special-use"))
        for (auto line : split(*text, '\n'))
            if (const auto tab = line.find('\t'); tab != std::string_view::npos)
                uses[std::string(line.substr(tab + 1))] = line.substr(0, tab);
    return uses;
}

Result<void> Account::write(const SpecialUses& uses) const
{
    if (uses == special_uses())
        return {};
    std::string text;
    for (const auto& [name, use] : uses)
        text += cat(use, '\t', name, '\n');
    return replace_file(root_.path() + "/buuta-special-use", text, 0600);
}

Result<std::unique_ptr<Folder>> Account::open_folder(std::string_view name, bool read_only)
{
    return FolderView::open(root_, name, read_only);
}

Result<std::unique_ptr<Folder>> Account::reopen_folder(std::string_view remembered)
{
    return FolderView::reopen(root_, remembered);
}

Result<Status> Account::status(std::string_view name)
{
    auto folder = FolderView::open(root_, name, true);
    if (!folder)
        return folder.error();
    Status status;
    status.uid_next = (*folder)->uid_next();
    status.uid_validity = (*folder)->uid_validity();
    for (const auto& message : (*folder)->messages()) {
        ++status.messages;
        status.recent += message.is_recent;
        status.unseen += !(message.flags & seen);
    }
    return status;
}

Result<std::unique_ptr<Upload>> Account::upload(std::string_view folder)
{
    auto directory = root_.find(folder);
    if (!directory)
        return directory.error();
    return std::unique_ptr<Upload>(std::make_unique<FileUpload>(*directory, [owner = root_] { return owner.new_uid_validity(); }));
}

// Appears as a whole.
Result<void> Account::create_one(const std::string& name) const
{
    const auto making = cat(root_.path(), '/', making_prefix, unique_id());
    if (auto done = make_maildir(making); !done)
        return done;
    Fd marker(::open((making + "/maildirfolder").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!marker || ::renameat2(AT_FDCWD, making.c_str(), AT_FDCWD, root_.directory(name).c_str(), RENAME_NOREPLACE) < 0) {
        auto error = errno == EEXIST ? present(name) : io_error(name);
        std::error_code ignored;
        std::filesystem::remove_all(making, ignored);
        return error;
    }
    return make_directory_durable(root_.path());
}

Result<void> Account::create(std::string_view name, std::string_view special_use)
{
    const auto normal = normal_name(name);
    if (!normal)
        return normal.error();
    const auto guard = lock_.take();
    if (!guard)
        return guard.error();
    if (exists(root_.directory(*normal)))
        return present(*normal);
    for (const auto& parent : parents_of(*normal))
        if (!exists(root_.directory(parent)))
            if (auto done = create_one(parent); !done)
                return done;
    if (auto done = create_one(*normal); !done || special_use.empty())
        return done;
    auto uses = special_uses();
    uses[*normal] = special_use;
    return write(uses);
}

Result<void> Account::remove(std::string_view name)
{
    const auto normal = normal_name(name);
    if (!normal)
        return normal.error();
    if (*normal == inbox)
        return Error{"INBOX cannot be deleted", bad_name};
    const auto guard = lock_.take();
    if (!guard)
        return guard.error();
    const auto away = cat(root_.path(), '/', removed_prefix, unique_id());
    if (::rename(root_.directory(*normal).c_str(), away.c_str()) < 0)
        return errno == ENOENT ? missing(*normal) : io_error(*normal);
    if (auto done = make_directory_durable(root_.path()); !done)
        return done;
    sweep(root_.path());
    auto uses = special_uses();
    uses.erase(*normal);
    return write(uses);
}

// All, or as it was before if one does not work.
Result<void> Account::rename_all(const std::vector<std::pair<std::string, std::string>>& renames)
{
    std::size_t done = 0;
    for (; done < renames.size(); ++done) {
        const auto& [from, to] = renames[done];
        if (::renameat2(AT_FDCWD, root_.directory(from).c_str(), AT_FDCWD, root_.directory(to).c_str(), RENAME_NOREPLACE) < 0) {
            auto error = errno == EEXIST ? present(to) : io_error(from);
            while (done-- > 0)
                (void)::rename(root_.directory(renames[done].second).c_str(), root_.directory(renames[done].first).c_str());
            return error;
        }
    }
    if (auto synced = make_directory_durable(root_.path()); !synced)
        return synced;
    auto uses = special_uses();
    for (const auto& [from, to] : renames)
        if (auto use = uses.extract(from)) {
            use.key() = to;
            uses.insert(std::move(use));
        }
    return write(uses);
}

Result<void> Account::rename(std::string_view from, std::string_view to)
{
    const auto old_name = normal_name(from), new_name = normal_name(to);
    if (!old_name || !new_name)
        return old_name ? new_name.error() : old_name.error();
    if (*old_name == inbox)
        return rename_inbox(*new_name);
    if (is_below(*new_name, *old_name))
        return Error{"a folder cannot be moved below itself", bad_name};
    const auto guard = lock_.take();
    if (!guard)
        return guard.error();
    if (exists(root_.directory(*new_name)))
        return present(*new_name);
    auto names = folder_names();
    if (!names)
        return names.error();
    std::vector<std::pair<std::string, std::string>> renames;
    for (const auto& name : *names)
        if (name == *old_name || is_below(name, *old_name))
            renames.emplace_back(name, *new_name + name.substr(old_name->size()));
    if (renames.empty())
        return missing(*old_name);
    for (const auto& [old, renamed] : renames)
        if (auto storable = normal_name(renamed); !storable)
            return storable.error();
    for (const auto& parent : parents_of(*new_name))
        if (!exists(root_.directory(parent)))
            if (auto done = create_one(parent); !done)
                return done;
    return rename_all(renames);
}

// RFC 3501 section 6.3.5: the messages move to a new folder; INBOX stays, empty, and so do its children.
Result<void> Account::rename_inbox(std::string_view to)
{
    if (auto done = create(to, {}); !done)
        return done;
    auto folder = open_folder(inbox, true);
    if (!folder)
        return folder.error();
    std::vector<Uid> uids;
    for (const auto& message : (*folder)->messages())
        uids.push_back(message.uid);
    auto moved = (*folder)->move(uids, to);
    if (!moved)
        return moved.error();
    return {};
}

}  // namespace mta::maildir
