#include "dns/packet.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "base/text.h"
#include "t/unit/dns/fake.h"

using namespace mta;
using namespace mta::dns;

namespace {

Answer ask(std::string_view name, Type type, const test::Reply& reply, bool may_trust_ad = false, std::size_t max_records = usual_max_records)
{
    auto query = make_query(name, type, true);
    REQUIRE(query);
    auto bytes = reply.to(query->bytes);
    REQUIRE(match(*query, bytes, false) == Match::yes);
    return read_reply(*query, bytes, may_trust_ad, max_records);
}

}  // namespace

TEST_CASE("a query has RD and AD, EDNS0 with 1232 bytes, no DO, and the name in some case", "[dns]")
{
    auto query = make_query("mail.Example.com", Type::mx, true);
    REQUIRE(query);
    auto packet = test::parse(query->bytes);
    REQUIRE(packet);
    CHECK(ldns_pkt_id(packet.get()) == query->id);
    CHECK(ldns_pkt_rd(packet.get()));
    CHECK(ldns_pkt_ad(packet.get()));
    CHECK_FALSE(ldns_pkt_edns_do(packet.get()));
    CHECK(ldns_pkt_edns_udp_size(packet.get()) == 1232);
    CHECK(ldns_pkt_qdcount(packet.get()) == 1);
    CHECK(iequals(query->name, "mail.example.com"));
    CHECK(query->question() == std::string_view(query->bytes).substr(12, 22));
    CHECK_FALSE(ldns_pkt_edns(test::parse(make_query("a.example", Type::a, false)->bytes).get()));
}

TEST_CASE("ID and case differ from query to query", "[dns]")
{
    std::vector<std::uint16_t> ids;
    std::vector<std::string> names;
    for (int i = 0; i < 20; ++i) {
        auto query = make_query("some.long.example.com", Type::a, true);
        ids.push_back(query->id);
        names.push_back(query->name);
    }
    std::sort(ids.begin(), ids.end());
    std::sort(names.begin(), names.end());
    CHECK(std::unique(ids.begin(), ids.end()) - ids.begin() > 15);
    CHECK(std::unique(names.begin(), names.end()) - names.begin() > 15);
}

TEST_CASE("no query is made for a malformed name", "[dns]")
{
    for (std::string name : {"", ".", "a..b", ".a", "a b", "a\nb", "x\xc3\xa9.example", "a.b.", "\"a\""})
        CHECK_FALSE(make_query(name, Type::a, true));
    CHECK_FALSE(make_query(std::string(64, 'a') + ".example", Type::a, true));
    CHECK_FALSE(make_query(std::string(300, 'a'), Type::a, true));
}

TEST_CASE("a reply must have the ID and the question of its query, in the same case", "[dns]")
{
    auto query = *make_query("mail.example.com", Type::a, true);
    test::Reply good;
    CHECK(match(query, good.to(query.bytes), false) == Match::yes);
    CHECK(match(query, test::Reply{.id_offset = 1}.to(query.bytes), false) == Match::no);
    CHECK(match(query, test::Reply{.question = "evil.example.com"}.to(query.bytes), false) == Match::no);
    CHECK(match(query, query.bytes, false) == Match::no);  // not a reply
    CHECK(match(query, "", false) == Match::no);
    CHECK(match(query, good.to(query.bytes).substr(0, 20), false) == Match::no);
    auto other_type = *make_query("mail.example.com", Type::mx, true);
    other_type.id = query.id;
    CHECK(match(other_type, good.to(query.bytes), false) == Match::no);

    auto other_case = query.name;
    for (auto& c : other_case)
        c = lower(c) == c ? upper(c) : lower(c);
    auto swapped = test::Reply{.question = other_case}.to(query.bytes);
    CHECK(match(query, swapped, false) == Match::no);
    CHECK(match(query, swapped, true) == Match::yes);  // nobody can guess into a TCP connection

    auto other_opcode = good.to(query.bytes);
    other_opcode[2] = static_cast<char>(other_opcode[2] | 0x10);
    CHECK(match(query, other_opcode, false) == Match::no);
}

TEST_CASE("only an error that says 'I do not understand' may lack the question", "[dns]")
{
    auto query = *make_query("mail.example.com", Type::a, true);
    CHECK(match(query, test::Reply{.code = 1, .bare = true}.to(query.bytes), false) == Match::bare);
    CHECK(match(query, test::Reply{.code = 4, .bare = true}.to(query.bytes), false) == Match::bare);
    CHECK(match(query, test::Reply{.code = 0, .bare = true}.to(query.bytes), false) == Match::no);
    CHECK(match(query, test::Reply{.code = 3, .bare = true}.to(query.bytes), false) == Match::no);
}

TEST_CASE("all record types are read", "[dns]")
{
    struct Case { Type type; const char* record; const char* text; };
    for (const auto& c : {
             Case{Type::a, "h.example. 60 IN A 192.0.2.1", "192.0.2.1"},
             {Type::aaaa, "h.example. 60 IN AAAA 2001:db8::1", "2001:db8::1"},
             {Type::mx, "h.example. 60 IN MX 10 Mx.Example.", "10 mx.example."},
             {Type::mx, "h.example. 60 IN MX 0 .", "0 ."},
             {Type::ptr, "h.example. 60 IN PTR host.example.", "host.example"},
             {Type::ns, "h.example. 60 IN NS ns.example.", "ns.example"},
             {Type::cname, "h.example. 60 IN CNAME other.example.", "other.example"},
             {Type::txt, "h.example. 60 IN TXT \"v=spf1 \" \"-all\"", "v=spf1 -all"},
             {Type::srv, "h.example. 60 IN SRV 1 2 587 mx.example.", "1 2 587 mx.example."},
             {Type::tlsa, "h.example. 60 IN TLSA 3 1 1 00ff10", "3 1 1 00ff10"},
             {Type::soa, "h.example. 60 IN SOA ns.example. host.example. 7 2 3 4 99", "ns.example. host.example. 7 99"},
         }) {
        INFO(c.record);
        auto answer = ask("h.example", c.type, {.answer = {c.record}});
        CHECK(answer.status == Status::found);
        REQUIRE(answer.records.size() == 1);
        CHECK(answer.records[0].text() == c.text);
        CHECK(answer.records[0].ttl == 60);
        CHECK(answer.ttl == 60);
        CHECK(answer.name == "h.example");
    }
}

TEST_CASE("not there, no such record and cannot tell are three answers", "[dns]")
{
    auto nxdomain = ask("h.example", Type::mx, {.code = 3, .authority = {"example. 900 IN SOA ns.example. h.example. 1 2 3 4 300"}});
    CHECK(nxdomain.status == Status::nxdomain);
    CHECK(nxdomain.ttl == 300);  // RFC 2308 section 5: the smaller one
    auto nodata = ask("h.example", Type::mx, {.authority = {"example. 200 IN SOA ns.example. h.example. 1 2 3 4 300"}});
    CHECK(nodata.status == Status::nodata);
    CHECK(nodata.ttl == 200);
    for (int code : {1, 2, 4, 5, 9}) {
        auto failed = ask("h.example", Type::mx, {.code = code});
        CHECK(failed.status == Status::failed);
        CHECK(failed.records.empty());
    }
    CHECK(ask("h.example", Type::mx, {.code = 2}).reason == "SERVFAIL");
    CHECK(ask("h.example", Type::mx, {.code = 3}).ttl == 60);  // without a SOA record
    CHECK(ask("h.example", Type::mx, {.code = 3, .authority = {"example. 99999 IN SOA n.example. h.example. 1 2 3 4 99999"}}).ttl == 10800);
}

TEST_CASE("records of other owners and types are no answer", "[dns]")
{
    CHECK(ask("h.example", Type::a, {.answer = {"evil.example. 60 IN A 192.0.2.1"}}).status == Status::nodata);
    CHECK(ask("h.example", Type::a, {.answer = {"h.example. 60 IN TXT \"x\""}}).status == Status::nodata);
    CHECK(ask("h.example", Type::a, {.answer = {"h.example. 60 CH A 192.0.2.1"}}).status == Status::nodata);
}

TEST_CASE("aliases are followed within the answer", "[dns]")
{
    auto answer = ask("www.example", Type::a, {.answer = {"www.example. 30 IN CNAME b.example.", "b.example. 100 IN CNAME c.example.",
                                                          "c.example. 60 IN A 192.0.2.7"}});
    CHECK(answer.status == Status::found);
    CHECK(answer.name == "c.example");
    CHECK(answer.ttl == 30);
    CHECK(answer.all<net::Address>().at(0).text() == "192.0.2.7");
    CHECK(ask("www.example", Type::a, {.code = 3, .answer = {"www.example. 30 IN CNAME b.example."}}).status == Status::nxdomain);
    CHECK(ask("www.example", Type::a, {.answer = {"www.example. 30 IN CNAME b.example."}}).status == Status::nodata);
    CHECK(ask("1.2.0.192.in-addr.arpa", Type::ptr,
              {.answer = {"1.2.0.192.in-addr.arpa. 30 IN CNAME 1.0/25.2.0.192.in-addr.arpa.",
                          "1.0/25.2.0.192.in-addr.arpa. 30 IN PTR h.example."}}).all<Name>().at(0).name == "h.example");
}

TEST_CASE("aliases in a circle are malformed, and after more than eight nobody can tell", "[dns][limits]")
{
    CHECK(ask("a.example", Type::a, {.answer = {"a.example. 30 IN CNAME b.example.", "b.example. 30 IN CNAME a.example."}}).status ==
          Status::malformed);
    for (int count : {7, 8, 9}) {
        test::Reply reply;
        for (int i = 0; i < count; ++i)
            reply.answer.push_back(cat("n", i, ".example. 30 IN CNAME n", i + 1, ".example."));
        reply.answer.push_back(cat("n", count, ".example. 30 IN A 192.0.2.1"));
        CHECK(ask("n0.example", Type::a, reply).status == (count <= 8 ? Status::found : Status::failed));
    }
}

TEST_CASE("names with characters that no host has are refused one by one", "[dns]")
{
    auto some = ask("h.example", Type::mx, {.answer = {"h.example. 60 IN MX 5 bad\\010host.example.", "h.example. 60 IN MX 10 good.example."}});
    REQUIRE(some.records.size() == 1);
    CHECK(some.all<Mx>()[0].host == "good.example");
    for (std::string host : {"a\\032b.example.", "a\\.b.example.", "\\(\\).example.", "-a.example.", "a\\000.example.", "1.2.3.4."}) {
        INFO(host);
        CHECK(ask("h.example", Type::ptr, {.answer = {"h.example. 60 IN PTR " + host}}).status == Status::malformed);
    }
    CHECK(ask("h.example", Type::a, {.answer = {"h.example. 60 IN CNAME a\\010b.example."}}).status == Status::malformed);
}

TEST_CASE("of more than 64 records 64 are kept, of mail hosts the best", "[dns][limits]")
{
    test::Reply addresses, hosts;
    for (int i = 0; i < 512; ++i) {
        addresses.answer.push_back(cat("h.example. 60 IN A 10.0.", i / 200, ".", i % 200));
        hosts.answer.push_back(cat("h.example. 60 IN MX ", 600 - i, " m", i, ".example."));
    }
    auto found = ask("h.example", Type::a, addresses);
    CHECK(found.status == Status::found);
    CHECK(found.records.size() == 64);
    auto best = ask("h.example", Type::mx, hosts);
    CHECK(best.status == Status::found);
    REQUIRE(best.records.size() == 64);
    CHECK(best.all<Mx>()[0].preference == 89);
    CHECK(best.all<Mx>()[63].preference == 152);
    for (int i = 512; i <= 1000; ++i)
        addresses.answer.push_back(cat("h.example. 60 IN A 10.0.", i / 200, ".", i % 200));
    CHECK(ask("h.example", Type::a, addresses).status == Status::failed);
}

TEST_CASE("an answer has 64 records, or as many as are wanted, and those behind them are passed over", "[dns][limits]")
{
    test::Reply reply;
    for (std::size_t count = 1; count <= 65; ++count) {
        reply.answer.push_back(cat("h.example. 60 IN A 10.0.0.", count));
        if (count < 63)
            continue;
        auto found = ask("h.example", Type::a, reply);
        CHECK(found.status == Status::found);
        CHECK(found.records.size() == std::min<std::size_t>(count, 64));
    }
    for (std::size_t limit : {64u, 65u, 66u})
        CHECK(ask("h.example", Type::a, reply, false, limit).records.size() == std::min<std::size_t>(limit, 65));
}

TEST_CASE("a server that knows only who might know tells nothing", "[dns]")
{
    test::Reply referral{.authority = {"example. 200 IN NS ns.example."}, .is_referral = true};
    CHECK(ask("h.example", Type::mx, referral).status == Status::failed);
}

TEST_CASE("AD counts only when the server is believed", "[dns]")
{
    test::Reply reply{.answer = {"h.example. 60 IN A 192.0.2.1"}, .ad = true};
    CHECK(ask("h.example", Type::a, reply, true).secure);
    CHECK_FALSE(ask("h.example", Type::a, reply, false).secure);
    reply.ad = false;
    CHECK_FALSE(ask("h.example", Type::a, reply, true).secure);
}

TEST_CASE("a reply that is cut anywhere or damaged never crashes and never becomes another address", "[dns]")
{
    auto query = *make_query("h.example", Type::mx, true);
    auto reply = test::Reply{.answer = {"h.example. 60 IN MX 10 mx.example.", "h.example. 60 IN MX 20 mx2.example."}}.to(query.bytes);
    for (std::size_t size = 12 + query.question().size(); size < reply.size(); ++size)
        CHECK(read_reply(query, std::string_view(reply).substr(0, size), false).status == Status::failed);
    for (std::size_t at = 12; at < reply.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            auto damaged = reply;
            damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
            for (const auto& mx : read_reply(query, damaged, false).all<Mx>())
                CHECK(mx.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") == std::string::npos);
        }
}
