#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// How passwords are stored: "{SCHEME}value" with Dovecot's names, or what crypt(3) writes, "$y$..." and the like.
namespace mta::auth {

// Whether the password fits what is stored. An Error (temporary) says that what is stored makes no sense, e.g. an unknown
// scheme. Takes as long as the scheme makes it: tens of milliseconds.
Result<bool> verify_password(std::string_view stored, std::string_view password);

// A new "{SCHEME}value" with a fresh salt; an Error names the schemes there are.
Result<std::string> make_password(std::string_view scheme, std::string_view password);

// The names that make_password() knows, the recommended one first.
const std::vector<std::string>& password_schemes();

// "{SCHEME}rest" -> SCHEME in upper case and rest; without braces the scheme is CRYPT.
struct Stored {
    std::string scheme, value;
};
Stored split_scheme(std::string_view stored);

}  // namespace mta::auth
