#include "t/bench/mailload/delivery.h"

#include <sys/inotify.h>

#include <array>
#include <stdexcept>

#include "base/text.h"

namespace mta::bench {

namespace {

class MaildirWatch : public Source {
public:
    MaildirWatch(const Options& options, Arrivals& arrivals) : Source(Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))), arrivals_(arrivals)
    {
        for (long i = 0; i < options.mailboxes; ++i)
            if (::inotify_add_watch(fd(), numbered(options.watch, i).c_str(), IN_MOVED_TO | IN_CREATE) < 0)
                throw_errno(cat("watch ", numbered(options.watch, i)));
    }

    bool ready(std::uint32_t) override
    {
        alignas(inotify_event) std::array<char, 65536> buffer;
        const ssize_t count = ::read(fd(), buffer.data(), buffer.size());
        for (ssize_t at = 0; at < count;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            if ((event->mask & IN_Q_OVERFLOW) != 0)
                throw std::runtime_error("the kernel lost track of the maildirs");
            arrivals_.add(1);
            at += static_cast<ssize_t>(sizeof *event + event->len);
        }
        return true;
    }

private:
    Arrivals& arrivals_;
};

constexpr std::string_view end_of_data = "\r\n.\r\n";

class SinkSession : public Connection {
public:
    SinkSession(Loop& loop, Fd fd, Arrivals& arrivals) : Connection(loop, std::move(fd)), arrivals_(arrivals) { send("220 sink ESMTP\r\n"); }

private:
    bool received(std::string_view bytes) override
    {
        input_ += bytes;
        replies_.clear();
        while (in_data_ ? content() : command()) {
        }
        return send(replies_) && !quit_;
    }

    // Each takes one thing off the input; false: there is no whole one yet.
    bool content()
    {
        const auto end = input_.find(end_of_data);
        if (end == std::string::npos) {
            if (input_.size() > end_of_data.size())
                input_.erase(0, input_.size() - end_of_data.size() + 1);
            return false;
        }
        input_.erase(0, end + end_of_data.size());
        in_data_ = false;
        replies_ += "250 ok\r\n";
        arrivals_.add(recipients_);
        return true;
    }

    bool command()
    {
        const auto end = input_.find('\n');
        if (end == std::string::npos)
            return false;
        const std::string verb = input_.substr(0, 4);
        input_.erase(0, end + 1);
        if (verb == "EHLO")
            replies_ += "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n";
        else
            replies_ += verb == "DATA" ? "354 go\r\n" : verb == "QUIT" ? "221 bye\r\n" : "250 ok\r\n";
        if (verb == "MAIL" || verb == "RSET")
            recipients_ = 0;
        recipients_ += verb == "RCPT";
        in_data_ = verb == "DATA";
        if (in_data_)
            input_.insert(0, "\r\n");   // so that an empty message ends as others do
        quit_ = quit_ || verb == "QUIT";
        return !quit_;
    }

    Arrivals& arrivals_;
    std::string input_, replies_;
    long recipients_ = 0;
    bool in_data_ = false, quit_ = false;
};

class Sink : public Source {
public:
    Sink(Loop& loop, int port, Arrivals& arrivals) : Source(listen_at(port)), loop_(loop), arrivals_(arrivals) {}

    bool ready(std::uint32_t) override
    {
        while (Fd client = accept_from(fd()))
            loop_.add(std::make_unique<SinkSession>(loop_, std::move(client), arrivals_));
        return true;
    }

private:
    Loop& loop_;
    Arrivals& arrivals_;
};

}  // namespace

std::unique_ptr<Source> maildir_watch(const Options& options, Arrivals& arrivals)
{
    return std::make_unique<MaildirWatch>(options, arrivals);
}

std::unique_ptr<Source> sink(Loop& loop, int port, Arrivals& arrivals)
{
    return std::make_unique<Sink>(loop, port, arrivals);
}

}  // namespace mta::bench
