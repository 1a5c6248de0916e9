#include "auth/users.h"

#include <sys/stat.h>

#include "auth/mechanism.h"
#include "base/file.h"
#include "base/file_stamp.h"
#include "base/text.h"
#include "log/log.h"
#include "net/address.h"
#include "table/maps.h"

namespace mta::auth {

namespace {

enum Field : std::size_t { user_field, password_field, uid_field, gid_field, gecos_field, home_field, shell_field, extra_field };

Error bad_line(std::string_view why) { return failure(cat("bad user entry: ", why)); }

// The first count fields; the last of them goes to the end of the line (extra fields may contain colons).
std::vector<std::string_view> fields(std::string_view line, std::size_t count)
{
    std::vector<std::string_view> out;
    while (out.size() + 1 < count) {
        auto colon = line.find(':');
        if (colon == std::string_view::npos)
            break;
        out.push_back(line.substr(0, colon));
        line.remove_prefix(colon + 1);
    }
    out.push_back(line);
    return out;
}

template <class Id>
Result<std::optional<Id>> parse_id(std::string_view text, std::string_view what)
{
    if (text.empty())
        return std::optional<Id>{};
    auto number = parse_number<Id>(text);
    if (!number)
        return bad_line(cat(what, " is not a number"));
    if (*number == 0)  // the superuser has no mail
        return bad_line(cat(what, " is 0"));
    return std::optional<Id>(*number);
}

void take_extra(std::string_view word, Entry& entry)
{
    auto equals = word.find('=');
    auto name = lower(word.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
    if (name == "userdb_mail" || name == "mail")
        entry.mail = value;
    else if (name == "userdb_home")
        entry.home = value;
    else if (name == "nologin")
        entry.nologin = value.empty() || iequals(value, "y") || iequals(value, "yes");
    else if (name == "allow_nets")
        for (auto network : split(value, ','))
            entry.allowed_networks.emplace_back(network);
}

bool is_comment(std::string_view line) { return line.empty() || line.front() == '#'; }

// A lookup table whose values are lines of a passwd-file.
class TableUsers : public Users {
public:
    explicit TableUsers(table::Maps table) : table_(std::move(table)) {}

    Result<std::optional<Entry>> find(const std::string& user) override
    {
        table_.renew();
        auto found = table_.find(user);
        if (!found)
            return found.error();
        if (!*found)
            return std::optional<Entry>{};
        auto& line = **found;
        bool named = line.size() > user.size() && line.starts_with(user) && line[user.size()] == ':';
        auto entry = Entry::parse(named ? line : cat(user, ":", line));
        if (!entry)
            return entry.error();
        return std::optional<Entry>(*std::move(entry));
    }

private:
    table::Maps table_;
};

}  // namespace

Result<Entry> Entry::parse(std::string_view line)
{
    auto part = fields(line, extra_field + 1);
    Entry entry;
    entry.user = lower(part[user_field]);
    if (!is_user_name(entry.user))
        return bad_line("no usable user name");
    part.resize(extra_field + 1);
    entry.password = part[password_field];
    auto uid = parse_id<uid_t>(part[uid_field], "uid");
    if (!uid)
        return uid.error();
    auto gid = parse_id<gid_t>(part[gid_field], "gid");
    if (!gid)
        return gid.error();
    entry.uid = *uid;
    entry.gid = *gid;
    entry.home = part[home_field];
    for (auto word : split_words(part[extra_field]))
        take_extra(word, entry);
    for (const auto& network : entry.allowed_networks)
        if (network != "local" && !net::Network::parse(network))
            return bad_line(cat("allow_nets has no network \"", network, "\""));
    return entry;
}

bool Entry::may_come_from(std::string_view text) const
{
    if (allowed_networks.empty())
        return true;
    auto address = net::Address::parse(text);
    if (!address)
        return false;
    for (const auto& network : allowed_networks)
        if (network == "local" ? address->is_loopback() : net::Network::parse(network)->contains(*address))
            return true;
    return false;
}

Result<std::unique_ptr<Users>> open_users(const std::string& source)
{
    constexpr std::string_view prefix = "passwd-file:";
    if (source.starts_with(prefix))
        return PasswdFile::open(source.substr(prefix.size()));
    if (source.empty())
        return Error{"no users are given", "5.3.5"};
    table::Options options;
    options.allow_substitution = false;
    options.may_be_missing = true;
    auto table = table::Maps::open(std::vector<std::string>{source}, options);
    if (!table)
        return table.error();
    return std::unique_ptr<Users>(std::make_unique<TableUsers>(*std::move(table)));
}

Result<std::unique_ptr<Users>> PasswdFile::open(const std::string& path)
{
    std::unique_ptr<PasswdFile> file(new PasswdFile(path));
    if (!exists(path))
        log::warning("there is no file ", path, " yet: nobody can log in; \"buuta passwd\" makes it");
    else if (auto done = file->refresh(); !done)
        return done.error();
    return std::unique_ptr<Users>(std::move(file));
}

Result<void> PasswdFile::refresh()
{
    auto stamp = file_stamp(path_);
    if (stamp.empty())
        return errno_error(path_);
    if (stamp == stamp_)
        return {};
    auto text = read_file(path_);
    if (!text)
        return text.error();
    lines_.clear();
    for (auto line : split(*text, '\n')) {
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (is_comment(line))
            continue;
        auto user = lower(fields(line, 2).front());
        if (!lines_.emplace(user, line).second)
            log::warning(path_, ": user ", user, " is there twice; the first line counts");
    }
    stamp_ = stamp;
    return {};
}

Result<std::optional<Entry>> PasswdFile::find(const std::string& user)
{
    if (auto done = refresh(); !done)
        return done.error();
    auto found = lines_.find(user);
    if (found == lines_.end())
        return std::optional<Entry>{};
    auto entry = Entry::parse(found->second);
    if (!entry)
        return failure(cat(path_, ": user ", user, ": ", entry.error().text));
    return std::optional<Entry>(*std::move(entry));
}

Result<std::string> with_password(std::string_view file, const std::string& user, const std::string& password)
{
    if (!is_user_name(user) || user.front() == '#')
        return Error{cat("\"", printable(user), "\" cannot be a user's name"), "5.3.5"};
    if (password.find_first_of(std::string_view(":\r\n\0", 4)) != std::string::npos)
        return Error{"a stored password cannot contain a colon or a line end", "5.3.5"};
    std::string out;
    bool done = false;
    while (!file.empty()) {
        auto line = file.substr(0, file.find('\n'));
        file.remove_prefix(std::min(line.size() + 1, file.size()));
        auto part = fields(line, 3);
        if (!done && !is_comment(line) && iequals(part[user_field], user)) {
            done = true;
            out += cat(part[user_field], ":", password, part.size() > 2 ? ":" : "", part.size() > 2 ? part[2] : "", "\n");
        } else {
            out += cat(line, "\n");
        }
    }
    if (!done)
        out += cat(lower(user), ":", password, "::::::\n");
    return out;
}

std::optional<std::string> without_user(std::string_view file, const std::string& user)
{
    std::string out;
    bool found = false;
    while (!file.empty()) {
        auto line = file.substr(0, file.find('\n'));
        file.remove_prefix(std::min(line.size() + 1, file.size()));
        if (!is_comment(line) && iequals(fields(line, 2).front(), user))
            found = true;
        else
            out += cat(line, "\n");
    }
    return found ? std::optional<std::string>(std::move(out)) : std::nullopt;
}

Result<std::string> expand_location(std::string_view location, const std::string& user, const std::string& home)
{
    auto at = user.rfind('@');
    auto local_part = std::string_view(user).substr(0, at);
    auto domain = at == std::string::npos ? std::string_view() : std::string_view(user).substr(at + 1);
    std::string out;
    auto add = [&](char letter) -> Result<void> {
        auto value = letter == 'u' ? std::string_view(user) : letter == 'n' ? local_part : letter == 'd' ? domain : std::string_view(home);
        if (letter != 'h' && (value.starts_with('.') || value.find('/') != std::string_view::npos))
            return failure(cat("the name ", user, " cannot be part of a path"));
        if (value.empty())
            return failure(cat("%", letter, " in \"", location, "\" is empty for user ", user));
        out += value;
        return {};
    };
    for (std::size_t i = 0; i < location.size(); ++i) {
        char c = location[i];
        bool is_home = c == '~' && (i == 0 || location[i - 1] == ':') && i + 1 < location.size() && location[i + 1] == '/';
        if (c != '%' && !is_home) {
            out.push_back(c);
            continue;
        }
        char letter = is_home ? 'h' : ++i < location.size() ? location[i] : '\0';
        if (letter == '%')
            out.push_back('%');
        else if (std::string_view("undh").find(letter) == std::string_view::npos)
            return failure(cat("\"", location, "\": after % comes one of u, n, d, h and %"));
        else if (auto done = add(letter); !done)
            return done.error();
    }
    return out;
}

}  // namespace mta::auth
