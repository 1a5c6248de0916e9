#pragma once

#include <map>

#include "maildir/mailbox.h"
#include "maildir/root.h"
#include "maildir/uid_list.h"

namespace mta::maildir {

// A Maildir++ as a Mailbox: INBOX is the root, folder A.B the directory .A.B in it.
class Account : public Mailbox {
public:
    explicit Account(Root root) : root_(std::move(root)), lock_(root_.lock_path()) {}

    Result<std::vector<FolderInfo>> list() override;
    std::vector<std::string> subscriptions() override;
    Result<void> subscribe(std::string_view folder, bool on) override;
    Result<std::unique_ptr<Folder>> open_folder(std::string_view name, bool read_only) override;
    Result<std::unique_ptr<Folder>> reopen_folder(std::string_view remembered) override;
    Result<Status> status(std::string_view name) override;
    Result<std::unique_ptr<Upload>> upload(std::string_view folder) override;
    Result<void> create(std::string_view name, std::string_view special_use) override;
    Result<void> remove(std::string_view name) override;
    Result<void> rename(std::string_view from, std::string_view to) override;

private:
    using SpecialUses = std::map<std::string, std::string>;  // by folder
    Result<std::vector<std::string>> folder_names() const;
    SpecialUses special_uses() const;
    Result<void> write(const SpecialUses& uses) const;
    Result<void> create_one(const std::string& name) const;
    Result<void> rename_inbox(std::string_view to);
    Result<void> rename_all(const std::vector<std::pair<std::string, std::string>>& renames);

    Root root_;
    Lock lock_;
};

}  // namespace mta::maildir
