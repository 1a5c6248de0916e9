#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/confinement.h"
#include "daemon/file_rules.h"
#include "table/table.h"

namespace mta::daemon {

namespace {

using sandbox::Calls;
using sandbox::Path;

constexpr std::string_view separators = " \t\r\n,{}";
// glibc's own files; and where the daemons behind nss modules listen.
constexpr std::string_view user_databases[] = {"/etc", "/run/nscd", "/run/systemd/userdb", "/run/nslcd", "/var/lib/sss/pipes", "/run/samba/winbindd"};

bool is_type(std::string_view text)
{
    static const auto types = table::types();
    return text == "passwd-file" || std::find(types.begin(), types.end(), text) != types.end();
}

std::string directory_of(const std::string& path)
{
    auto slash = path.rfind('/');
    return slash == 0 ? path : path.substr(0, slash);
}

}  // namespace

// A file is replaced by renaming another one, so its directory is needed; that of the file itself, too, if this is a link to it.
void add_file(sandbox::Rules& rules, const std::string& path)
{
    if (!path.starts_with('/'))
        return;
    rules.add({Calls::read_files}).add(Path::Use::read, directory_of(path));
    for (const auto* suffix : {"", ".db"})
        if (std::unique_ptr<char, Release<std::free>> real(::realpath((path + suffix).c_str(), nullptr)); real && real.get() != path + suffix)
            rules.add(Path::Use::read, directory_of(real.get()));
}

namespace {

void add_word(sandbox::Rules& rules, std::string_view word, bool is_list)
{
    while (word.starts_with('!'))
        word.remove_prefix(1);
    auto colon = word.find(':');
    bool has_type = colon != std::string_view::npos && is_type(word.substr(0, colon));
    auto name = has_type ? word.substr(colon + 1) : word;
    if (has_type && word.starts_with("unix:"))
        add_users(rules);
    else if (name.starts_with('/') && (has_type || is_list))
        add_file(rules, std::string(name));
}

}  // namespace

void load_user_databases()
{
    constexpr const char* nobody_of_this_name = "buuta.no.such.user";
    (void)::getpwnam(nobody_of_this_name);
    (void)::getgrnam(nobody_of_this_name);
}

void add_users(sandbox::Rules& rules, sandbox::Path::Use use)
{
    load_user_databases();
    rules.add({Calls::connect, Calls::read_files});
    for (auto path : user_databases)
        rules.add(use, std::string(path));
}

void add_tables(sandbox::Rules& rules, const config::Config& config)
{
    // A Berkeley DB file without checksums is verified by a child, which may crash.
    rules.add({Calls::read_files, Calls::fork});
    for (const auto& parameter : config.declarations()) {
        auto value = config.value(parameter.name, parameter.default_value);
        bool is_list = parameter.type == "list" || parameter.name.ends_with("_maps");
        for (auto word : split_words(value ? std::string_view(*value) : "", separators))
            add_word(rules, word, is_list);
    }
}

}  // namespace mta::daemon
