#pragma once

#include "front/dialog.h"
#include "service/counters.h"

namespace mta::front {

// SMTP (RFC 5321) up to the first mail transaction: EHLO, STARTTLS (RFC 3207), AUTH (RFC 4954), and what is refused.
class Smtp : public Dialog {
public:
    Smtp(Server& server, Connection& connection, service::Session& session);

    void greet() override;
    void take(std::string line) override;
    void refuse_long_line() override;
    void tls_started() override;
    void say_timeout() override;
    void say_unavailable(std::string_view why) override;
    void came_back() override;
    bool may_come_back() const override { return true; }
    void log_end(End end) override;
    std::size_t max_line_bytes(std::string_view begin) const override;
    std::string_view service() const override { return "smtp"; }

private:
    struct Command;
    static const Command* find(std::string_view verb);
    void say_challenge(const std::string& base64) override;
    void logged_in(const auth::Client::Reply& reply) override;
    void login_failed(const auth::Client::Reply& reply) override;

    void hello(std::string_view argument, bool extended);
    void helo(std::string_view argument) { hello(argument, false); }
    void ehlo(std::string_view argument) { hello(argument, true); }
    void starttls(std::string_view argument);
    void auth(std::string_view argument);
    void noop(std::string_view argument);
    void rset(std::string_view argument);
    void quit(std::string_view argument);
    void rcpt(std::string_view argument);
    void data(std::string_view argument);
    void work(std::string_view argument);   // needs a worker
    void absent(std::string_view argument);

    void obey(std::string_view verb, std::string_view argument);
    void reply(std::string_view text);       // good
    void refuse(std::string_view text);      // an error of the client's
    void refuse_unknown();
    void send_away(std::string_view limit, long value, std::string_view text);
    std::string extensions() const;
    std::string announced_limits() const;
    bool is_known_client() const;
    bool offers_starttls() const;
    bool offers_auth() const;
    bool takes_plaintext() const;
    bool is_discarded(std::string_view keyword) const;
    bool is_out_of_step(std::string_view verb);

    service::Counters counters_;
    std::string where_ = "CONNECT";          // the last command, for the log
    std::string line_;                       // the one that is obeyed
    long errors_ = 0, junk_ = 0, unknown_ = 0;
    bool is_refused_ = false;
};

}  // namespace mta::front
