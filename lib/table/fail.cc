#include "table/types.h"

namespace mta::table {

namespace {

// fail:name: no question has an answer; for tests of what happens then. The name is for log lines only.
class Fail : public Table {
public:
    Found find(std::string_view) override { return failure("Application error"); }
    bool takes_whole_keys_only() const override { return true; }
    std::optional<uid_t> owner() const override { return std::nullopt; }
};

}  // namespace

Opened open_fail(const std::string&, const Options&) { return std::unique_ptr<Table>(std::make_unique<Fail>()); }

}  // namespace mta::table
