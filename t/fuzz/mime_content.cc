// Covers: lib/mime/content.cc
#include "mime/content.h"

#include "base/text.h"
#include "t/fuzz/lib/target.h"

// Content-Type, Content-Disposition and the parameters of RFC 2231.
namespace {

using namespace mta;

void check_parameters(const mime::Parameters& parameters)
{
    HOLDS(parameters.size() <= mime::max_parameters);
    auto joined = mime::join_continuations(parameters);
    HOLDS(joined.size() <= parameters.size());
    std::size_t before = 0, after = 0;
    for (const auto& parameter : parameters)
        before += parameter.value.size();
    for (const auto& parameter : joined)
        after += parameter.value.size();
    HOLDS(after <= 3 * before);  // where a piece is encoded for others that are
    for (const auto& parameter : parameters) {
        HOLDS(!parameter.name.empty());
        HOLDS(mime::raw_parameter(parameters, upper(parameter.name)).has_value());
    }
    joined.resize(std::min<std::size_t>(joined.size(), 3));
    for (const auto& parameter : joined) {
        auto name = std::string_view(parameter.name);
        if (name.ends_with('*'))
            name.remove_suffix(1);
        auto value = mime::parameter(parameters, name);
        HOLDS(!value || is_utf8(*value));
    }
}

}  // namespace

FUZZ(input)
{
    auto value = mime::parse_with_parameters(input);
    HOLDS(lower(value.value) == value.value);
    check_parameters(value.parameters);
    if (auto filename = mime::parameter(value.parameters, "filename"))
        HOLDS(is_utf8(*filename));
    auto type = mime::parse_content_type(input);
    if (!type)
        return;
    HOLDS(!type->type.empty() && !type->subtype.empty() && lower(type->type) == type->type && lower(type->subtype) == type->subtype);
    auto again = mime::parse_content_type(cat(type->type, "/", type->subtype));
    HOLDS(again && again->is(type->type, type->subtype));
    check_parameters(type->parameters);
}
