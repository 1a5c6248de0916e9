#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "base/encode.h"
#include "base/text.h"

namespace mta::net {

std::optional<Address> Address::parse(std::string_view text)
{
    std::string copy(text);
    if (copy.find('\0') != std::string::npos)
        return std::nullopt;  // what inet_pton() would not see
    Address address;
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) {
        address.family_ = AF_INET;
        return address;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    if (::inet_pton(AF_INET6, copy.c_str(), &v6.sin6_addr) != 1)
        return std::nullopt;
    return from(reinterpret_cast<const sockaddr*>(&v6));
}

Address Address::from(const sockaddr* address)
{
    Address result;
    if (address->sa_family == AF_INET) {
        result.family_ = AF_INET;
        std::memcpy(result.bytes_.data(), &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
        result.family_ = mapped ? AF_INET : AF_INET6;
        std::memcpy(result.bytes_.data(), v6.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    }
    return result;
}

bool Address::is_loopback() const
{
    if (family_ == AF_INET)
        return bytes_[0] == 127;
    return family_ == AF_INET6 && text() == "::1";
}

bool Address::is_unspecified() const { return family_ != 0 && bytes_ == std::array<unsigned char, 16>{}; }

std::string Address::text() const
{
    char text[INET6_ADDRSTRLEN];
    if (family_ == 0 || !::inet_ntop(family_, bytes_.data(), text, sizeof text))
        return "unknown";
    return text;
}

std::string Address::literal() const { return cat(is_v6() ? "[IPv6:" : "[", text(), "]"); }

std::string Address::reverse_name() const
{
    std::string name;
    if (is_v6()) {
        auto digits = hex_encode({reinterpret_cast<const char*>(bytes_.data()), 16});
        for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit)
            name += cat(*digit, ".");
        return name + "ip6.arpa";
    }
    for (int i = 3; i >= 0; --i)
        name += cat(static_cast<int>(bytes_[static_cast<std::size_t>(i)]), ".");
    return name + "in-addr.arpa";
}

Address Address::prefix(int bits) const
{
    Address result = *this;
    for (std::size_t i = 0; i < 16; ++i) {
        int left = bits - static_cast<int>(i) * 8;
        if (left <= 0)
            result.bytes_[i] = 0;
        else if (left < 8)
            result.bytes_[i] &= static_cast<unsigned char>(0xff << (8 - left));
    }
    return result;
}

std::string Endpoint::text() const
{
    return address.is_v6() ? cat("[", address.text(), "]:", port) : cat(address.text(), ":", port);
}

Endpoint Endpoint::from(const sockaddr_storage& storage)
{
    Endpoint endpoint;
    endpoint.address = Address::from(reinterpret_cast<const sockaddr*>(&storage));
    if (storage.ss_family == AF_INET)
        endpoint.port = ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
    else if (storage.ss_family == AF_INET6)
        endpoint.port = ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
    return endpoint;
}

Endpoint Endpoint::local_of(int fd)
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
    return from(storage);
}

socklen_t Endpoint::to(sockaddr_storage& storage) const
{
    storage = {};
    if (address.is_v6()) {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        std::memcpy(&v6.sin6_addr, address.bytes().data(), 16);
        return sizeof v6;
    }
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes().data(), 4);
    return sizeof v4;
}

Result<Network> Network::parse(std::string_view text)
{
    auto slash = text.rfind('/');
    auto host = text.substr(0, slash);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    auto address = Address::parse(host);
    if (!address)
        return failure(cat("bad network address: ", text));
    Network network{*address, address->bits()};
    if (slash != std::string_view::npos) {
        auto bits = parse_number<int>(text.substr(slash + 1));
        if (!bits || *bits < 0 || *bits > address->bits())
            return failure(cat("bad network prefix length: ", text));
        network.bits = *bits;
    }
    if (network.address.prefix(network.bits) != network.address)
        return failure(cat("non-null host address bits in \"", text, "\", perhaps you should use \"",
                           network.address.prefix(network.bits).text(), "/", network.bits, "\""));
    return network;
}

bool Network::contains(const Address& other) const
{
    return other.family() == address.family() && other.prefix(bits) == address;
}

}  // namespace mta::net
