#include <algorithm>

#include "base/text.h"
#include "front/connection.h"
#include "front/imap.h"
#include "front/server.h"
#include "log/log.h"
#include "net/limit_hits.h"

namespace mta::front {

bool LoginDialog::offers_starttls() const { return server_.tls() && !connection_.has_tls(); }

bool LoginDialog::takes_passwords() const { return connection_.has_tls() || !server_.settings().tls.auth_only; }

std::string LoginDialog::facts() const
{
    auto text = cat("user=<", printable(user_), ">");
    if (!mechanism_.empty())
        text += cat(", method=", printable(mechanism_));
    text += cat(", rip=", session_.client_address, ", lip=", session_.server_address);
    if (connection_.has_tls())
        text += ", TLS";
    return text;
}

// fail2ban's filter for Dovecot knows these lines by their tag.
void LoginDialog::log_line(const std::string& text) const
{
    auto tag = log::tag();
    log::set_tag(server_.settings().front.login_syslog_name);
    log::info(log_name(), ": ", text);
    log::set_tag(tag);
}

void LoginDialog::log_login(const auth::Client::Reply& reply)
{
    user_ = reply.user;
    log_line(cat("Login: ", facts()));
}

void LoginDialog::note_failure(const auth::Client::Reply& reply)
{
    if (reply.temporary)
        log::warning(connection_.peer(), ": SASL ", mechanism_, " authentication failed: ", printable(reply.reason));
    user_ = reply.user;
}

bool LoginDialog::is_last(Fault fault)
{
    const auto& limits = server_.settings().login;
    failures_ += fault == Fault::failed_login;
    unknown_ += fault == Fault::unknown_command;
    bool is_many = ++errors_ >= limits.error_limit().number(), is_clueless = unknown_ >= limits.unknown_command_limit().number();
    if (is_many || is_clueless)
        net::limit_hit(cat(server_.settings().worker, is_many ? "_login_error_limit" : "_login_unknown_command_limit"), connection_.address(),
                       cat(is_many ? errors_ : unknown_));
    return is_many || is_clueless;
}

void LoginDialog::log_end(End end)
{
    if (session_.is_authenticated())
        return;  // the worker could not be had: that was logged
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_).count();
    std::string_view why = end == End::timeout ? "Inactivity" : end == End::too_many_errors ? "Too many errors" : "";
    auto detail = failures_ > 0 ? cat("auth failed, ", failures_, " attempts in ", seconds, " secs") : cat("no auth attempts in ", seconds, " secs");
    log_line(cat(failures_ > 0 && end == End::quit ? "Aborted login" : "Disconnected", why.empty() ? "" : ": ", why, " (", detail, "): ", facts()));
}

}  // namespace mta::front
