#include "tls/settings.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace mta::tls {

namespace {

struct Version {
    std::string_view name;
    int number;
    std::uint64_t off;
};

constexpr std::array<Version, 5> versions{{{"SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3},
                                           {"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
                                           {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
                                           {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
                                           {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3}}};

const Version* find_version(std::string_view name)
{
    auto found = std::find_if(versions.begin(), versions.end(), [&](const Version& v) { return iequals(v.name, name); });
    return found == versions.end() ? nullptr : &*found;
}

Result<int> bound(std::string_view text)
{
    if (auto version = find_version(text))
        return version->number;
    if (istarts_with(text, "0x"))
        if (auto number = parse_number<int>(text.substr(2), 16))
            return *number;
    return Error{cat("unknown TLS protocol version \"", text, "\""), "5.3.5"};
}

struct SslOption {
    std::string_view name;
    std::uint64_t bit;
};

constexpr std::array<SslOption, 9> ssl_options{{{"NO_TICKET", SSL_OP_NO_TICKET},
                                                {"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
                                                {"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
                                                {"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
                                                {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION",
                                                 SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
                                                {"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
                                                {"CRYPTOPRO_TLSEXT_BUG", SSL_OP_CRYPTOPRO_TLSEXT_BUG},
                                                {"TLSEXT_PADDING", SSL_OP_TLSEXT_PADDING},
                                                {"SAFARI_ECDHE_ECDSA_BUG", SSL_OP_SAFARI_ECDHE_ECDSA_BUG}}};

}  // namespace

Result<ProtocolRange> parse_protocols(std::string_view text)
{
    ProtocolRange range;
    std::uint64_t included = 0, all = 0;
    for (const auto& version : versions)
        all |= version.off;
    for (auto word : split_words(text, ", \t\r\n:")) {
        if (word.starts_with(">=") || word.starts_with("<=")) {
            auto number = bound(word.substr(2));
            if (!number)
                return number.error();
            (word.front() == '>' ? range.lowest : range.highest) = *number;
            continue;
        }
        bool excluded = word.starts_with('!');
        auto name = word.substr(excluded);
        if (iequals(name, "SSLv2") && excluded)
            continue;  // OpenSSL has it no more
        auto version = find_version(name);
        if (!version)
            return Error{cat("unknown TLS protocol version \"", name, "\""), "5.3.5"};
        (excluded ? range.disabled : included) |= version->off;
    }
    if (included != 0)
        range.disabled |= all & ~included;
    if (range.lowest != 0 && range.highest != 0 && range.lowest > range.highest)
        return Error{cat("no TLS protocol version is left by \"", text, "\""), "5.3.5"};
    if (range.disabled == all)
        return Error{cat("no TLS protocol version is left by \"", text, "\""), "5.3.5"};
    return range;
}

Result<std::uint64_t> parse_ssl_options(std::string_view text)
{
    std::uint64_t bits = 0;
    for (auto word : split_words(text, ", \t\r\n:|")) {
        auto found = std::find_if(ssl_options.begin(), ssl_options.end(),
                                  [&](const SslOption& option) { return iequals(option.name, word); });
        std::optional<std::uint64_t> number;
        if (found != ssl_options.end())
            number = found->bit;
        else if (istarts_with(word, "0x"))
            number = parse_number<std::uint64_t>(word.substr(2), 16);
        if (!number)
            return Error{cat("unknown TLS option \"", word, "\""), "5.3.5"};
        bits |= *number;
    }
    return bits;
}

}  // namespace mta::tls
