#include "front/dialog.h"

#include <algorithm>

#include "base/text.h"
#include "front/connection.h"
#include "front/imap.h"
#include "front/pop3.h"
#include "front/server.h"
#include "front/smtp.h"
#include "log/log.h"
#include "net/limit_hits.h"

namespace mta::front {

Dialog::~Dialog()
{
    if (login_ != 0 && server_.auth())
        server_.auth()->cancel(login_);
}

std::chrono::milliseconds Dialog::patience() const { return server_.settings().clients.timeout(); }

void Dialog::timed_out()
{
    const auto& settings = server_.settings();
    auto limit = settings.worker == "smtpd" ? std::string("smtpd_timeout") : cat(settings.worker, "_login_timeout");
    net::limit_hit(limit, connection_.address(), cat(settings.clients.timeout().count(), "s"));
}

void Dialog::begin_login(const std::string& mechanism, std::optional<std::string> base64)
{
    mechanism_ = upper(mechanism);
    auto rate = server_.limits().exceeded(connection_.address(), Limits::Event::auth, Limits::Clock::now());
    if (rate > 0) {
        net::limit_hit(cat(server_.settings().worker, "_client_auth_rate_limit"), connection_.address(), cat(rate),
                       cat("AUTH command rate limit exceeded: ", rate, " from ", connection_.peer(), " for service ", server_.service()));
        return login_failed({auth::Client::Reply::Kind::fail, "", "", "", true, "limit", "too many AUTH commands"});
    }
    auth::Client::Request request{mechanism_, std::string(service()), session_.client_address, session_.server_address,
                                  connection_.has_tls(), std::move(base64)};
    connection_.pause();
    login_ = server_.auth()->begin(std::move(request), [this](const auth::Client::Reply& reply) { replied(reply); });
}

void Dialog::replied(const auth::Client::Reply& reply)
{
    using Kind = auth::Client::Reply::Kind;
    if (reply.kind == Kind::challenge) {
        say_challenge(reply.challenge);
    } else {
        login_ = 0;
        if (reply.kind == Kind::ok)
            server_.remember(connection_.address());
        reply.kind == Kind::ok ? logged_in(reply) : login_failed(reply);
    }
    connection_.resume();
}

void Dialog::answer_challenge(const std::string& base64)
{
    connection_.pause();
    server_.auth()->respond(login_, base64);
}

void Dialog::cancel_login()
{
    server_.auth()->cancel(login_);
    login_ = 0;
}

std::string Dialog::mechanisms(std::string_view prefix, bool plaintext) const
{
    std::string text;
    std::vector<std::string> fallback{"PLAIN", "LOGIN", "SCRAM-SHA-256"};  // until the service has said what it has
    if (!server_.auth())
        return text;
    const auto& known = server_.auth()->mechanisms().empty() ? fallback : server_.auth()->mechanisms();
    for (const auto& name : known)
        if (plaintext || (name != "PLAIN" && name != "LOGIN"))
            text += cat(text.empty() ? "" : " ", prefix, name);
    return text;
}

std::unique_ptr<Dialog> make_dialog(std::string_view worker, Server& server, Connection& connection, service::Session& session)
{
    if (worker == "imapd")
        return std::make_unique<Imap>(server, connection, session);
    if (worker == "pop3d")
        return std::make_unique<Pop3>(server, connection, session);
    return std::make_unique<Smtp>(server, connection, session);
}

}  // namespace mta::front
