#include "base/fd.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/text.h"

namespace mta {

Error errno_error(std::string_view what)
{
    int code = errno;
    return failure(cat(what, ": ", std::generic_category().message(code)));
}

void throw_errno(std::string_view what)
{
    throw std::system_error(errno, std::generic_category(), std::string(what));
}

}  // namespace mta
