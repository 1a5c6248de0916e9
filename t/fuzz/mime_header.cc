// Covers: lib/mime/header.cc
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "mime/header.h"

// Header blocks: the fields' raw texts are the block, and questions about it agree with each other.
namespace {

using namespace mta;

// The block up to its empty line, by looking at one line after the other.
std::size_t slow_header_size(std::string_view text)
{
    std::size_t at = 0;
    for (auto line : split(text, '\n')) {
        at += line.size() + 1;
        if (line.empty() || line == "\r")
            break;
    }
    return std::min(at, text.size());
}

}  // namespace

FUZZ(input)
{
    auto size = mime::header_size(input);
    HOLDS(size == slow_header_size(input));
    auto block = input.substr(0, size);
    std::string all, unfolded;
    std::size_t count = 0;
    for (const auto& field : mime::Header(input)) {
        HOLDS(field.offset == all.size() && input.substr(field.offset, field.raw.size()) == field.raw);
        HOLDS(field.name.empty() || mime::is_field_name(field.name));
        all += field.raw;
        ++count;
        auto value = mime::unfold(field.value);
        HOLDS(value.find('\n') == std::string::npos);
        if (field.name.empty())
            continue;
        auto first = mime::Header(block).find(upper(field.name));
        HOLDS(first && first->offset <= field.offset && first->is(field.name));
        HOLDS(mime::Header(block).count(field.name) >= 1 && mime::Header(block).value(field.name));
        const std::string_view names[] = {field.name, "X-Not:There"};
        auto missing = mime::Header(block).missing(names);
        HOLDS(missing.size() == 1 && missing[0] == "X-Not:There");
        if (count > 20)
            return;
    }
    HOLDS(block.starts_with(all));
    auto rest = block.substr(all.size());
    HOLDS(rest.empty() || rest == "\n" || rest == "\r\n" || (rest == "\r" && block.size() == input.size()));
    mime::HeaderLimits limits{40, 200, 4};
    if (mime::check_limits(input, limits))
        HOLDS(size <= 200 && count <= 4);
}
