#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mta::mime {

struct Parameter {
    std::string name;   // as written
    std::string value;  // without quoting
};
using Parameters = std::vector<Parameter>;

constexpr std::size_t max_parameters = 64;

// A value with parameters: "attachment; filename=x".
struct ValueWithParameters {
    std::string value;  // lower case, without comments
    Parameters parameters;
};
ValueWithParameters parse_with_parameters(std::string_view field_value);

// RFC 2231 section 3: the pieces name*0, name*1* ... as one parameter: "name", or "name*" if it is encoded (section 4),
// with all of its value in that form.
Parameters join_continuations(const Parameters& parameters);

// The parameter's value as UTF-8: RFC 2231 decoded, or else RFC 2047 words, which mail programs write though they must not.
std::optional<std::string> parameter(const Parameters& parameters, std::string_view name);
// The value as it stands, of the first with this name.
std::optional<std::string_view> raw_parameter(const Parameters& parameters, std::string_view name);

// RFC 2045 section 5. What is no valid type is text/plain without parameters (section 5.2).
struct ContentType {
    std::string type = "text";
    std::string subtype = "plain";  // both lower case
    Parameters parameters;

    bool is(std::string_view wanted_type, std::string_view wanted_subtype) const
    {
        return type == wanted_type && subtype == wanted_subtype;
    }
};
std::optional<ContentType> parse_content_type(std::string_view field_value);

}  // namespace mta::mime
