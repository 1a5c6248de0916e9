#include "auth/wire.h"

#include <algorithm>

#include "base/text.h"

namespace mta::auth {

namespace {

constexpr std::string_view special("\0\001\t\n\r", 5), letters = "01tnr";

}  // namespace

std::string wire_escape(std::string_view field)
{
    std::string out;
    for (char c : field) {
        auto at = special.find(c);
        if (at == std::string_view::npos)
            out.push_back(c);
        else
            out += cat('\001', letters[at]);
    }
    return out;
}

std::string wire_unescape(std::string_view field)
{
    std::string out;
    for (std::size_t i = 0; i < field.size(); ++i) {
        auto at = field[i] == '\001' && i + 1 < field.size() ? letters.find(field[i + 1]) : std::string_view::npos;
        if (at == std::string_view::npos)
            out.push_back(field[i]);
        else {
            out.push_back(special[at]);
            ++i;
        }
    }
    return out;
}

WireLine WireLine::parse(std::string_view text)
{
    auto parts = split(text, '\t');
    WireLine line;
    line.command = parts[0];
    std::size_t begin = 1;
    if (parts.size() > 1)
        if (auto number = parse_number<std::uint32_t>(parts[1])) {
            line.id = *number;
            begin = 2;
        }
    for (auto i = begin; i < parts.size(); ++i)
        line.fields.push_back(wire_unescape(parts[i]));
    return line;
}

std::optional<std::string_view> WireLine::find(std::string_view name) const
{
    for (const auto& field : fields)
        if (field.size() > name.size() && field.starts_with(name) && field[name.size()] == '=')
            return std::string_view(field).substr(name.size() + 1);
    return std::nullopt;
}

bool WireLine::has(std::string_view flag) const { return std::find(fields.begin(), fields.end(), flag) != fields.end(); }

std::string wire_line(const std::vector<std::string>& fields)
{
    std::string out;
    for (const auto& field : fields)
        out += cat(out.empty() ? "" : "\t", wire_escape(field));
    return out + '\n';
}

}  // namespace mta::auth
