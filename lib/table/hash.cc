#include <sys/file.h>
#include <sys/stat.h>

#include <ctime>

#include "base/text.h"
#include "table/bdb.h"
#include "table/types.h"

namespace mta::table {

namespace {

constexpr std::time_t settled_after = 100;  // seconds: a source that is changed just now is perhaps not yet for use

// hash: and btree:, the file NAME.db.
class BdbTable : public Table, public Listing {
public:
    BdbTable(Bdb bdb, FileMark mark, const Options& options)
        : bdb_(std::move(bdb)), mark_(std::move(mark)), folds_(options.fold), nul_(options.nul)
    {
    }

    Found find(std::string_view key) override
    {
        auto wanted = folds_ ? fold(key) : std::string(key);
        // Programs differ in whether keys end in a NUL: the first hit tells for the whole file.
        for (bool with_nul : {true, false}) {
            if (nul_ && *nul_ != with_nul)
                continue;
            auto found = bdb_.get(with_nul ? wanted + '\0' : wanted);
            if (!found)
                return found.error();
            if (*found) {
                nul_ = with_nul;
                return std::optional(std::string((*found)->substr(0, (*found)->find('\0'))));
            }
        }
        return std::optional<std::string>{};
    }

    Result<void> list(const Visitor& visit) override
    {
        return bdb_.for_each([&](std::string_view key, std::string_view value) {
            visit(key.substr(0, key.find('\0')), value.substr(0, value.find('\0')));
        });
    }

    bool is_stale() const override { return mark_.has_changed(); }
    std::optional<uid_t> owner() const override { return mark_.owner(); }

private:
    Bdb bdb_;
    FileMark mark_;
    bool folds_;
    std::optional<bool> nul_;
};

void warn_if_older(const std::string& path, const std::string& source, const struct stat& built)
{
    struct stat text {};
    if (::stat(source.c_str(), &text) == 0 && text.st_mtime > built.st_mtime &&
        text.st_mtime < std::time(nullptr) - settled_after)
        log_warning(cat("database ", path, " is older than source file ", source));
}

Opened open_bdb(std::string_view type_name, DBTYPE type, const std::string& name, const Options& options)
{
    auto path = name + ".db";
    auto bdb = Bdb::open(path, type);
    if (!bdb) {
        auto file = std::string_view(name).substr(name.rfind('/') + 1);
        auto command = file.find("alias") != std::string_view::npos ? "postalias" : "postmap";
        return failure(cat(bdb.error().text, " (run \"", command, " ", type_name, ":", name, "\")"));
    }
    struct stat status {};
    if (::fstat(bdb->fd(), &status) != 0)
        return failure(cat("open database ", path, ": no file status"));
    // Without checksums a damaged file gives wrong answers: at least its structure must be right. Postfix updates in place,
    // under this lock.
    if (!bdb->has_checksums()) {
        ::flock(bdb->fd(), LOCK_SH);
        auto verified = Bdb::verify(path);
        ::flock(bdb->fd(), LOCK_UN);
        if (!verified)
            return verified.error();
    }
    warn_if_older(path, name, status);
    return std::unique_ptr<Table>(std::make_unique<BdbTable>(std::move(*bdb), FileMark(path, status), options));
}

}  // namespace

Opened open_hash(const std::string& name, const Options& options) { return open_bdb("hash", DB_HASH, name, options); }
Opened open_btree(const std::string& name, const Options& options) { return open_bdb("btree", DB_BTREE, name, options); }

}  // namespace mta::table
