#include "table/build.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <ctime>
#include <unordered_map>

#include "base/encode.h"
#include "base/file.h"
#include "base/text.h"
#include "table/aliases.h"
#include "table/rebuild.h"
#include "table/types.h"

namespace mta::table {

namespace {

// What all operations know about their table.
struct Target {
    std::string name;  // without ".db": the text file
    std::string path;
    DBTYPE type;
};

Options open_options(const BuildOptions& options)
{
    Options result;
    result.fold = options.fold;
    result.default_type = options.default_type;
    return result;
}

bool is_known(const std::string& type)
{
    for (const auto& known : types())
        if (known == type)
            return true;
    return false;
}

Result<Target> target_of(std::string_view type_name, const BuildOptions& options)
{
    auto [type, name] = split_type(type_name, open_options(options));
    if (type.empty() || name.empty())
        return failure(cat("open dictionary: expecting \"type:name\" form instead of \"", type_name, "\""));
    if (type != "hash" && type != "btree")
        return is_known(type) ? failure(cat("unsupported dictionary type: ", type, " does not support bulk-mode creation."))
                              : unsupported(type);
    return Target{name, name + ".db", type == "hash" ? DB_HASH : DB_BTREE};
}

// Puts entries into the new file; counts, warns and remembers the first thing that goes wrong for good.
class Writer {
public:
    Writer(Bdb& file, const std::string& path, const BuildOptions& options) : file_(file), path_(path), options_(options) {}

    Result<BuildStats> write(std::string_view text, std::string_view source)
    {
        auto warn = [this](const std::string& warning) { complain(warning); };
        for (const auto& line : logical_lines(text, source, warn)) {
            auto entry = options_.syntax == Syntax::aliases
                             ? parse_alias(line, source, warn, options_.check_utf8)
                             : parse_entry(line, source, warn, "", options_.check_utf8);
            if (!entry || (options_.values_are_files && !read_files(*entry, source)))
                continue;
            if (auto stored = store(*entry); !stored)
                return stored.error();
        }
        return stats_;
    }

    // Sendmail and NIS look for these: the table is complete, when it was made, and where. NIS wants no NUL bytes.
    Result<void> sign()
    {
        char host[HOST_NAME_MAX + 1] = "localhost";
        ::gethostname(host, sizeof host - 1);
        std::pair<std::string, std::string> signature[] = {{terminated("@"), terminated("@")},
                                                           {"YP_MASTER_NAME", host},
                                                           {"YP_LAST_MODIFIED", cat(std::time(nullptr))}};
        for (const auto& [key, value] : signature)
            if (auto put = file_.put(key, value, true); !put)
                return put.error();
        return {};
    }

private:
    void complain(const std::string& warning)
    {
        ++stats_.warnings;
        options_.warn ? options_.warn(warning) : log_warning(warning);
    }

    std::string terminated(std::string_view text) const { return options_.add_nul ? cat(text, '\0') : std::string(text); }

    // Replaces names of files by their content; false, with a warning, if one cannot be read.
    bool read_files(Entry& entry, std::string_view source)
    {
        std::string content;
        for (const auto& path : split_words(entry.value, ", \t\r\n")) {
            auto file = read_file(std::string(path));
            if (!file) {
                complain(cat(source, ", line ", entry.line, ": ", file.error().text, ": skipping this entry"));
                return false;
            }
            content += cat(content.empty() ? "" : "\n", *file);
        }
        entry.value = base64_encode(content);
        return true;
    }

    Result<void> store(const Entry& entry)
    {
        auto key = options_.fold ? fold(entry.key) : entry.key;
        auto put = file_.put(terminated(key), terminated(entry.value), options_.replace);
        if (!put)
            return put.error();
        if (*put)
            ++stats_.entries;
        else if (!options_.ignore_duplicates)
            complain(cat(path_, ": duplicate entry: \"", key, "\""));
        return {};
    }

    Bdb& file_;
    const std::string& path_;
    const BuildOptions& options_;
    BuildStats stats_;
};

mode_t mode_for(const struct stat& source, const BuildOptions& options)
{
    return options.copy_mode ? 0600 | (source.st_mode & 044) : 0644;
}

Result<BuildStats> fill(Rebuild rebuild, const Target& target, std::string_view text, std::string_view source, bool is_new,
                        const BuildOptions& options)
{
    Writer writer(rebuild.file(), target.path, options);
    auto stats = writer.write(text, source);
    if (stats && is_new && options.syntax == Syntax::aliases)
        if (auto signature = writer.sign(); !signature)
            return signature.error();
    if (!stats)
        return stats;
    if (auto done = rebuild.commit(); !done)
        return done.error();
    return stats;
}

}  // namespace

Result<BuildStats> build(std::string_view type_name, const BuildOptions& options)
{
    auto [type, name] = split_type(type_name, open_options(options));
    if (!is_known(type))
        return unsupported(type);
    auto source = read_source(name);
    if (!source)
        return source.error();
    auto target = target_of(type_name, options);
    if (!target)
        return target.error();
    auto rebuild = Rebuild::begin({target->path, target->type, mode_for(source->status, options), &source->status,
                                   options.become_owner});
    if (!rebuild)
        return rebuild.error();
    return fill(std::move(*rebuild), *target, source->content, name, true, options);
}

namespace {

// A copy of the existing table, or an empty one, as the base of a change.
Result<Rebuild> begin_change(const Target& target, const BuildOptions& options,
                             const std::function<bool(std::string_view key)>& keep)
{
    struct stat owner {};
    bool has_owner = ::stat(target.path.c_str(), &owner) == 0 || ::stat(target.name.c_str(), &owner) == 0;
    auto rebuild = Rebuild::begin({target.path, target.type, has_owner ? mode_for(owner, options) : 0644,
                                   has_owner ? &owner : nullptr, options.become_owner});
    if (!rebuild)
        return rebuild;
    if (auto copied = rebuild->copy_old(keep); !copied)
        return copied.error();
    return rebuild;
}

}  // namespace

Result<BuildStats> add(std::string_view type_name, std::string_view text, std::string_view source, const BuildOptions& options)
{
    auto target = target_of(type_name, options);
    if (!target)
        return target.error();
    auto rebuild = begin_change(*target, options, [](std::string_view) { return true; });
    if (!rebuild)
        return rebuild.error();
    return fill(std::move(*rebuild), *target, text, source, false, options);
}

Result<std::vector<bool>> remove(std::string_view type_name, const std::vector<std::string>& keys, const BuildOptions& options)
{
    auto [type, name] = split_type(type_name, open_options(options));
    if (is_known(type) && type != "hash" && type != "btree")
        return failure(cat("table ", type, ":", name, ": delete operation is not supported"));
    auto target = target_of(type_name, options);
    if (!target)
        return target.error();
    if (!exists(target->path))
        return failure(cat("open database ", target->path, ": No such file or directory"));
    std::unordered_map<std::string, bool> wanted;  // and whether it was there
    auto form = [&](const std::string& key) { return options.fold ? fold(key) : key; };
    for (const auto& key : keys)
        if (!key.empty())
            wanted[form(key)] = false;
    bool has_change = false;
    auto rebuild = begin_change(*target, options, [&](std::string_view key) {
        auto found = wanted.find(std::string(key.substr(0, key.find('\0'))));
        if (found != wanted.end())
            found->second = has_change = true;
        return found == wanted.end();
    });
    if (!rebuild)
        return rebuild.error();
    if (has_change)
        if (auto done = rebuild->commit(); !done)
            return done.error();
    std::vector<bool> were_there;
    for (const auto& key : keys)
        were_there.push_back(!key.empty() && wanted[form(key)]);
    return were_there;
}

Result<void> list(std::string_view type_name, const std::function<void(std::string_view key, std::string_view value)>& visit,
                  const BuildOptions& options)
{
    auto table = open(type_name, open_options(options));
    if (!table)
        return table.error();
    if (auto listing = dynamic_cast<Listing*>(table->get()))
        return listing->list(visit);
    return failure(cat("table ", (*table)->name(), ": sequence operation is not supported"));
}

}  // namespace mta::table
