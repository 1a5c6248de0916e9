#include "auth/secret.h"

#include "base/checksum.h"
#include "base/file.h"
#include "log/log.h"

namespace mta::auth {

namespace {

constexpr std::size_t secret_bytes = 32;

}  // namespace

std::string lasting_secret(const std::string& path)
{
    if (auto found = read_file(path, secret_bytes); found && found->size() == secret_bytes)
        return *found;
    auto secret = random_bytes(secret_bytes);
    if (auto written = replace_file(path, secret, 0600); !written)
        log::warning("cannot keep a secret for later: ", written.error().text);
    return secret;
}

}  // namespace mta::auth
