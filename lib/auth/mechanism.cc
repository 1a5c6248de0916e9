#include "auth/mechanism.h"

#include <algorithm>

#include "auth/saslprep.h"
#include "base/text.h"

namespace mta::auth {

namespace {

constexpr std::size_t max_user_bytes = 255, max_password_bytes = 1024;

// RFC 4616: [authzid] NUL authcid NUL passwd
class Plain : public Mechanism {
public:
    Step start(const std::optional<std::string>& initial) override
    {
        return initial ? respond(*initial) : Step{Step::Kind::challenge, ""};
    }

    Step respond(std::string_view response) override
    {
        auto parts = split(response, '\0');
        if (parts.size() != 3 || parts[1].empty() || parts[2].empty() || parts[2].size() > max_password_bytes)
            return failure("malformed PLAIN message", true);
        if (!take_names(parts[1], parts[0]))
            return failure("no such user");
        return {Step::Kind::password, std::string(parts[2])};
    }
};

// draft-murchison-sasl-login: asks for name and password one after the other.
class Login : public Mechanism {
public:
    Step start(const std::optional<std::string>& initial) override
    {
        return initial && !initial->empty() ? respond(*initial) : Step{Step::Kind::challenge, "Username:"};
    }

    Step respond(std::string_view response) override
    {
        if (response.empty() || response.size() > max_password_bytes || response.find('\0') != std::string_view::npos)
            return failure("malformed LOGIN message", true);
        if (!has_name_) {
            has_name_ = true;
            name_ = response;
            return {Step::Kind::challenge, "Password:"};
        }
        if (!take_names(name_, ""))
            return failure("no such user");
        return {Step::Kind::password, std::string(response)};
    }

private:
    bool has_name_ = false;
    std::string name_;
};

class Scram : public Mechanism {
public:
    Step start(const std::optional<std::string>& initial) override
    {
        return initial && !initial->empty() ? respond(*initial) : Step{Step::Kind::challenge, ""};
    }

    Step respond(std::string_view response) override
    {
        if (stage_ == Stage::first)
            return first(response);
        if (stage_ == Stage::last)
            return last(response);
        // The server's last message was an extra challenge (SMTP and POP3 have no data in the final reply): the client agrees.
        if (!response.empty())
            return failure("malformed SCRAM message", true);
        return {Step::Kind::success, ""};
    }

    Step found(const ScramKeys& keys) override
    {
        stage_ = Stage::last;
        return {Step::Kind::challenge, exchange_.challenge(keys)};
    }

private:
    enum class Stage { first, last, agreed };

    Step first(std::string_view response)
    {
        if (auto taken = exchange_.take_first(response); !taken)
            return failure(taken.error().text, true);
        if (!take_names(exchange_.user(), exchange_.authorization()))
            return failure("no such user");
        return {Step::Kind::keys, ""};
    }

    Step last(std::string_view response)
    {
        auto final = exchange_.finish(response);
        if (!final)
            return failure(final.error().text, true);
        if (!*final)
            return failure("wrong password");
        stage_ = Stage::agreed;
        return {Step::Kind::challenge, **final};
    }

    ScramExchange exchange_;
    Stage stage_ = Stage::first;
};

template <class M>
std::unique_ptr<Mechanism> make()
{
    return std::make_unique<M>();
}

}  // namespace

Step Mechanism::checked(bool right)
{
    return right ? Step{Step::Kind::success, ""} : failure("wrong password");
}

Step Mechanism::found(const ScramKeys&) { return failure("no such step"); }

bool is_user_name(std::string_view name)
{
    if (name.empty() || name.size() > max_user_bytes || !is_utf8(name))
        return false;
    return std::none_of(name.begin(), name.end(), [](char c) {
        return (static_cast<unsigned char>(c) <= ' ') || c == 0x7f || c == ':' || c == '/';
    });
}

bool Mechanism::take_names(std::string_view authentication, std::string_view authorization)
{
    auto name = saslprep(authentication);
    if (!name || !is_user_name(*name))
        return false;
    user_ = lower(*name);
    return authorization.empty() || lower(saslprep(authorization).value_or("")) == user_;
}

const std::vector<MechanismInfo>& mechanisms()
{
    static const std::vector<MechanismInfo> all{{"PLAIN", true}, {"LOGIN", true}, {"SCRAM-SHA-256", false}};
    return all;
}

std::unique_ptr<Mechanism> make_mechanism(std::string_view name)
{
    if (iequals(name, "PLAIN"))
        return make<Plain>();
    if (iequals(name, "LOGIN"))
        return make<Login>();
    if (iequals(name, "SCRAM-SHA-256"))
        return make<Scram>();
    return nullptr;
}

}  // namespace mta::auth
