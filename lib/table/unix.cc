#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "table/types.h"

namespace mta::table {

namespace {

constexpr std::size_t max_record_bytes = 4u << 20;

// getpwnam_r and getgrnam_r want a buffer of a size that nobody knows: it grows until it is enough.
template <class Record, class Lookup>
Result<std::optional<std::string>> look_up(Lookup lookup, const std::string& key, std::string (*text)(const Record&))
{
    std::string buffer(4096, '\0');
    Record record{};
    Record* found = nullptr;
    int error = ERANGE;
    while ((error = lookup(key.c_str(), &record, buffer.data(), buffer.size(), &found)) == ERANGE &&
           buffer.size() < max_record_bytes)
        buffer.resize(buffer.size() * 2);
    if (found)
        return std::optional(text(record));
    // getpwnam(3): these mean "no such name" in one implementation or another; the rest is trouble.
    if (error == 0 || error == ENOENT || error == ESRCH)
        return std::optional<std::string>{};
    return failure(std::strerror(error));
}

std::string passwd_line(const passwd& user)
{
    return cat(user.pw_name, ":", user.pw_passwd, ":", user.pw_uid, ":", user.pw_gid, ":", user.pw_gecos ? user.pw_gecos : "",
               ":", user.pw_dir, ":", user.pw_shell);
}

std::string group_line(const group& entry)
{
    std::string line = cat(entry.gr_name, ":", entry.gr_passwd ? entry.gr_passwd : "", ":", entry.gr_gid, ":");
    for (char** member = entry.gr_mem; *member; ++member)
        line += cat(member == entry.gr_mem ? "" : ",", *member);
    return line;
}

class Unix : public Table {
public:
    Unix(bool is_group, bool folds) : is_group_(is_group), folds_(folds) {}

    Found find(std::string_view key) override
    {
        auto name = folds_ ? fold(key) : std::string(key);
        if (name.empty() || name.find('\0') != std::string::npos)
            return std::optional<std::string>{};
        if (is_group_)
            return look_up<group>(::getgrnam_r, name, group_line);
        return look_up<passwd>(::getpwnam_r, name, passwd_line);
    }

private:
    bool is_group_, folds_;
};

}  // namespace

// unix:passwd.byname and unix:group.byname: the system's users and groups.
Opened open_unix(const std::string& name, const Options& options)
{
    if (name != "passwd.byname" && name != "group.byname")
        return failure(cat("unknown table: unix:", name));
    return std::unique_ptr<Table>(std::make_unique<Unix>(name == "group.byname", options.fold));
}

}  // namespace mta::table
