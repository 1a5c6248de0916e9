#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mta::service {

// A secret by which processes of one system prove something to each other: master makes it anew at each start, in a directory
// of root's, so that nobody else can put one there; who still is root can load it, and wipes it before it listens to anybody.
class Secret {
public:
    static Result<void> make(const std::string& path);
    // An Error, too, if somebody else than we could have written or read the file.
    static Result<Secret> load(const std::string& path);
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&&) = delete;
    ~Secret() { wipe(); }

    // An HMAC, raw; never call it when wiped.
    std::string sign(std::string_view claim) const;
    void wipe();
    bool is_wiped() const { return is_wiped_; }

private:
    static constexpr std::size_t secret_bytes = 32;
    Secret() = default;

    std::array<char, secret_bytes> bytes_{};
    bool is_wiped_ = true;
};

}  // namespace mta::service
