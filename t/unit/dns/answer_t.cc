#include "dns/answer.h"

#include <catch2/catch.hpp>

#include "dns/cache.h"
#include "dns/name.h"
#include "dns/resolv_conf.h"

using namespace mta;
using namespace mta::dns;
using namespace std::chrono_literals;

TEST_CASE("records survive the way through text", "[dns]")
{
    struct Case { Type type; std::string text; };
    for (const auto& c : {Case{Type::a, "192.0.2.1"}, {Type::aaaa, "2001:db8::1"}, {Type::mx, "10 mx.example."}, {Type::mx, "0 ."},
                          {Type::ptr, "h.example"}, {Type::txt, "v=spf1 \\000\\010\\092 -all"}, {Type::txt, ""},
                          {Type::srv, "1 2 3 h.example."}, {Type::tlsa, "3 1 1 00ff"}, {Type::tlsa, "3 1 1 "},
                          {Type::soa, "ns.example. h.example. 1 2"}}) {
        INFO(c.text);
        auto record = Record::parse(c.type, 7, c.text);
        REQUIRE(record);
        CHECK(record->text() == c.text);
        CHECK(record->ttl == 7);
    }
    std::string binary;
    for (int i = 0; i < 256; ++i)
        binary += static_cast<char>(i);
    Record record{Type::txt, 1, Text{binary}};
    CHECK(std::get<Text>(Record::parse(Type::txt, 1, record.text())->data).text == binary);
}

TEST_CASE("text that is no record is refused", "[dns]")
{
    struct Case { Type type; std::string text; };
    for (const auto& c : {Case{Type::a, "192.0.2"}, {Type::a, ""}, {Type::mx, "10"}, {Type::mx, "10 mx.example"}, {Type::mx, "70000 a."},
                          {Type::mx, "10 a b."}, {Type::mx, "10 a. b"}, {Type::mx, "10 "}, {Type::ptr, "a..b"}, {Type::txt, "\\25"},
                          {Type::txt, "\\256"}, {Type::txt, "\\"}, {Type::tlsa, "3 1 1 0"}, {Type::tlsa, "300 1 1 00"}, {Type::soa, "a. b. 1"}}) {
        INFO(c.text);
        CHECK_FALSE(Record::parse(c.type, 7, c.text));
    }
}

TEST_CASE("a failed look-up is explained in Postfix's words", "[dns]")
{
    Answer answer;
    answer.status = Status::nxdomain;
    CHECK(explain("d.example", Type::mx, answer) ==
          "Host or domain name not found. Name service error for name=d.example type=MX: Host not found");
    answer.status = Status::nodata;
    CHECK(explain("d.example", Type::aaaa, answer) ==
          "Host or domain name not found. Name service error for name=d.example type=AAAA: Host found but no data record of requested type");
    answer.status = Status::failed;
    CHECK(explain("d.example", Type::a, answer) ==
          "Host or domain name not found. Name service error for name=d.example type=A: Host not found, try again");
}

TEST_CASE("host names follow the old rules, with underscores", "[dns]")
{
    for (const char* good : {"a", "a.b", "a-b.example", "_dmarc.example", "3com.example", "xn--bcher-kva.example", "1.2.3.4.in-addr.arpa"})
        CHECK(is_valid_hostname(good));
    for (const char* bad : {"", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "1.2.3.4", "123", "a b", "a/b", "[1.2.3.4]", "a:b", "a;b", "b\xfc.de"})
        CHECK_FALSE(is_valid_hostname(bad));
    CHECK(is_valid_name("0/25.2.0.192.in-addr.arpa"));
    auto label = std::string(63, 'a');
    CHECK(is_valid_hostname(label));
    CHECK_FALSE(is_valid_hostname(label + "a"));
    CHECK(is_valid_hostname(label + '.' + label + '.' + label + '.' + std::string(61, 'a')));
    CHECK_FALSE(is_valid_hostname(label + '.' + label + '.' + label + '.' + std::string(62, 'a')));
}

TEST_CASE("the cache counts down and forgets", "[dns]")
{
    Cache cache(100000);
    auto start = Cache::Clock::now();
    Answer answer;
    answer.status = Status::found;
    answer.ttl = 60;
    answer.records.push_back(*Record::parse(Type::a, 300, "192.0.2.1"));
    cache.put("A/h.example", answer, start);
    auto later = cache.find("A/h.example", start + 20s);
    REQUIRE(later);
    CHECK(later->ttl == 40);
    CHECK(later->records[0].ttl == 280);
    CHECK_FALSE(cache.find("A/h.example", start + 60s));
    CHECK(cache.size() == 0);
    answer.ttl = 0;
    cache.put("A/h.example", answer, start);
    CHECK_FALSE(cache.find("A/h.example", start));
}

TEST_CASE("a full cache forgets what was not used for the longest time", "[dns]")
{
    Cache cache(4000);
    Answer answer;
    answer.status = Status::nxdomain;
    answer.ttl = 60;
    cache.put("first", answer);
    for (int i = 0; i < 100; ++i) {
        cache.put("A/" + std::to_string(i), answer);
        CHECK(cache.find("first"));  // used again and again
    }
    CHECK(cache.size() < 20);
    CHECK(cache.find("A/99"));
    CHECK_FALSE(cache.find("A/1"));
    answer.reason.assign(5000, 'x');
    cache.put("large", answer);
    CHECK_FALSE(cache.find("large"));
}

TEST_CASE("resolv.conf gives the servers", "[dns]")
{
    auto servers = parse_resolv_conf("# comment\nsearch a.example\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # x\n"
                                     "nameserver nonsense\noptions edns0 trust-ad\n");
    REQUIRE(servers.endpoints.size() == 2);
    CHECK(servers.endpoints[0].text() == "192.0.2.1:53");
    CHECK(servers.endpoints[1].text() == "[2001:db8::1]:53");
    CHECK(servers.trust_ad);
    CHECK(parse_resolv_conf("").endpoints.at(0).text() == "127.0.0.1:53");
    CHECK_FALSE(parse_resolv_conf("nameserver 192.0.2.1").trust_ad);
}

TEST_CASE("a server may be given with its port", "[dns]")
{
    CHECK(parse_server("127.0.0.1")->text() == "127.0.0.1:53");
    CHECK(parse_server("127.0.0.1:5353")->text() == "127.0.0.1:5353");
    CHECK(parse_server("[::1]:5353")->text() == "[::1]:5353");
    CHECK(parse_server("[::1]")->text() == "[::1]:53");
    CHECK(parse_server("::1")->text() == "[::1]:53");
    for (const char* bad : {"", "host", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "[::1", "[::1]x", "127.0.0.1:53:53"})
        CHECK_FALSE(parse_server(bad));
}
