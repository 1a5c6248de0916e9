// Covers: lib/dns/packet.cc lib/dns/answer.cc
#include "dns/packet.h"

#include "base/text.h"
#include "dns/name.h"
#include "t/fuzz/lib/target.h"

// Replies of any DNS server to a question of ours, and the records of an answer as text and back.
namespace {

using namespace mta;

constexpr dns::Type types[] = {dns::Type::a, dns::Type::ns, dns::Type::cname, dns::Type::soa, dns::Type::ptr,
                               dns::Type::mx, dns::Type::txt, dns::Type::aaaa, dns::Type::srv, dns::Type::tlsa};

// A query as it was sent: always the same, without the ID and the case that chance gives it.
dns::Query query_for(dns::Type type)
{
    dns::Query query;
    query.name = "mail.example";
    query.type = type;
    query.id = 0x1234;
    query.bytes = std::string("\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00\x04mail\x07" "example\x00\x00", 27);
    query.bytes.push_back(static_cast<char>(type));
    query.bytes.append("\x00\x01", 2);
    return query;
}

void check_record(const dns::Record& record)
{
    auto text = record.text();
    HOLDS(printable(text) == text);
    auto again = dns::Record::parse(record.type, record.ttl, text);
    HOLDS(again && again->text() == text);
}

// What comes from the network is not only of the right form.
void check_names(const dns::Record& record)
{
    if (const auto* mx = std::get_if<dns::Mx>(&record.data))
        HOLDS(mx->host.empty() || dns::is_valid_hostname(mx->host));
    if (const auto* name = std::get_if<dns::Name>(&record.data))
        HOLDS(dns::is_valid_name(name->name) && lower(name->name) == name->name);
}

void check_answer(const dns::Answer& answer, dns::Type type)
{
    HOLDS(answer.is_found() == !answer.records.empty());
    HOLDS(answer.records.size() <= dns::usual_max_records && answer.ttl <= 86400);
    for (const auto& record : answer.records) {
        HOLDS(record.type == type);
        check_record(record);
        check_names(record);
    }
    HOLDS(answer.name.empty() || dns::is_valid_name(answer.name));
    auto text = dns::explain("mail.example", type, answer);
    HOLDS(printable(text) == text);
    HOLDS(dns::parse_status(dns::status_name(answer.status)) == answer.status);
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto type = types[in.number(std::size(types))];
    auto rest = in.rest();
    auto query = query_for(type);
    HOLDS(dns::parse_type(dns::type_name(type)) == type && query.question().size() == 18);
    dns::match(query, rest, false);
    // Most of what is not a reply to this query would go no further.
    auto reply = query.bytes;
    reply[2] |= '\x80';
    if (rest.size() >= 8) {
        reply.replace(2, 2, rest.substr(0, 2));
        reply[2] = static_cast<char>((reply[2] & 0x87) | 0x80);
        reply.replace(6, 6, rest.substr(2, 6));
        reply += rest.substr(8);
    }
    HOLDS(dns::match(query, reply, false) == dns::Match::yes && dns::match(query, reply, true) == dns::Match::yes);
    dns::is_truncated(reply);
    HOLDS(!dns::code_name(dns::reply_code(reply)).empty());
    check_answer(dns::read_reply(query, reply, in.flag()), type);
    if (auto record = dns::Record::parse(type, 60, rest))
        check_record(*record);
}
