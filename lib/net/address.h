#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace mta::net {

// An IPv4 or IPv6 address; IPv4-mapped IPv6 becomes IPv4.
class Address {
public:
    Address() = default;
    static std::optional<Address> parse(std::string_view text);  // no brackets, no port
    static Address from(const sockaddr* address);

    bool is_v6() const { return family_ == AF_INET6; }
    int family() const { return family_; }
    bool is_loopback() const;
    bool is_unspecified() const;  // 0.0.0.0 or ::
    std::string text() const;     // "192.0.2.1", "2001:db8::1"; "unknown" if there is none
    // As in Received: and EHLO (RFC 5321 section 4.1.3): [192.0.2.1] or [IPv6:2001:db8::1]
    std::string literal() const;
    // The name to look up for the host name: "1.2.0.192.in-addr.arpa".
    std::string reverse_name() const;
    // The leading bits only, for counting by network.
    Address prefix(int bits) const;
    int bits() const { return is_v6() ? 128 : 32; }
    const std::array<unsigned char, 16>& bytes() const { return bytes_; }  // IPv4: the first four
    auto operator<=>(const Address&) const = default;

private:
    int family_ = 0;
    std::array<unsigned char, 16> bytes_{};
};

struct Endpoint {
    Address address;
    std::uint16_t port = 0;
    std::string text() const;  // "192.0.2.1:25", "[2001:db8::1]:25"
    static Endpoint from(const sockaddr_storage& storage);
    static Endpoint local_of(int fd);
    socklen_t to(sockaddr_storage& storage) const;
    auto operator<=>(const Endpoint&) const = default;
};

// "192.0.2.0/24", "[2001:db8::]/32", "192.0.2.1", "[::1]"; host bits must be zero.
struct Network {
    Address address;
    int bits = 0;
    static Result<Network> parse(std::string_view text);
    bool contains(const Address& address) const;
};

}  // namespace mta::net
