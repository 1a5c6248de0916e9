#pragma once

#include <memory>
#include <vector>

#include "table/types.h"

namespace mta::table {

// A table made of tables: pipemap: and unionmap:.
class MemberTable : public Table {
public:
    using Members = std::vector<std::unique_ptr<Table>>;
    explicit MemberTable(Members members) : members_(std::move(members)) {}

    // As the first table, which sees the keys.
    bool takes_whole_keys_only() const override { return members_.front()->takes_whole_keys_only(); }
    bool is_stale() const override;
    // The one user who can change it, besides root.
    std::optional<uid_t> owner() const override;

    // The tables in "{type:name, type:{...}}".
    static Result<Members> open_all(std::string_view map_type, const std::string& name, const Options& options);

protected:
    Members members_;
};

}  // namespace mta::table
