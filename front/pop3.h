#pragma once

#include "front/imap.h"

namespace mta::front {

// POP3 (RFC 1939, RFC 2449, RFC 2595, RFC 5034) in the AUTHORIZATION state.
class Pop3 : public LoginDialog {
public:
    Pop3(Server& server, Connection& connection, service::Session& session);

    void greet() override;
    void take(std::string line) override;
    void refuse_long_line() override;
    void say_timeout() override;
    void say_unavailable(std::string_view why) override;
    std::size_t max_line_bytes(std::string_view) const override { return is_logging_in() ? 8192 : 512; }
    std::size_t held_bytes() const override { return name_.size(); }
    std::string_view service() const override { return "pop3"; }
    std::string_view log_name() const override { return "pop3-login"; }

private:
    void say_challenge(const std::string& base64) override;
    void logged_in(const auth::Client::Reply& reply) override;
    void login_failed(const auth::Client::Reply& reply) override;

    void obey(std::string_view verb, std::string_view argument);
    void capa();
    void stls();
    void user(std::string_view name);
    void pass(std::string_view password);
    void auth(std::string_view argument);
    void refuse(std::string_view text, Fault fault = Fault::error);
    void reply(std::string_view text);

    std::string name_;    // of USER
};

}  // namespace mta::front
