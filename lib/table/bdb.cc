#include "table/bdb.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace mta::table {

namespace {

constexpr u_int32_t page_bytes = 4096;
constexpr u_int32_t read_cache_bytes = 128u << 10;   // Postfix's berkeley_db_read_buffer_size
constexpr u_int32_t write_cache_bytes = 16u << 20;   // and berkeley_db_create_buffer_size

void complain(const DB_ENV* environment, const char*, const char* message)
{
    if (auto complaint = static_cast<std::string*>(environment->app_private); complaint && complaint->empty())
        *complaint = message;
}

DBT thang(std::string_view bytes)
{
    DBT result{};
    result.data = const_cast<char*>(bytes.data());  // the library only reads it
    result.size = static_cast<u_int32_t>(bytes.size());
    return result;
}

std::string_view view(const DBT& thang) { return {static_cast<const char*>(thang.data), thang.size}; }

// Opens a file. When close(2) fails meanwhile, as on a network file system, the library frees a handle twice: it does not hear of that.
// What is written later is another matter.
int open_file(DB* db, const std::string& path, DBTYPE type, u_int32_t flags, int mode)
{
    ::db_env_set_func_close([](int fd) {
        ::close(fd);
        return 0;
    });
    int code = db->open(db, nullptr, path.c_str(), nullptr, type, flags, mode);
    ::db_env_set_func_close(nullptr);
    return code;
}

std::string reason(int code) { return code > 0 ? std::strerror(code) : ::db_strerror(code); }

}  // namespace

Result<Bdb> Bdb::make(const std::string& path)
{
    Bdb bdb;
    DB* db = nullptr;
    if (int code = ::db_create(&db, nullptr, 0); code != 0)
        return failure(cat("open database ", path, ": ", reason(code)));
    bdb.db_.reset(db);
    bdb.path_ = path;
    bdb.complaint_ = std::make_unique<std::string>();
    auto environment = db->get_env(db);
    environment->app_private = bdb.complaint_.get();
    db->set_errcall(db, complain);
    db->set_errfile(db, nullptr);
    // A page with a wrong checksum is an error of that page; "panic" would lose the others and the library's memory.
    environment->set_flags(environment, DB_NOPANIC, 1);
    return bdb;
}

Error Bdb::error(int code) const
{
    auto detail = complaint_->empty() || code > 0 ? std::string() : cat(" (", *complaint_, ")");
    return failure(cat(path_, ": ", reason(code), detail));
}

Result<Bdb> Bdb::open(const std::string& path, DBTYPE type)
{
    auto bdb = make(path);
    if (!bdb)
        return bdb;
    auto db = bdb->db_.get();
    db->set_cachesize(db, 0, read_cache_bytes, 1);
    if (int code = open_file(db, path, type, DB_RDONLY, 0); code != 0)
        return failure(cat("open database ", path, ": ", reason(code)));
    return bdb;
}

Result<Bdb> Bdb::create(const std::string& path, DBTYPE type)
{
    auto bdb = make(path);
    if (!bdb)
        return bdb;
    auto db = bdb->db_.get();
    db->set_cachesize(db, 0, write_cache_bytes, 1);
    db->set_pagesize(db, page_bytes);
    db->set_flags(db, DB_CHKSUM);
    if (int code = open_file(db, path, type, DB_CREATE | DB_EXCL, 0600); code != 0)
        return failure(cat("create ", path, ": ", reason(code)));
    return bdb;
}

namespace {

// In the child: what is wrong, or "ok".
std::string verdict_of(const std::string& path)
{
    DB* db = nullptr;
    if (int code = ::db_create(&db, nullptr, 0); code != 0)
        return reason(code);
    db->set_errcall(db, [](const DB_ENV*, const char*, const char*) {});
    int code = db->verify(db, path.c_str(), nullptr, nullptr, 0);  // frees db in any case
    return code == 0 ? "ok" : reason(code);
}

}  // namespace

Result<void> Bdb::verify(const std::string& path)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return errno_error("pipe");
    Fd from_child(ends[0]), to_parent(ends[1]);
    auto child = ::fork();
    if (child < 0)
        return errno_error("fork");
    if (child == 0) {
        auto ignored = write_all(to_parent.get(), verdict_of(path));
        ::_exit(ignored ? 0 : 1);
    }
    to_parent.reset();
    std::string verdict;
    char chunk[256];
    for (ssize_t count = 0; (count = ::read(from_child.get(), chunk, sizeof chunk)) != 0;) {
        if (count > 0)
            verdict.append(chunk, static_cast<std::size_t>(count));
        else if (errno != EINTR)
            break;
    }
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (verdict == "ok")
        return {};
    return failure(cat("database ", path, " is damaged: ", verdict.empty() ? "the check crashed" : verdict));
}

Result<std::optional<std::string>> Bdb::get(std::string_view key)
{
    complaint_->clear();
    DBT wanted = thang(key), value{};
    int code = db_->get(db_.get(), nullptr, &wanted, &value, 0);
    if (code == DB_NOTFOUND)
        return std::optional<std::string>{};
    if (code != 0)
        return error(code);
    return std::optional(std::string(view(value)));
}

Result<bool> Bdb::put(std::string_view key, std::string_view value, bool replace)
{
    complaint_->clear();
    DBT new_key = thang(key), new_value = thang(value);
    int code = db_->put(db_.get(), nullptr, &new_key, &new_value, replace ? 0 : DB_NOOVERWRITE);
    if (code != 0 && code != DB_KEYEXIST)
        return error(code);
    return code == 0;
}

Result<bool> Bdb::erase(std::string_view key)
{
    complaint_->clear();
    DBT wanted = thang(key);
    int code = db_->del(db_.get(), nullptr, &wanted, 0);
    if (code != 0 && code != DB_NOTFOUND)
        return error(code);
    return code == 0;
}

Result<void> Bdb::for_each(const std::function<void(std::string_view key, std::string_view value)>& visit)
{
    complaint_->clear();
    DBC* opened = nullptr;
    if (int code = db_->cursor(db_.get(), nullptr, &opened, 0); code != 0)
        return error(code);
    auto close = [](DBC* cursor) { cursor->close(cursor); };
    std::unique_ptr<DBC, decltype(close)> cursor(opened, close);
    while (true) {
        DBT key{}, value{};
        int code = cursor->get(cursor.get(), &key, &value, DB_NEXT);
        if (code == DB_NOTFOUND)
            return {};
        if (code != 0)
            return error(code);
        visit(view(key), view(value));
    }
}

bool Bdb::has_checksums() const
{
    u_int32_t flags = 0;
    return db_->get_flags(db_.get(), &flags) == 0 && (flags & DB_CHKSUM);
}

int Bdb::fd() const
{
    int fd = -1;
    return db_->fd(db_.get(), &fd) == 0 ? fd : -1;
}

Result<void> Bdb::close()
{
    complaint_->clear();
    auto db = db_.release();
    if (int code = db->close(db, 0); code != 0)
        return error(code);
    return {};
}

}  // namespace mta::table
