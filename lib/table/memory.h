#pragma once

#include <unordered_map>
#include <vector>

#include "table/types.h"

namespace mta::table {

// Fixed keys and their values in memory: texthash: and inline:.
class MemoryTable : public Table, public Listing {
public:
    explicit MemoryTable(const Options& options) : folds_(options.fold) {}

    // False if the key is there already; then only replace changes anything.
    bool add(std::string_view key, std::string_view value, bool replace);
    void set_mark(FileMark mark) { mark_ = std::move(mark); }

    Found find(std::string_view key) override;
    Result<void> list(const Visitor& visit) override;
    bool is_stale() const override { return mark_ && mark_->has_changed(); }
    std::optional<uid_t> owner() const override { return mark_ ? mark_->owner() : 0; }

private:
    bool folds_;
    std::vector<std::pair<std::string, std::string>> entries_;  // in the order of the text
    std::unordered_map<std::string, std::size_t> index_;
    std::optional<FileMark> mark_;
};

}  // namespace mta::table
