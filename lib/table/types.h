#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "table/source.h"
#include "table/table.h"

// One function a type, each in a file of its own; table.cc lists them.
namespace mta::table {

using Opened = Result<std::unique_ptr<Table>>;

struct TypeName {
    std::string type, name;
};
// "type:name", or a name alone, with the default type.
TypeName split_type(std::string_view type_name, const Options& options);
// Says which types exist.
Error unsupported(std::string_view type);

Opened open_btree(const std::string& name, const Options& options);
Opened open_cidr(const std::string& name, const Options& options);
Opened open_fail(const std::string& name, const Options& options);
Opened open_hash(const std::string& name, const Options& options);
Opened open_inline(const std::string& name, const Options& options);
Opened open_pcre(const std::string& name, const Options& options);
Opened open_pipemap(const std::string& name, const Options& options);
Opened open_regexp(const std::string& name, const Options& options);
Opened open_static(const std::string& name, const Options& options);
Opened open_texthash(const std::string& name, const Options& options);
Opened open_unionmap(const std::string& name, const Options& options);
Opened open_unix(const std::string& name, const Options& options);

// Stands for a table that cannot be opened yet, and says so in the log.
std::unique_ptr<Table> unavailable(std::string_view type_name, const Options& options, const Error& why);
// The options to open a table again with, once it was there.
Options strict(Options options);

// A table that can list its entries in some order; for postmap -s.
class Listing {
public:
    virtual ~Listing() = default;
    using Visitor = std::function<void(std::string_view key, std::string_view value)>;
    virtual Result<void> list(const Visitor& visit) = 0;
};

}  // namespace mta::table
