#include "base/text.h"
#include "table/types.h"

namespace mta::table {

namespace {

// static:value: every key has this value.
class Static : public Table {
public:
    explicit Static(std::string value) : value_(std::move(value)) {}
    Found find(std::string_view) override { return std::optional(value_); }

private:
    std::string value_;
};

}  // namespace

Opened open_static(const std::string& name, const Options&)
{
    if (name.front() != '{')
        return std::unique_ptr<Table>(std::make_unique<Static>(name));
    auto inside = inside_braces(name);
    if (!inside)
        return failure(cat("bad static:name syntax: ", inside.error().text));
    return std::unique_ptr<Table>(std::make_unique<Static>(*inside));
}

}  // namespace mta::table
