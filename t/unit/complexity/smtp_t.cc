#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <thread>

#include "base/file.h"
#include "base/text.h"
#include "cleanup/header.h"
#include "cleanup/aliases.h"
#include "growth.h"
#include "mail/address.h"
#include "net/stream.h"
#include "smtp/command.h"
#include "smtp/content.h"
#include "smtp/data_reader.h"
#include "smtp/reply.h"
#include "smtp/server_reply.h"
#include "smtpd/hop_counter.h"
#include "t/unit/smtpd/talk.h"

// Nasty SMTP: commands, messages, replies.
namespace mta {

using test::check_growth;
using test::repeat;

namespace {

// In pieces as they come from a network.
std::size_t read_data(const std::string& bytes)
{
    constexpr std::size_t piece = 1460;
    smtp::DataReader reader;
    std::string out;
    for (std::size_t at = 0; at < bytes.size() && !reader.is_finished(); at += piece)
        reader.read(std::string_view(bytes).substr(at, piece), out);
    return out.size();
}

// The replies of a session to all this.
std::size_t converse(const std::string& commands, std::string_view settings = "")
{
    smtpd_test::Talk talk(settings);
    std::thread client([&] { talk.send(commands + "QUIT\r\n"); });
    std::size_t replies = 0;
    while (talk.reply() != "<end>")
        ++replies;
    client.join();
    return replies;
}

std::size_t read_lines(const std::string& bytes)
{
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    std::thread writer([&, end = Fd(ends[1])] { (void)!write_all(end.get(), bytes); });
    net::Stream stream{Fd(ends[0])};
    std::size_t count = 0;
    try {
        for (;; ++count)
            stream.raw_line(std::chrono::seconds(60));
    } catch (const net::Lost&) {
        writer.join();
    }
    return count;
}

std::string transaction(std::size_t n)
{
    std::string text = "MAIL FROM:<a@b.example>\r\n";
    for (std::size_t i = 0; i < n; ++i)
        text += cat("RCPT TO:<user+", i, "@here.example>\r\n");
    return text;
}

service::Mail local_mail()
{
    service::Mail mail;
    mail.queue_id = "4XYZbbcdfgzBbCdF";
    mail.origin = "local";
    mail.reverse_path = "a@b.example";
    mail.extract_recipients = true;
    mail.arrival = 1;
    return mail;
}

}  // namespace

TEST_CASE("a message is read in time in proportion to its size, whatever its line ends", "[complexity]")
{
    check_growth("dots at line starts", 3000, [](std::size_t n) { return repeat(".\r\n", 1) + repeat("..x\r\n", n); }, read_data);
    check_growth("dots, CRs and LFs", 5000, [](std::size_t n) { return repeat("\r.\n.\n\r", n); }, read_data);
    check_growth("CRs", 20000, [](std::size_t n) { return std::string(n, '\r'); }, read_data);
    check_growth("LFs", 20000, [](std::size_t n) { return std::string(n, '\n'); }, read_data);
    check_growth("text, then bare LFs", 10000, [](std::size_t n) { return std::string(n, 'x') + std::string(n, '\n') + "\r\n"; }, read_data);
    check_growth("one line", 100000, [](std::size_t n) { return std::string(n, 'x') + "\r\n.\r\n"; }, read_data);
    check_growth("counting hops", 2000, [](std::size_t n) { return repeat("Received: x\nReceive: y\n", n); }, [](const std::string& text) {
        smtpd::HopCounter hops;
        for (std::size_t at = 0; at < text.size(); at += 7)
            hops.read(std::string_view(text).substr(at, 7));
        return hops.hops();
    });
    check_growth("sending long lines", 10000, [](std::size_t n) { return std::string(n, 'x') + "\n" + repeat(".\n", n); }, [](const std::string& text) {
        smtpc::Encoder encoder(998);
        std::string out;
        encoder.add(text, out);
        encoder.finish(out);
        return out.size();
    });
}

TEST_CASE("lines are read in time in proportion to their number and length", "[complexity]")
{
    check_growth("short lines", 20000, [](std::size_t n) { return repeat("\n", n); }, read_lines);
    check_growth("lines without end", 100000, [](std::size_t n) { return std::string(n, 'x'); }, read_lines);
}

TEST_CASE("commands are read in time in proportion to their length", "[complexity]")
{
    auto parse = [](const std::string& line) {
        auto command = smtp::parse_command(line);
        if (command) {
            (void)smtp::parse_mail_from(command->argument);
            (void)smtp::parse_rcpt_to(command->argument);
            (void)smtp::parse_helo(command->argument);
        }
    };
    check_growth("a long local part", 5000, [](std::size_t n) { return "MAIL FROM:<" + std::string(n, 'a') + "@b>"; }, parse);
    check_growth("quotes and backslashes", 3000, [](std::size_t n) { return "MAIL FROM:<" + repeat("\"\\\"\"", n) + "@b>"; }, parse);
    check_growth("source routes", 2000, [](std::size_t n) { return "RCPT TO:<" + repeat("@a.example,", n) + "@b:c@d>"; }, parse);
    check_growth("options", 2000, [](std::size_t n) { return "MAIL FROM:<a@b>" + repeat(" SIZE=1", n); }, parse);
    check_growth("one long option", 5000, [](std::size_t n) { return "RCPT TO:<a@b> ORCPT=rfc822;" + repeat("+41", n); }, parse);
    check_growth("addresses of aliases", 5000, [](std::size_t n) { return repeat("\\", n); }, [](const std::string& text) {
        return mail::quote_local_part(text).size() + mail::path_length(text) + mail::from_internal(text).external().size();
    });
}

TEST_CASE("replies are read in time in proportion to their length", "[complexity]")
{
    check_growth("lines of a reply", 1000, [](std::size_t n) { return repeat("250-STARTTLS AUTH=X Y Z\r\n", n); }, [](const std::string& text) {
        smtp::ReplyParser parser;
        for (auto line : split(text, '\n'))
            if (auto reply = parser.add(line); !reply)
                return false;
        return true;
    });
    check_growth("a long reply", 5000, [](std::size_t n) { return "250 2.0.0 " + repeat("\xc3\xa4\x01", n); }, [](const std::string& text) {
        smtp::ReplyParser parser;
        auto reply = parser.add(text);
        return smtp::format_reply(text).size() + (*reply)->text().size() + smtp::parse_extensions(**reply).size();
    });
    check_growth("lines of our own reply", 2000, [](std::size_t n) { return "250 2.0.0" + repeat(" x\n", n); },
                 [](const std::string& text) { return smtp::format_reply(text); });
}

TEST_CASE("a session takes time in proportion to its commands", "[complexity]")
{
    check_growth("pipelined recipients", 90, transaction, [](const std::string& text) { return converse(text, "smtpd_recipient_limit = 100000"); });
    check_growth("recipients beyond the limit", 90, transaction, [](const std::string& text) { return converse(text, "smtpd_recipient_limit = 1"); });
    constexpr auto patient = "smtpd_hard_error_limit = 1000000\nsmtpd_soft_error_limit = 1000000";
    check_growth("junk commands", 300, [](std::size_t n) { return repeat("RSET\r\nX\r\n", n); }, [](const std::string& text) { return converse(text, patient); });
    check_growth("empty commands", 500, [](std::size_t n) { return repeat("\r\n", n); }, [](const std::string& text) { return converse(text, patient); });
    check_growth("long lines", 30, [](std::size_t n) { return repeat(std::string(10000, 'x') + "\r\n", n); },
                 [](const std::string& text) { return converse(text, patient); });
}

TEST_CASE("the header of a new mail is edited in time in proportion to its size", "[complexity]")
{
    config::Config config;
    const cleanup::Params params(config);
    auto edit = [&](const std::string& block) { return cleanup::edit_header(block, local_mail(), params) ? 1 : 0; };
    check_growth("fields of a new mail", 98, [](std::size_t n) { return repeat("Bcc: a@b\nReceived: x\n", n / 2) + "\n"; }, edit);
    check_growth("recipients in the header", 100, [](std::size_t n) { return "To: " + repeat("\"a\" <a@b>,\n ", n) + "c@d\n\n"; }, edit);
    check_growth("a header beyond its limits", 5000, [](std::size_t n) { return repeat("Subject: x\n y\n", n); }, edit);
}

}  // namespace mta
