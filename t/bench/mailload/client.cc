#include "t/bench/mailload/client.h"

#include <charconv>

#include "base/text.h"

namespace mta::bench {

namespace {

constexpr std::string_view sender = "sender@local.test";

// A connection that reads SMTP replies; the code of the last line of each goes to replied().
class SmtpClient : public Connection {
public:
    explicit SmtpClient(Run& run) : Connection(run.loop, connect_to(run.options.port)), run_(run) {}

protected:
    virtual bool replied(int code) = 0;   // false: done
    Run& run_;

private:
    bool received(std::string_view bytes) override
    {
        input_ += bytes;
        for (std::size_t end; (end = input_.find('\n')) != std::string::npos; input_.erase(0, end + 1)) {
            if (end > 3 && input_[3] == '-')
                continue;
            int code = 0;
            std::from_chars(input_.data(), input_.data() + end, code);
            if (code >= 400 || code == 0)
                run_.failed(std::string_view(input_).substr(0, end));
            if (!replied(code))
                return false;
        }
        return true;
    }

    std::string input_;
};

class Client : public SmtpClient {
public:
    explicit Client(Run& run) : SmtpClient(run), number_(run.claimed++) {}

private:
    enum class State { greeting, ehlo, mail, rcpt, data, content, quit, idle };

    bool replied(int code) override
    {
        if (state_ == State::greeting)
            run_.stopped_waiting();
        if (code >= 400)
            return give_up();
        switch (state_) {
        case State::greeting: return next(State::ehlo, "EHLO bench.test\r\n");
        case State::ehlo: return run_.options.mode == "idle" ? rest() : next(State::mail, cat("MAIL FROM:<", sender, ">\r\n"));
        case State::mail: return next(State::rcpt, cat("RCPT TO:<", recipient(), ">\r\n"));
        case State::rcpt: return next(State::data, "DATA\r\n");
        case State::data: return next(State::content, message());
        case State::content:
            ++run_.done;
            run_.last_reply = Clock::now();
            return next(State::quit, "QUIT\r\n");
        case State::quit: follow(); return false;
        case State::idle: return true;
        }
        return false;
    }

    // The server closed the connection or was not there.
    void lost() override
    {
        if (state_ == State::quit)
            return follow();
        run_.failed("connection lost");
        if (state_ == State::greeting)
            run_.stopped_waiting();
        if (state_ != State::idle)
            give_up();
    }

    bool next(State state, std::string_view text)
    {
        state_ = state;
        if (send(text))
            return true;
        run_.failed("connection lost");
        return give_up();
    }

    bool rest()
    {
        state_ = State::idle;
        ++run_.done;
        follow();
        return true;
    }

    // Somebody else tries it again.
    bool give_up()
    {
        if (state_ != State::quit)
            --run_.claimed;
        follow();
        return false;
    }

    void follow()
    {
        if (run_.work_is_left())
            run_.start_client();
    }

    std::string recipient() const { return numbered(run_.options.recipient, number_ % run_.options.mailboxes); }

    std::string message() const
    {
        std::string text = cat("From: <", sender, ">\r\nTo: <", recipient(), ">\r\nDate: Sat, 01 Jan 2022 10:00:00 +0000\r\nMessage-ID: <",
                               number_, ".", run_.began.time_since_epoch().count(), "@bench.test>\r\nSubject: benchmark message ", number_, "\r\n\r\n");
        const auto wanted = static_cast<std::size_t>(run_.options.size);
        if (text.size() < wanted)
            text.append(run_.body, 0, wanted - text.size());
        if (text.back() == '\r')
            text.pop_back();
        return text += "\r\n.\r\n";
    }

    const long number_;
    State state_ = State::greeting;
};

class GoodClient : public SmtpClient {
public:
    using SmtpClient::SmtpClient;

private:
    bool replied(int) override
    {
        if (is_greeted_)
            return false;
        is_greeted_ = true;
        run_.greetings.push_back(milliseconds(Clock::now() - began_));
        ++run_.done;
        return send("QUIT\r\n");
    }
    void lost() override
    {
        if (!is_greeted_)
            run_.failed("no greeting");
    }

    const Clock::time_point began_ = Clock::now();
    bool is_greeted_ = false;
};

}  // namespace

Run::Run(const Options& given) : options(given)
{
    for (long line = 0; static_cast<long>(body.size()) < options.size; ++line)
        body += cat("Line ", line, " of a text that says nothing, at about the length of lines in mail.\r\n");
}

void Run::start_client()
{
    if (options.burst > 0 && waiting >= options.burst) {
        ++postponed;
        return;
    }
    ++waiting;
    loop.add(client(*this));
}

void Run::stopped_waiting()
{
    --waiting;
    if (postponed == 0)
        return;
    --postponed;
    if (work_is_left())
        start_client();
}

void Run::failed(std::string_view why)
{
    ++errors;
    if (first_error.empty())
        for (char c : why.substr(0, 120))
            if (c >= ' ' && c != '"' && c != '\\')
                first_error += c;
}

Dawdler::Dawdler(Run& run) : Connection(run.loop, connect_to(run.options.port)), run_(run) { run_.dawdlers.insert(this); }
Dawdler::~Dawdler() { run_.dawdlers.erase(this); }

void Dawdler::dribble()
{
    if (is_greeted_)
        send("E");
}

bool Dawdler::received(std::string_view)
{
    is_greeted_ = true;
    return true;
}

void Dawdler::lost() { run_.failed("a dawdler was thrown out"); }

std::unique_ptr<Source> client(Run& run) { return std::make_unique<Client>(run); }
std::unique_ptr<Source> good_client(Run& run) { return std::make_unique<GoodClient>(run); }

}  // namespace mta::bench
