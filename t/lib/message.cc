#include "t/lib/message.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"

namespace mta::test {

std::string unique()
{
    static int number = 0;
    return cat("t", std::chrono::system_clock::now().time_since_epoch().count(), "x", ::getpid(), "x", ++number);
}

std::string message(std::string_view subject, std::string_view body)
{
    return cat("From: Sender <user1@example.test>\r\nTo: somebody@example.test\r\nSubject: ", subject,
               "\r\nDate: Tue, 03 Mar 2026 10:15:42 +0000\r\nMessage-ID: <", unique(), "@client.test>\r\n\r\n", body);
}

std::string nasty_body()
{
    return cat(".\r\n..\r\n.a line with a dot\r\nFrom here it looks like an mbox\r\n>From there\r\n", "M\xc3\xbcller, \xff\xfe and \x80\r\n",
               std::string(998, 'x'), "\r\ntrailing space \t \r\n\r\n\r\n", ". ", std::string(990, '.'), "\r\n\r\n.\r\nlast line\r\n");
}

std::string large_body(std::size_t bytes)
{
    std::string body;
    for (unsigned i = 0; body.size() < bytes; ++i)
        body += cat(i % 7 ? "" : ".", i, " ", std::string(i * 37 % 900, static_cast<char>('a' + i % 26)), "\r\n");
    return body;
}

std::string with_crlf(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out += '\r';
        out += text[i];
    }
    return out;
}

std::string without_trace(std::string_view message)
{
    auto text = with_crlf(message);
    std::string_view rest = text;
    for (bool is_trace = true; !rest.empty();) {
        if (!is_space(rest.front())) {
            is_trace = false;
            for (auto name : {"Return-Path:", "Delivered-To:", "X-Original-To:", "Received:"})
                is_trace = is_trace || istarts_with(rest, name);
        }
        if (!is_trace)
            break;
        rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));
    }
    return std::string(rest);
}

std::string body_of(std::string_view message)
{
    auto text = with_crlf(message);
    auto end = text.find("\r\n\r\n");
    return end == std::string::npos ? "" : text.substr(end + 4);
}

std::string difference(std::string_view sent, std::string_view received)
{
    if (sent == received)
        return "";
    auto place = static_cast<std::size_t>(std::mismatch(sent.begin(), sent.end(), received.begin(), received.end()).first - sent.begin());
    auto from = place < 30 ? 0 : place - 30;
    return cat("sizes ", sent.size(), " and ", received.size(), ", different at ", place, ": sent ", printable(sent.substr(from, 80)), " | received ",
               printable(received.substr(std::min(from, received.size()), 80)));
}

}  // namespace mta::test
