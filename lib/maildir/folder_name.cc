#include "maildir/folder_name.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "maildir/mailbox.h"

namespace mta::maildir {
namespace {

constexpr std::size_t max_name_bytes = 254;  // with the dot in front it must be a directory's name
constexpr std::string_view inbox = "INBOX";

bool is_storable(char c)
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= ' ' && byte < 0x7f && c != '/' && c != '*' && c != '%';
}

}  // namespace

Result<std::string> normal_name(std::string_view name)
{
    if (name.size() > 1 && name.back() == separator)
        name.remove_suffix(1);
    const auto parts = split(name, separator);
    if (name.size() > max_name_bytes)
        return Error{"folder name is too long", bad_name};
    if (std::any_of(parts.begin(), parts.end(), [](auto part) { return part.empty(); }))
        return Error{"folder name has an empty part", bad_name};
    if (!std::all_of(name.begin(), name.end(), is_storable))
        return Error{"folder name has a character that cannot be stored", bad_name};
    if (iequals(parts[0], inbox))
        return cat(inbox, name.substr(inbox.size()));
    return std::string(name);
}

std::string directory_of(std::string_view name) { return name == inbox ? std::string() : cat(separator, name); }

std::optional<std::string> folder_of(std::string_view entry)
{
    if (entry.size() < 2 || entry[0] != separator)
        return std::nullopt;
    auto name = normal_name(entry.substr(1));
    // Only what a client can name again: ".inbox" or ".A." would be another folder.
    if (!name || *name != entry.substr(1) || *name == inbox)
        return std::nullopt;
    return *name;
}

std::vector<std::string> parents_of(std::string_view name)
{
    std::vector<std::string> parents;
    for (auto at = name.find(separator); at != std::string_view::npos; at = name.find(separator, at + 1))
        parents.emplace_back(name.substr(0, at));
    return parents;
}

std::string usual_special_use(std::string_view name)
{
    static constexpr std::pair<std::string_view, std::string_view> usual[] = {
        {"Archive", "\\Archive"}, {"Archives", "\\Archive"},       {"Drafts", "\\Drafts"},    {"Junk", "\\Junk"},
        {"Spam", "\\Junk"},       {"Sent", "\\Sent"},              {"Sent Messages", "\\Sent"}, {"Sent Items", "\\Sent"},
        {"Trash", "\\Trash"},     {"Deleted Messages", "\\Trash"}, {"Deleted Items", "\\Trash"}};
    for (const auto& [usual_name, use] : usual)
        if (iequals(name, usual_name))
            return std::string(use);
    return {};
}

}  // namespace mta::maildir
