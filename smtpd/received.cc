#include "smtpd/received.h"

#include <ctime>

#include "base/text.h"
#include "mime/date.h"
#include "net/address.h"

namespace mta::smtpd {

namespace {

// "Tue,  3 Mar 2026 10:15:42 +0100 (CET)"
std::string date_text(std::int64_t time)
{
    auto text = mime::format_date(mime::DateTime::from_unix(time, mime::local_zone(time)));
    constexpr std::size_t day = 5;  // of the month
    if (text.size() > day && text[day] == '0')
        text[day] = ' ';
    std::time_t seconds = time;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return cat(text, " (", local.tm_zone ? local.tm_zone : "UTC", ")");
}

std::string literal(const std::string& address)
{
    auto parsed = net::Address::parse(address);
    return parsed ? parsed->literal() : "[unknown]";
}

// RFC 5322 section 3.2.2: no parentheses and backslashes.
std::string in_comment(std::string_view text)
{
    auto out = printable(text);
    for (char& c : out)
        if (c == '(' || c == ')' || c == '\\')
            c = '?';
    return out;
}

}  // namespace

std::string neuter(std::string_view text)
{
    auto out = printable(text);
    for (char& c : out)
        if (std::string_view("<>()\\\";@ ").find(c) != std::string_view::npos)
            c = '?';
    return out;
}

std::string received_field(const Trace& trace)
{
    const auto& facts = trace.client.facts;
    auto helo = facts.helo.empty() ? facts.client_name : facts.helo;
    auto out = cat("Received: from ", neuter(helo), " (", facts.client_name, " ", literal(facts.client_address), ")\n");
    if (trace.with_tls && facts.has_tls())
        out += cat("\t(using ", facts.tls_protocol, " with cipher ", facts.tls_cipher, " (", facts.tls_bits, "/", facts.tls_algorithm_bits, " bits))\n");
    if (trace.with_user && facts.is_authenticated())
        out += cat("\t(Authenticated sender: ", in_comment(facts.sasl_username), ")\n");
    out += cat("\tby ", trace.by, " (", trace.mail_name, ") with ", trace.client.protocol_with_suffix(), " id ", trace.queue_id);
    out += trace.recipient.empty() ? "; " : cat("\n\tfor <", printable(trace.recipient), ">; ");
    return out += cat(date_text(trace.time), "\n");
}

}  // namespace mta::smtpd
