#pragma once

#include <string>
#include <string_view>

#include "tls/pair.h"
#include "tls/signer.h"

namespace mta::keys {

// The data signed as the scheme says; an Error if scheme, key and size of the data do not fit each other.
Result<std::string> make_signature(EVP_PKEY* key, const tls::Scheme& scheme, std::string_view data);

}  // namespace mta::keys
