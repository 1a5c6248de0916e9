#pragma once

#include "maildir/mailbox.h"
#include "maildir/root.h"
#include "maildir/store.h"

namespace mta::maildir {

// A session's view of a maildir folder.
class FolderView : public Folder {
public:
    static Result<std::unique_ptr<Folder>> open(const Root& root, std::string_view name, bool read_only);
    static Result<std::unique_ptr<Folder>> reopen(const Root& root, std::string_view remembered);

    const std::string& name() const override { return name_; }
    bool is_read_only() const override { return is_read_only_; }
    std::uint32_t uid_validity() const override { return uid_validity_; }
    bool has_lasting_uids() const override { return store_.has_lasting_uids(); }
    Uid uid_next() const override { return uid_next_; }
    const std::vector<Message>& messages() const override { return messages_; }
    const std::vector<std::string>& keywords() const override { return keywords_; }

    Result<Changes> refresh(Expunge expunge) override;
    Result<std::vector<Uid>> change_flags(const std::vector<Uid>& uids, FlagChange change, std::uint8_t flags,
                                          const std::vector<std::string>& keywords) override;
    Result<void> expunge(const std::vector<Uid>& uids) override;
    Result<Copied> copy(const std::vector<Uid>& uids, std::string_view target) override;
    Result<Copied> move(const std::vector<Uid>& uids, std::string_view target) override;
    Result<void> sync() override;
    Result<Body> open(Uid uid) override;
    Result<std::string> header(Uid uid) override;
    Result<std::time_t> internal_date(Uid uid) override;
    Result<std::uint64_t> crlf_size(Uid uid) override;
    std::optional<std::string> remember(std::size_t max_bytes) const override;
    bool is_settled() const override { return !is_stale_ && store_.is_settled(); }
    std::vector<std::string> watch_paths() const override;

private:
    FolderView(Root root, std::string name, std::string directory, bool is_read_only);

    // How often we look again for a file that other programs keep renaming.
    static constexpr int patience = 8;

    // Under the lock: catches up, and checks that the folder is still the same.
    Result<void> catch_up(bool force = false);
    Result<void> look();
    void update_known(Changes& changes, Expunge expunge);
    void append_new(Changes& changes);
    Result<void> write_keywords(const std::vector<Uid>& uids, FlagChange change, const std::vector<std::string>& names);
    Result<std::vector<Uid>> write_flags(const std::vector<Uid>& uids, FlagChange change, std::uint8_t flags);
    Result<void> keep_memory_of(const std::vector<Uid>& uids);
    Result<std::vector<Uid>> unlink(const std::vector<Uid>& uids);
    Result<bool> link(Uid uid, class Arrivals& arrivals);
    std::vector<std::string> keyword_names(Keywords bits) const;
    Result<Fd> open_file(Uid uid);
    // The message's date and sizes, or those of all; what cannot be written is not remembered.
    void remember_facts(Uid uid, const Facts& facts);
    void look_up_facts();

    Root root_;
    std::string name_;
    bool is_read_only_;
    FolderStore store_;
    std::uint32_t uid_validity_ = 0;
    Uid uid_next_ = 1, recent_from_ = 1;
    std::vector<Message> messages_;
    std::vector<std::string> keywords_;
    std::vector<Uid> also_changed_;  // by others, in the same moment as by us
    bool has_expunged_ = false;      // messages_ has some that wait for Expunge::apply
    bool is_stale_ = false;          // the list has been read for another purpose than refresh()
    bool is_unsynced_ = false;
    bool has_looked_up_ = false;     // facts; not again for what could not be had
};

}  // namespace mta::maildir
