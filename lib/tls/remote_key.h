#pragma once

#include "tls/pair.h"

namespace mta::tls {

// A key for OpenSSL that consists of its public half: signatures with it are asked from the Signer of the handshake that
// needs them (Signing::current()). An Error if no scheme is for this type of key.
Result<Key> remote_key(const EVP_PKEY* public_half);

}  // namespace mta::tls
