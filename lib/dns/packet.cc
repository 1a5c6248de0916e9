#include "dns/packet.h"

#include <ldns/ldns.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/fd.h"
#include "base/text.h"
#include "dns/name.h"

namespace mta::dns {

namespace {

using Packet = std::unique_ptr<ldns_pkt, Release<ldns_pkt_free>>;

constexpr std::size_t header_bytes = 12;
constexpr std::uint16_t edns_udp_bytes = 1232;
constexpr std::uint32_t max_ttl = 86400;
constexpr std::uint32_t max_negative_ttl = 10800;  // RFC 2308 section 5
constexpr std::uint32_t default_negative_ttl = 60;  // without a SOA record

unsigned char byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }
std::uint16_t word_at(std::string_view bytes, std::size_t at)
{
    return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

std::string_view bytes_of(const ldns_rdf* data)
{
    return {reinterpret_cast<const char*>(ldns_rdf_data(data)), ldns_rdf_size(data)};
}

// The name in lower case, "" for the root; nothing if a label has a character that no name of ours may have. The
// labels are taken from the packet's form, where a dot inside of a label cannot be mistaken for a separator.
std::optional<std::string> name_of(const ldns_rdf* data)
{
    if (!data || ldns_rdf_get_type(data) != LDNS_RDF_TYPE_DNAME)
        return std::nullopt;
    auto wire = bytes_of(data);
    std::string name;
    for (std::size_t at = 0; at < wire.size() && wire[at] != 0;) {
        auto label = wire.substr(at + 1, byte_at(wire, at));
        if (label.find('.') != std::string_view::npos)
            return std::nullopt;
        append(name, name.empty() ? "" : ".");
        name += lower(label);
        at += 1 + label.size();
    }
    if (!name.empty() && !is_valid_name(name))
        return std::nullopt;
    return name;
}

std::optional<std::string> host_of(const ldns_rdf* data, bool may_be_root)
{
    auto name = name_of(data);
    if (name && (name->empty() ? may_be_root : is_valid_hostname(*name)))
        return name;
    return std::nullopt;
}

std::optional<decltype(Record::data)> address_of(const ldns_rdf* data, int family)
{
    auto bytes = bytes_of(data);
    sockaddr_storage storage{};
    storage.ss_family = static_cast<sa_family_t>(family);
    void* place = family == AF_INET ? static_cast<void*>(&reinterpret_cast<sockaddr_in&>(storage).sin_addr)
                                    : static_cast<void*>(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr);
    if (bytes.size() != (family == AF_INET ? 4 : 16))
        return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), static_cast<char*>(place));
    return net::Address::from(reinterpret_cast<sockaddr*>(&storage));
}

std::optional<decltype(Record::data)> text_of(const ldns_rr* record)
{
    Text text;
    for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
        auto string = bytes_of(ldns_rr_rdf(record, i));
        if (!string.empty())
            text.text += string.substr(1);
    }
    return text;
}

std::size_t fields_of(Type type)
{
    switch (type) {
    case Type::mx: return 2;
    case Type::srv: case Type::tlsa: return 4;
    case Type::soa: return 7;
    default: return 1;
    }
}

// The values of a record; nothing if its names or lengths are not what they must be.
std::optional<decltype(Record::data)> data_of(Type type, const ldns_rr* record)
{
    if (ldns_rr_rd_count(record) < fields_of(type))
        return std::nullopt;
    auto field = [&](std::size_t i) { return ldns_rr_rdf(record, i); };
    auto word = [&](std::size_t i) { return ldns_rdf2native_int16(field(i)); };
    auto byte = [&](std::size_t i) { return ldns_rdf2native_int8(field(i)); };
    switch (type) {
    case Type::a:
        return address_of(field(0), AF_INET);
    case Type::aaaa:
        return address_of(field(0), AF_INET6);
    case Type::cname:
        if (auto name = name_of(field(0)); name && !name->empty())
            return Name{*name};
        return std::nullopt;
    case Type::ns:
    case Type::ptr:
        if (auto name = host_of(field(0), false))
            return Name{*name};
        return std::nullopt;
    case Type::mx:
        if (auto host = host_of(field(1), true))
            return Mx{word(0), *host};
        return std::nullopt;
    case Type::txt:
        return text_of(record);
    case Type::srv:
        if (auto host = host_of(field(3), true))
            return Srv{word(0), word(1), word(2), *host};
        return std::nullopt;
    case Type::tlsa:
        return Tlsa{byte(0), byte(1), byte(2), std::string(bytes_of(field(3)))};
    case Type::soa:
        return Soa{name_of(field(0)).value_or(""), name_of(field(1)).value_or(""), ldns_rdf2native_int32(field(2)),
                   ldns_rdf2native_int32(field(6))};
    }
    return std::nullopt;
}

// Follows the aliases of the answer section from the name that was asked for.
class Chain {
public:
    Chain(const ldns_rr_list* records, std::string_view name, Type type) : records_(records), name_(lower(name)), type_(type) {}

    // An Error is permanent if the zone is wrong: our limit bounces no mail.
    Result<void> follow()
    {
        if (type_ == Type::cname)
            return {};
        std::vector<std::string> former;
        while (auto target = alias()) {
            if (target->empty())
                return Error{"alias with a malformed name", "5.4.4"};
            former.push_back(std::exchange(name_, *target));
            if (std::find(former.begin(), former.end(), name_) != former.end())
                return Error{"aliases in a circle", "5.4.4"};
            if (former.size() > max_alias_steps)
                return failure("too many aliases");
        }
        return {};
    }

    const std::string& name() const { return name_; }
    std::uint32_t ttl() const { return ttl_; }

    // Calls use(record) for the records of a type at the end of the chain.
    template <class Use>
    void each(Type type, Use use) const
    {
        for (std::size_t i = 0; i < ldns_rr_list_rr_count(records_); ++i) {
            const auto* record = ldns_rr_list_rr(records_, i);
            if (ldns_rr_get_class(record) == LDNS_RR_CLASS_IN &&
                static_cast<unsigned>(ldns_rr_get_type(record)) == static_cast<unsigned>(type) &&
                name_of(ldns_rr_owner(record)) == name_)
                use(record);
        }
    }

private:
    // Where the name's CNAME record leads: nothing without one, "" if it leads to nonsense.
    std::optional<std::string> alias()
    {
        std::optional<std::string> target;
        each(Type::cname, [&](const ldns_rr* record) {
            ttl_ = std::min(ttl_, ldns_rr_ttl(record));
            auto data = data_of(Type::cname, record);
            target = data ? std::get<Name>(*data).name : "";
        });
        return target;
    }

    const ldns_rr_list* records_;
    std::string name_;
    Type type_;
    std::uint32_t ttl_ = max_ttl;
};

// RFC 2308 section 5: "no" holds for the smaller one of the SOA's own TTL and its last field.
std::uint32_t negative_ttl(const ldns_pkt* packet)
{
    const auto* records = ldns_pkt_authority(packet);
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
        const auto* record = ldns_rr_list_rr(records, i);
        if (ldns_rr_get_type(record) != LDNS_RR_TYPE_SOA)
            continue;
        if (auto soa = data_of(Type::soa, record))
            return std::min({ldns_rr_ttl(record), std::get<Soa>(*soa).minimum, max_negative_ttl});
    }
    return default_negative_ttl;
}

Answer failed(std::string reason)
{
    Answer answer;
    answer.reason = std::move(reason);
    return answer;
}

Answer malformed(std::string reason)
{
    Answer answer;
    answer.status = Status::malformed;
    answer.reason = std::move(reason);
    answer.ttl = default_negative_ttl;
    return answer;
}

void collect(const Chain& chain, Type type, Answer& answer, std::size_t& refused)
{
    chain.each(type, [&](const ldns_rr* record) {
        auto data = data_of(type, record);
        if (!data)
            return void(++refused);
        auto ttl = ldns_rr_ttl(record);
        answer.ttl = std::min(answer.ttl, ttl);
        answer.records.push_back({type, ttl, std::move(*data)});
    });
}

// Keeps as many records as are wanted; of mail hosts the best, which come first in any case.
void cut(Answer& answer, std::size_t max_records)
{
    auto preference = [](const Record& record) { return std::holds_alternative<Mx>(record.data) ? std::get<Mx>(record.data).preference : 0; };
    std::stable_sort(answer.records.begin(), answer.records.end(), [&](const auto& a, const auto& b) { return preference(a) < preference(b); });
    answer.records.resize(std::min(answer.records.size(), max_records));
}

// Of a server that neither has the zone nor asks others: it knows only who might know.
bool is_referral(const ldns_pkt* packet) { return !ldns_pkt_aa(packet) && !ldns_pkt_ra(packet); }

}  // namespace

std::string_view Query::question() const
{
    // Behind the header: the name, type and class. The name is as long as its text, one length byte in front and the end.
    return std::string_view(bytes).substr(header_bytes, name.size() + 2 + 4);
}

Result<Query> make_query(std::string_view name, Type type, bool with_edns)
{
    if (!is_valid_name(name))
        return Error{cat("malformed domain name: ", printable(name)), "5.1.2"};
    Query query;
    query.name = random_case(name);
    query.type = type;
    auto id = random_bytes(2);
    query.id = word_at(id, 0);
    Packet packet(ldns_pkt_query_new(ldns_dname_new_frm_str(query.name.c_str()), static_cast<ldns_rr_type>(type),
                                     LDNS_RR_CLASS_IN, LDNS_RD | LDNS_AD));
    if (!packet)
        return failure("cannot make a DNS query");
    ldns_pkt_set_id(packet.get(), query.id);
    if (with_edns)
        ldns_pkt_set_edns_udp_size(packet.get(), edns_udp_bytes);
    std::uint8_t* wire = nullptr;
    std::size_t size = 0;
    auto status = ldns_pkt2wire(&wire, packet.get(), &size);
    std::unique_ptr<std::uint8_t, Release<std::free>> owner(wire);
    if (status != LDNS_STATUS_OK)
        return failure(cat("cannot make a DNS query: ", ldns_get_errorstr_by_id(status)));
    query.bytes.assign(reinterpret_cast<const char*>(wire), size);
    return query;
}

std::string code_name(int code)
{
    static constexpr std::string_view names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
    return code < 6 ? std::string(names[code]) : cat("error code ", code);
}

int reply_code(std::string_view reply) { return byte_at(reply, 3) & 15; }
bool is_truncated(std::string_view reply) { return (byte_at(reply, 2) & 2) != 0; }

Match match(const Query& query, std::string_view reply, bool over_tcp)
{
    constexpr unsigned is_reply = 0x80, opcode = 0x78;
    if (reply.size() < header_bytes || reply.size() > max_packet_bytes || word_at(reply, 0) != query.id ||
        (byte_at(reply, 2) & (is_reply | opcode)) != is_reply)
        return Match::no;
    auto code = static_cast<Code>(reply_code(reply));
    if (word_at(reply, 4) == 0)
        return code == Code::format_error || code == Code::not_implemented ? Match::bare : Match::no;
    auto question = reply.substr(header_bytes, query.question().size());
    bool same = over_tcp ? iequals(question, query.question()) : question == query.question();
    return word_at(reply, 4) == 1 && same ? Match::yes : Match::no;
}

Answer read_reply(const Query& query, std::string_view reply, bool may_trust_ad, std::size_t max_records)
{
    auto code = reply_code(reply);
    if (code != 0 && code != static_cast<int>(Code::name_error))
        return failed(code_name(code));
    // Before ldns reads them: names can be chains of pointers, each through all names before it. A limit of ours bounces no mail.
    if (word_at(reply, 6) > max_read_records || std::size_t{word_at(reply, 8)} + word_at(reply, 10) > max_other_records)
        return failed("reply with too many records");
    ldns_pkt* parsed = nullptr;
    auto status = ldns_wire2pkt(&parsed, reinterpret_cast<const std::uint8_t*>(reply.data()), reply.size());
    Packet packet(parsed);
    if (status != LDNS_STATUS_OK)  // damaged on the way, not in the zone: ask another server
        return failed(cat("malformed reply: ", ldns_get_errorstr_by_id(status)));
    Chain chain(ldns_pkt_answer(parsed), query.name, query.type);
    if (auto followed = chain.follow(); !followed)
        return followed.error().is_permanent() ? malformed(followed.error().text) : failed(followed.error().text);
    Answer answer;
    answer.name = chain.name();
    answer.ttl = chain.ttl();
    answer.secure = may_trust_ad && ldns_pkt_ad(parsed);
    std::size_t refused = 0;
    if (code == 0)
        collect(chain, query.type, answer, refused);
    if (answer.records.empty() && refused > 0)
        return malformed("reply with malformed names or data only");
    if (!answer.records.empty()) {
        answer.status = Status::found;
        cut(answer, max_records);
        return answer;
    }
    if (code == 0 && is_referral(parsed))
        return failed("the server is not responsible");
    answer.status = code == 0 ? Status::nodata : Status::nxdomain;
    answer.ttl = std::min(answer.ttl, negative_ttl(parsed));
    return answer;
}

}  // namespace mta::dns
