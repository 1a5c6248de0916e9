#include "service/secret.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace mta::service {

namespace {

constexpr unsigned for_others = 077;

}  // namespace

Result<void> Secret::make(const std::string& path)
{
    auto secret = random_bytes(secret_bytes);
    auto done = replace_file(path, secret, 0600);
    OPENSSL_cleanse(secret.data(), secret.size());
    return done;
}

Result<Secret> Secret::load(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return errno_error(path);
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & for_others) != 0)
        return failure(cat(path, ": others may read or write it"));
    Secret made;
    if (::read(fd.get(), made.bytes_.data(), secret_bytes) != static_cast<ssize_t>(secret_bytes))
        return failure(cat(path, ": is too short"));
    made.is_wiped_ = false;
    return made;
}

Secret::Secret(Secret&& other) noexcept : bytes_(other.bytes_), is_wiped_(other.is_wiped_) { other.wipe(); }

void Secret::wipe()
{
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
    is_wiped_ = true;
}

std::string Secret::sign(std::string_view claim) const { return hmac_sha256({bytes_.data(), bytes_.size()}, claim); }

}  // namespace mta::service
