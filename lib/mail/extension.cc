#include "mail/extension.h"

#include "table/maps.h"

namespace mta::mail {

Split split_extension(std::string_view local_part, std::string_view delimiters)
{
    auto at = table::extension_of(local_part, delimiters);
    if (at == std::string_view::npos)
        return {local_part, {}, '\0'};
    return {local_part.substr(0, at), local_part.substr(at + 1), local_part[at]};
}

}  // namespace mta::mail
