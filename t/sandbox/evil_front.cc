#include "front/connection.h"
#include "front/dialog.h"
#include "t/sandbox/evil.h"

// front whose conversations an attacker has written, for all protocols: everything else of it is the real one.
namespace mta::front {

namespace {

class Attacker : public Dialog {
public:
    using Dialog::Dialog;
    void greet() override { connection_.reply("220 taken over\r\n"); }
    void take(std::string line) override { connection_.reply(evil::answer(line) + "\r\n"); }
    void refuse_long_line() override {}
    void say_timeout() override {}
    void say_unavailable(std::string_view) override {}
    void log_end(End) override {}
    std::size_t max_line_bytes(std::string_view) const override { return 4096; }
    std::string_view service() const override { return "smtp"; }
    void say_challenge(const std::string&) override {}
    void logged_in(const auth::Client::Reply&) override {}
    void login_failed(const auth::Client::Reply&) override {}
};

}  // namespace

Dialog::~Dialog() = default;
std::chrono::milliseconds Dialog::patience() const { return std::chrono::minutes(1); }
void Dialog::begin_login(const std::string&, std::optional<std::string>) {}
void Dialog::replied(const auth::Client::Reply&) {}
void Dialog::answer_challenge(const std::string&) {}
void Dialog::cancel_login() {}
void Dialog::timed_out() {}
std::string Dialog::mechanisms(std::string_view, bool) const { return {}; }

std::unique_ptr<Dialog> make_dialog(std::string_view, Server& server, Connection& connection, service::Session& session)
{
    return std::make_unique<Attacker>(server, connection, session);
}

}  // namespace mta::front
