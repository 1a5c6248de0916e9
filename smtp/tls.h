#pragma once

#include <optional>
#include <string_view>

#include "deliver/agent.h"
#include "smtp/session.h"
#include "tls/context.h"

namespace mta::smtpc {

enum class TlsLevel { none, may, encrypt, verify, secure };
Result<TlsLevel> parse_tls_level(std::string_view text);

// STARTTLS (RFC 3207), as strictly as the level says.
class TlsClient {
public:
    // Reads the certificate files of PREFIX_tls_...; an Error says which one is wrong.
    static Result<TlsClient> load(const config::Config& config, const Params& params, std::string_view prefix);

    struct Started {
        std::optional<deliver::Outcome> failure;  // why this session cannot be used
        bool may_try_plain = false;               // but one without TLS may
    };
    // After the hello: changes to TLS and says hello again, if the level and the server want it.
    Started start(Session& session);

private:
    TlsClient(TlsLevel level, std::optional<tls::Context> context, long loglevel)
        : level_(level), context_(std::move(context)), loglevel_(loglevel) {}
    Started handshake(Session& session);
    std::optional<deliver::Outcome> judge(Session& session, bool is_verified, bool is_trusted) const;
    bool is_mandatory() const { return level_ > TlsLevel::may; }

    TlsLevel level_;
    std::optional<tls::Context> context_;
    long loglevel_;
};

}  // namespace mta::smtpc
