#include "base/fd.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/text.h"

namespace mta {

Error errno_error(std::string_view what)
{
    int code = errno;
    auto text = cat(what, ": ", std::generic_category().message(code));
    bool is_full = code == ENOSPC || code == EDQUOT;
    return is_full ? Error{std::move(text), "4.3.1"} : failure(std::move(text));  // RFC 3463: mail system full
}

void throw_errno(std::string_view what)
{
    throw std::system_error(errno, std::generic_category(), std::string(what));
}

}  // namespace mta
