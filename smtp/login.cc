#include "smtp/login.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/encode.h"
#include "base/text.h"

namespace mta::smtpc {

using deliver::Action;
using deliver::Outcome;
using smtp::Reply;

namespace {

bool contains(const std::vector<std::string>& words, std::string_view word)
{
    return std::any_of(words.begin(), words.end(), [&](const std::string& w) { return iequals(w, word); });
}

// The method to use, or nothing if none is offered and allowed.
std::optional<std::string_view> choose(const Session& session)
{
    const auto& params = session.params();
    const auto& options = session.has_tls() ? params.sasl_tls_security_options() : params.sasl_security_options();
    if (contains(options, "noplaintext"))
        return std::nullopt;
    for (std::string_view method : {"PLAIN", "LOGIN"})
        if (contains(session.features().auth, method) && (params.sasl_mechanism_filter().empty() || contains(params.sasl_mechanism_filter(), method)))
            return method;
    return std::nullopt;
}

// What would have no effect is no setting.
Result<void> check_words(std::string_view name, const std::vector<std::string>& words, const std::vector<std::string>& known)
{
    for (const auto& word : words)
        if (!contains(known, word))
            return failure(cat(name, ": \"", word, "\": the known words are ", join(known, ", ")));
    return {};
}

Result<void> check_words(const Params& params)
{
    const std::vector<std::string> options{"noplaintext", "noanonymous"};
    if (auto done = check_words(cat(params.prefix(), "_sasl_security_options"), params.sasl_security_options(), options); !done)
        return done;
    if (auto done = check_words(cat(params.prefix(), "_sasl_tls_security_options"), params.sasl_tls_security_options(), options); !done)
        return done;
    return check_words(cat(params.prefix(), "_sasl_mechanism_filter"), params.sasl_mechanism_filter(), {"plain", "login"});
}

Reply ask(Session& session, std::string_view line)
{
    session.send_secret(line);
    return session.reply(stage::auth, session.params().helo_timeout);
}

Reply plain(Session& session, const Login& login)
{
    using namespace std::string_literals;
    return ask(session, cat("AUTH PLAIN ", base64_encode("\0"s + login.user + "\0"s + login.password)));
}

Reply by_login(Session& session, const Login& login)
{
    auto reply = ask(session, "AUTH LOGIN");
    if (reply.code == 334)
        reply = ask(session, base64_encode(login.user));
    if (reply.code == 334)
        reply = ask(session, base64_encode(login.password));
    return reply;
}

}  // namespace

Result<Logins> Logins::open(const Params& params, const std::string& default_database_type)
{
    if (!params.sasl_auth_enable)
        return Logins(std::nullopt);
    if (params.sasl_password_maps().empty())
        return failure(cat(params.prefix(), "_sasl_auth_enable = yes needs ", params.prefix(), "_sasl_password_maps"));
    if (auto done = check_words(params); !done)
        return done.error();
    table::Options options;
    options.default_type = default_database_type;
    options.may_be_missing = true;
    auto maps = table::Maps::open(params.sasl_password_maps(), options);
    if (!maps)
        return maps.error();
    return Logins(std::move(*maps));
}

Result<std::optional<Login>> Logins::find(const std::string& nexthop, const Host& host) const
{
    if (!maps_)
        return std::optional<Login>();
    for (const auto& key : {nexthop, host.domain, host.name}) {
        auto found = maps_->find(key);
        if (!found)
            return found.error();
        if (!*found)
            continue;
        auto colon = std::min((*found)->find(':'), (*found)->size());
        return std::optional(Login{(*found)->substr(0, colon), (*found)->substr(std::min(colon + 1, (*found)->size()))});
    }
    return std::optional<Login>();
}

std::optional<Outcome> log_in(Session& session, const Login& login)
{
    if (session.features().auth.empty())
        return std::nullopt;
    auto name = session.host().text();
    auto method = choose(session);
    if (!method)
        return session.failed("4.7.0", cat("SASL authentication failed; cannot authenticate to server ", name, ": no mechanism available"));
    auto reply = *method == "PLAIN" ? plain(session, login) : by_login(session, login);
    if (reply.is_positive())
        return std::nullopt;
    bool is_final = reply.is_permanent() && !session.params().sasl_auth_soft_bounce;
    auto outcome = session.failed(is_final ? "5.7.8" : "4.7.8", cat("SASL authentication failed; server ", name, " said: ", reply.text()));
    outcome.reply = reply.text();
    return outcome;
}

}  // namespace mta::smtpc
