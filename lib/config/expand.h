#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mta::config {

// Replaces $name and its relatives in a parameter's value. One object expands one value.
class Expander {
public:
    // What a name stands for, not expanded; nothing if nobody knows the name.
    using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

    explicit Expander(Lookup lookup) : lookup_(std::move(lookup)) {}

    Result<std::string> expand(std::string_view text);
    // The same for the value of a parameter, so that it cannot contain itself.
    Result<std::string> expand_value(std::string_view name, std::string_view text);

    // The names in the text, also in the branches that are not taken, sorted.
    static Result<std::vector<std::string>> names(std::string_view text);

private:
    Result<std::string> expand_here(std::string_view text);
    Result<std::string> reference(std::string_view body);
    Result<std::string> named(std::string_view name, std::string_view rest);
    Result<std::string> relation(std::string_view body);
    Result<std::string> conditional(bool is_true, std::string_view rest);
    Result<std::string> choose(bool is_taken, std::string_view text);

    Lookup lookup_;  // null: only collects names
    std::set<std::string, std::less<>> names_;
    std::vector<std::string> inside_;  // the names whose values are being expanded
    std::size_t depth_ = 0, references_ = 0;
};

// -1, 0 or 1 as level a is lower than, equal to or higher than b; an Error for what is no level: "3.6", "3", "3.6.1".
Result<int> compare_levels(std::string_view a, std::string_view b);

}  // namespace mta::config
