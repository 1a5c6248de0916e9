#include "sendmail/session.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "mail/status.h"
#include "smtp/data_reader.h"
#include "smtp/server_reply.h"

namespace mta::sendmail {

using namespace std::chrono_literals;

namespace {

constexpr net::Seconds command_limit = 300s;
constexpr std::size_t max_line_bytes = 2048;
constexpr std::size_t max_recipients = 1000;

}  // namespace

void Session::run()
{
    try {
        reply(cat("220 ", settings_.hostname, " ESMTP ", settings_.mail_name));
        while (!done_) {
            auto command = smtp::parse_command(client_.line(command_limit, max_line_bytes));
            command ? obey(*command) : reply(command.error().text);
            if (!client_.has_buffered())
                client_.flush(command_limit);
        }
    } catch (const net::Lost& lost) {
        if (lost.kind == net::Lost::Kind::too_long) {
            reply("500 5.5.2 Line too long");
            client_.flush(command_limit);
        }
    }
}

void Session::obey(const smtp::Command& command)
{
    const auto& verb = command.verb;
    if (verb == "HELO" || verb == "EHLO")
        return hello(command);
    if (verb == "MAIL")
        return mail(command.argument);
    if (verb == "RCPT")
        return rcpt(command.argument);
    if (verb == "DATA")
        return data(command.argument);
    if (verb == "RSET") {
        transaction_.reset();
        return reply("250 2.0.0 Ok");
    }
    if (verb == "NOOP")
        return reply("250 2.0.0 Ok");
    if (verb == "VRFY")
        return reply("252 2.0.0 Cannot VRFY, but will take the mail");
    if (verb != "QUIT")
        return reply("502 5.5.2 Error: command not recognized");
    reply("221 2.0.0 Bye");
    done_ = true;
}

void Session::hello(const smtp::Command& command)
{
    auto helo = smtp::parse_helo(command.argument);
    if (!helo)
        return reply(helo.error().text);
    transaction_.reset();
    if (command.verb == "HELO")
        return client_.write(smtp::format_lines(250, {settings_.hostname}));
    client_.write(smtp::format_lines(250, {settings_.hostname, "PIPELINING", cat("SIZE ", settings_.max_size), "ENHANCEDSTATUSCODES", "8BITMIME", "DSN"}));
}

// RFC 5321 section 3.3: MAIL opens a transaction and names its reverse-path.
void Session::mail(const std::string& argument)
{
    if (transaction_)
        return reply("503 5.5.1 Error: nested MAIL command");
    smtp::Rules rules;
    rules.max_size = static_cast<std::uint64_t>(settings_.max_size);
    auto from = smtp::parse_mail_from(argument, rules);
    if (!from)
        return reply(from.error().text);
    transaction_.emplace();
    auto& mail = transaction_->mail;
    mail.reverse_path = from->reverse_path.internal();
    mail.body = from->body;
    mail.ret = mail::text_of(from->ret);
    mail.envid = from->envid;
    reply("250 2.1.0 Ok");
}

void Session::rcpt(const std::string& argument)
{
    if (!transaction_)
        return reply("503 5.5.1 Error: need MAIL command");
    auto to = smtp::parse_rcpt_to(argument);
    if (!to)
        return reply(to.error().text);
    if (transaction_->recipients.size() >= max_recipients)
        return reply("452 4.5.3 Error: too many recipients");
    transaction_->recipients.push_back({to->forward_path.internal(), "", to->orcpt, to->notify});
    reply("250 2.1.5 Ok");
}

void Session::data(const std::string& argument)
{
    if (!argument.empty())
        return reply("501 5.5.4 Syntax: DATA");
    if (!transaction_)
        return reply("503 5.5.1 Error: need RCPT command");
    if (transaction_->recipients.empty())
        return reply("554 5.5.1 Error: no valid recipients");
    reply("354 End data with <CR><LF>.<CR><LF>");
    client_.flush(command_limit);
    Spool spool;
    auto received = receive(spool);
    auto queue_id = received ? submitter_.submit(transaction_->mail, transaction_->recipients, spool) : Result<std::string>(received.error());
    transaction_.reset();
    if (queue_id)
        return reply(cat("250 2.0.0 Ok: queued as ", *queue_id));
    reply(mail::reply_line(queue_id.error()));
}

Result<void> Session::receive(Spool& spool)
{
    smtp::DataReader reader;
    Result<void> result;
    while (!reader.is_finished()) {
        auto bytes = client_.peek(command_limit);
        if (bytes.empty())
            throw net::Lost(net::Lost::Kind::closed, "end of input within DATA");
        std::string out;
        client_.consume(reader.read(bytes, out));
        if (!result)
            continue;
        result = spool.write(out);
        if (result && settings_.max_size > 0 && spool.size() > settings_.max_size)
            result = Error{"Error: message file too big", "5.3.4"};
    }
    // The other side of smuggling: what others may take for an end is not passed on.
    if (result && reader.has_false_end())
        result = Error{"Error: bare line end around a dot", "5.5.2"};
    return result;
}

void Session::reply(std::string_view text) { client_.write(smtp::format_reply(text)); }

std::size_t TwoFds::read(char* into, std::size_t size, Deadline deadline)
{
    while (true) {
        if (!net::wait_ready(in_, POLLIN, deadline))
            throw net::Lost(net::Lost::Kind::timeout, "timeout");
        auto count = ::read(in_, into, size);
        if (count >= 0)
            return static_cast<std::size_t>(count);
        if (errno != EINTR && errno != EAGAIN)
            throw net::Lost(net::Lost::Kind::error, errno_error("read").text);
    }
}

void TwoFds::write(std::string_view bytes, Deadline deadline)
{
    while (!bytes.empty()) {
        if (!net::wait_ready(out_, POLLOUT, deadline))
            throw net::Lost(net::Lost::Kind::timeout, "timeout");
        auto count = ::write(out_, bytes.data(), bytes.size());
        if (count >= 0)
            bytes.remove_prefix(static_cast<std::size_t>(count));
        else if (errno != EINTR && errno != EAGAIN)
            throw net::Lost(net::Lost::Kind::error, errno_error("write").text);
    }
}

}  // namespace mta::sendmail
