#include "base/text.h"
#include "table/types.h"

namespace mta::table {

namespace {

class Unavailable : public Table {
public:
    Unavailable(std::string_view type_name, const Options& options, std::string why) : type_name_(type_name), options_(strict(options)), why_(std::move(why)) {}

    Found find(std::string_view) override { return failure(cat("unavailable: ", why_)); }
    // Stale as soon as the real one can be opened.
    bool is_stale() const override { return open(type_name_, options_).operator bool(); }
    std::optional<uid_t> owner() const override { return std::nullopt; }

private:
    std::string type_name_;
    Options options_;
    std::string why_;
};

}  // namespace

std::unique_ptr<Table> unavailable(std::string_view type_name, const Options& options, const Error& why)
{
    log_warning(cat(type_name, " is unavailable: ", why.text));
    return std::make_unique<Unavailable>(type_name, options, why.text);
}

Options strict(Options options)
{
    options.may_be_missing = false;
    return options;
}

}  // namespace mta::table
