#include "base/text.h"
#include "table/members.h"

namespace mta::table {

namespace {

// unionmap:{...}: the answers of all tables, with commas between them.
class Union : public MemberTable {
public:
    using MemberTable::MemberTable;

    Found find(std::string_view key) override
    {
        std::optional<std::string> all;
        for (const auto& member : members_) {
            auto found = member->find(key);
            if (!found)
                return found;
            if (*found)
                all = all ? cat(*all, ",", **found) : **found;
        }
        return all;
    }
};

}  // namespace

Opened open_unionmap(const std::string& name, const Options& options)
{
    auto members = MemberTable::open_all("unionmap", name, options);
    if (!members)
        return members.error();
    return std::unique_ptr<Table>(std::make_unique<Union>(std::move(*members)));
}

}  // namespace mta::table
