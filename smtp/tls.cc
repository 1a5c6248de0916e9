#include "smtp/tls.h"

#include <array>

#include "base/text.h"
#include "log/log.h"
#include "tls/params.h"
#include "tls/transport.h"

namespace mta::smtpc {

using deliver::Outcome;

Result<TlsLevel> parse_tls_level(std::string_view text)
{
    static constexpr std::array<std::string_view, 5> names{"none", "may", "encrypt", "verify", "secure"};
    for (std::size_t i = 0; i < names.size(); ++i)
        if (text == names[i])
            return static_cast<TlsLevel>(i);
    if (text.empty())
        return TlsLevel::none;
    return failure(cat("unknown TLS security level: ", text, " (none, may, encrypt, verify, secure)"));
}

Result<TlsClient> TlsClient::load(const config::Config& config, const Params& params, std::string_view prefix)
{
    auto level = parse_tls_level(params.tls_security_level());
    if (!level)
        return level.error();
    const tls::ClientParams tls_params(config, prefix);
    if (*level == TlsLevel::none)
        return TlsClient(*level, std::nullopt, 0);
    auto settings = tls_params.settings(*level > TlsLevel::may);
    if (!settings)
        return settings.error();
    auto context = tls::Context::load(std::move(*settings));
    if (!context)
        return context.error();
    return TlsClient(*level, std::move(*context), tls_params.loglevel());
}

TlsClient::Started TlsClient::start(Session& session)
{
    if (level_ == TlsLevel::none || !session.host().path.empty())
        return {};
    auto name = session.host().text();
    if (!session.features().starttls) {
        if (is_mandatory())
            return {session.failed("4.7.4", cat("TLS is required, but was not offered by host ", name))};
        return {};
    }
    session.send("STARTTLS");
    auto reply = session.reply(stage::starttls, session.params().starttls_timeout);
    if (!reply.is_positive()) {
        if (is_mandatory())
            return {session.failed("4.7.4", cat("TLS is required, but host ", name, " refused to start TLS: ", reply.text()))};
        return {};
    }
    return handshake(session);
}

TlsClient::Started TlsClient::handshake(Session& session)
{
    const auto& host = session.host();
    bool may_try_plain = !is_mandatory();
    if (session.stream().has_buffered()) {  // RFC 3207 section 6: somebody wants his words to be taken for the server's
        session.abandon();
        return {session.failed("4.7.5", cat("host ", host.text(), " sent data behind its reply to STARTTLS")), may_try_plain};
    }
    bool is_secure = level_ == TlsLevel::secure;
    std::vector<std::string> more_names;
    if (is_secure)
        more_names.push_back("." + host.domain);
    auto transport = std::make_unique<tls::Transport>(session.stream().fd(), *context_, is_secure ? host.domain : host.name, more_names);
    try {
        transport->handshake(std::chrono::steady_clock::now() + session.params().starttls_timeout());
    } catch (const net::Lost& lost) {
        session.abandon();
        log::info("SSL_connect error to ", host.text_with_port(), ": ", lost.what());
        return {session.failed("4.7.5", "Cannot start TLS: handshake failure"), may_try_plain};
    }
    auto trust = transport->engine().trust();
    if (loglevel_ > 0)
        log::info(tls::name(trust), " TLS connection established to ", host.text_with_port(), ": ", transport->engine().facts().text());
    session.stream().set_transport(std::move(transport));
    if (auto failure = judge(session, trust == tls::Trust::verified, trust >= tls::Trust::trusted))
        return {failure};
    return {session.say_hello()};  // RFC 3207 section 4.2: what was said before does not count
}

std::optional<Outcome> TlsClient::judge(Session& session, bool is_verified, bool is_trusted) const
{
    if (level_ < TlsLevel::verify || is_verified)
        return std::nullopt;
    return session.failed("4.7.5", is_trusted ? "Server certificate not verified" : "Server certificate not trusted");
}

}  // namespace mta::smtpc
