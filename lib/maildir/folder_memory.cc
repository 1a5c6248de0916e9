#include <algorithm>

#include "base/text.h"
#include "maildir/folder_name.h"
#include "maildir/folder_view.h"
#include "maildir/remembered.h"

// A FolderView that outlives its process.
namespace mta::maildir {

std::optional<std::string> FolderView::remember(std::size_t max_bytes) const
{
    if (is_unsynced_ || !also_changed_.empty() || !has_lasting_uids())
        return std::nullopt;
    return encode({name_, is_read_only_, uid_validity_, uid_next_, keywords_, messages_}, max_bytes);
}

Result<std::unique_ptr<Folder>> FolderView::reopen(const Root& root, std::string_view remembered)
{
    auto known = decode(remembered);
    auto name = known ? normal_name(known->name) : Result<std::string>(failure("a view of a folder came back damaged"));
    if (!name)
        return name.error();
    auto directory = root.find(*name);
    if (!directory)
        return directory.error();
    std::unique_ptr<FolderView> view(new FolderView(root, *name, *directory, known->is_read_only));
    view->uid_validity_ = known->uid_validity;
    view->uid_next_ = known->uid_next;
    view->keywords_ = std::move(known->keywords);
    view->messages_ = std::move(known->messages);
    view->has_expunged_ = std::any_of(view->messages_.begin(), view->messages_.end(), [](auto& message) { return message.is_expunged; });
    const auto guard = view->store_.lock();
    if (!guard)
        return guard.error();
    if (auto done = view->catch_up(); !done)
        return done.error();
    return std::unique_ptr<Folder>(std::move(view));
}

}  // namespace mta::maildir
