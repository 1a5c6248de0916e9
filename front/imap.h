#pragma once

#include <vector>

#include "front/dialog.h"

namespace mta::front {

// What IMAP and POP3 logins share: counting failures, and log lines in the form of Dovecot's login processes.
class LoginDialog : public Dialog {
public:
    using Dialog::Dialog;
    void log_end(End end) override;
    std::size_t max_line_bytes(std::string_view) const override { return 8192; }
    bool is_limited_for_life() const override { return false; }

protected:
    virtual std::string_view log_name() const = 0;   // "imap-login"
    bool offers_starttls() const;
    bool takes_passwords() const;                    // nobody can listen, or that does not matter
    void log_login(const auth::Client::Reply& reply);
    void note_failure(const auth::Client::Reply& reply);  // for log_end()
    // One more error, or unknown command, or failed login: true if that is the last one that is allowed.
    enum class Fault { error, unknown_command, failed_login };
    bool is_last(Fault fault);

private:
    std::string facts() const;                       // "user=<anna>, method=PLAIN, rip=..., lip=..., TLS"
    void log_line(const std::string& text) const;
    std::uint64_t failures_ = 0, errors_ = 0, unknown_ = 0;
    std::string user_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// IMAP (RFC 9051, RFC 3501) in the not authenticated state.
class Imap : public LoginDialog {
public:
    Imap(Server& server, Connection& connection, service::Session& session);

    void greet() override;
    void take(std::string line) override;
    void take_literal(std::string literal) override;
    void refuse_long_line() override;
    void say_timeout() override;
    void say_unavailable(std::string_view why) override;
    bool may_come_back() const override { return true; }
    std::unique_ptr<Dialog> successor() override;
    std::size_t held_bytes() const override { return command_.size(); }
    std::string_view service() const override { return "imap"; }
    std::string_view log_name() const override { return "imap-login"; }

private:
    void say_challenge(const std::string& base64) override;
    void logged_in(const auth::Client::Reply& reply) override;
    void login_failed(const auth::Client::Reply& reply) override;

    void obey(const std::vector<std::string>& words);
    void login(const std::vector<std::string>& words);
    void authenticate(const std::vector<std::string>& words);
    void starttls();
    void bad(std::string_view text, Fault fault = Fault::error);
    void tagged(std::string_view text);
    std::string capabilities() const;

    std::string command_;            // the pieces of a command with literals, until it is complete
    std::string tag_;
};

// Takes a command apart: atoms, quoted strings and literals ("{5}CRLF" and five bytes) as they are meant; parentheses
// and what is in them stay one word. Nothing if the syntax is wrong.
std::optional<std::vector<std::string>> imap_words(std::string_view command);

}  // namespace mta::front
