#include "base/file_stamp.h"

#include <sys/stat.h>

#include "base/text.h"

namespace mta {

std::string file_stamp(const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return "";
    return cat(status.st_ino, " ", status.st_size, " ", status.st_mtim.tv_sec, " ", status.st_mtim.tv_nsec);
}

}  // namespace mta
