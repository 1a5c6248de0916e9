#include "local/members.h"

#include "base/text.h"
#include "mime/address.h"

namespace mta::local {

namespace {

// An address in the internal form: "Name <user@example.com>" and quoted local parts are taken apart.
std::string address_in(std::string_view text)
{
    if (text.find_first_of("<\"") != std::string_view::npos) {
        auto parsed = mime::parse_addresses(text);
        if (parsed.size() == 1 && parsed[0].kind == mime::Address::Kind::mailbox && !parsed[0].local_part.empty())
            return parsed[0].domain.empty() ? parsed[0].local_part : cat(parsed[0].local_part, "@", parsed[0].domain);
    }
    return std::string(text);
}

// One member with its quotes taken away where they surround words that are no address.
Member member_of(std::string_view raw)
{
    std::string text;
    bool quoted = false;
    bool whole_is_quoted = raw.size() >= 2 && raw.front() == '"' && raw.back() == '"';
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '\\' && quoted && i + 1 < raw.size())
            text += raw[++i];
        else if (raw[i] == '"' && (whole_is_quoted || raw.front() == '|' || raw.front() == '/' || raw.front() == ':')) {
            quoted = !quoted;
            if (!whole_is_quoted)
                text += raw[i];  // the shell will see it
        } else
            text += raw[i];
    }
    constexpr std::string_view include = ":include:";
    if (text.starts_with('|'))
        return {Member::Kind::command, std::string(trim(std::string_view(text).substr(1)))};
    if (text.starts_with('/'))
        return {Member::Kind::file, text};
    if (istarts_with(text, include))
        return {Member::Kind::include, std::string(trim(std::string_view(text).substr(include.size())))};
    if (raw.starts_with('\\'))
        return {Member::Kind::address, text.substr(1), true};
    return {Member::Kind::address, address_in(text)};
}

}  // namespace

Result<std::vector<Member>> parse_members(std::string_view text)
{
    std::vector<Member> members;
    for (auto line : split(text, '\n')) {
        if (trim(line).starts_with('#'))
            continue;
        std::size_t begin = 0;
        bool quoted = false;
        for (std::size_t i = 0; i <= line.size(); ++i) {
            if (i < line.size() && line[i] == '\\' && quoted)
                ++i;
            else if (i < line.size() && line[i] == '"')
                quoted = !quoted;
            else if (i == line.size() || (line[i] == ',' && !quoted)) {
                auto raw = trim(line.substr(begin, i - begin));
                begin = i + 1;
                if (raw.empty())
                    continue;
                members.push_back(member_of(raw));
                if (members.back().text.empty())
                    return failure(cat("empty member: ", printable(raw)));
            }
        }
        if (quoted)
            return failure(cat("a quote is not closed: ", printable(trim(line))));
    }
    return members;
}

}  // namespace mta::local
