#include "table/members.h"

namespace mta::table {

namespace {

// pipemap:{...}: each table's answer is the next one's question.
class Pipe : public MemberTable {
public:
    using MemberTable::MemberTable;

    Found find(std::string_view key) override
    {
        std::optional<std::string> value(key);
        for (const auto& member : members_) {
            auto found = member->find(*value);
            if (!found || !*found)
                return found;
            value = std::move(*found);
        }
        return value;
    }
};

}  // namespace

Opened open_pipemap(const std::string& name, const Options& options)
{
    auto members = MemberTable::open_all("pipemap", name, options);
    if (!members)
        return members.error();
    return std::unique_ptr<Table>(std::make_unique<Pipe>(std::move(*members)));
}

}  // namespace mta::table
