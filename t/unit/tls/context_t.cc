#include <catch2/catch.hpp>

#include <openssl/x509.h>

#include <unistd.h>

#include "keys.h"
#include "tls/engine.h"

using namespace mta;
using namespace mta::tls;

namespace {

Result<Context> load(const std::string& chain, const std::string& key, bool is_server = true)
{
    Settings settings;
    settings.is_server = is_server;
    settings.certificates = {{chain, key}};
    return Context::load(settings);
}

// The name by which the server knows a new connection of the client.
std::string shown_name(Context& context)
{
    Settings asking;
    asking.request_certificate = true;
    auto server_side = test::server_context(asking);
    Engine server(server_side), client(context);
    client.handshake();
    for (int i = 0; i < 10; ++i) {
        server.feed(client.pending());
        client.taken(client.pending().size());
        server.handshake();
        client.feed(server.pending());
        server.taken(server.pending().size());
        client.handshake();
    }
    return server.peer_name();
}

}  // namespace

TEST_CASE("a client's new certificate is shown by new connections", "[tls]")
{
    test::Directory directory;
    auto file = directory.write("chain.pem", test::make_pem("old.test"));
    auto context = load(file, file, false);
    REQUIRE(context);
    auto now = Context::Clock::now();
    auto next_name = [&] {
        context->current(now += std::chrono::seconds(3));
        return shown_name(*context);
    };
    CHECK(next_name() == "old.test");
    auto fresh = directory.write("fresh.pem", test::make_pem("new.test"));
    std::filesystem::rename(fresh, file);
    CHECK(next_name() == "new.test");
    SECTION("a broken file keeps the former certificate")
    {
        directory.write("chain.pem", "this is no certificate");
        CHECK(next_name() == "new.test");
        directory.write("chain.pem", test::make_pem("newer.test"));
        CHECK(next_name() == "newer.test");
    }
    SECTION("a missing file keeps the former certificate")
    {
        std::filesystem::remove(file);
        CHECK(next_name() == "new.test");
    }
    SECTION("a key of another certificate keeps the former one")
    {
        auto one = test::make_pem("one.test"), two = test::make_pem("two.test");
        auto certificate = one.substr(one.find("-----BEGIN CERTIFICATE"));
        auto key = two.substr(0, two.find("-----BEGIN CERTIFICATE"));
        directory.write("chain.pem", key + certificate);
        CHECK(next_name() == "new.test");
    }
}

TEST_CASE("a client looks at its files every three seconds, a server never", "[tls]")
{
    test::Directory directory;
    auto file = directory.write("chain.pem", test::make_pem("old.test"));
    auto client = load(file, file, false), server = load(file, file);
    REQUIRE(client);
    REQUIRE(server);
    auto begin = Context::Clock::now();
    auto *at_client = client->current(begin), *at_server = server->current(begin);
    directory.write("chain.pem", test::make_pem("new.test"));
    CHECK(client->current(begin + std::chrono::seconds(2)) == at_client);
    CHECK(client->current(begin + std::chrono::seconds(3)) != at_client);
    CHECK(server->current(begin + std::chrono::hours(1)) == at_server);
}

TEST_CASE("errors at loading name the file", "[tls]")
{
    test::Directory directory;
    auto good = directory.write("good.pem", test::shared_pem());
    auto empty = directory.write("empty.pem", "");
    auto missing = (directory.path / "missing.pem").string();
    for (const auto& [chain, key, named] : std::vector<std::tuple<std::string, std::string, std::string>>{
             {missing, good, missing}, {good, missing, missing}, {empty, good, empty}, {good, empty, empty}}) {
        auto context = load(chain, key);
        REQUIRE_FALSE(context);
        CHECK(context.error().text.find(named) != std::string::npos);
    }
    CHECK_FALSE(Context::load({}));
}

TEST_CASE("an unusable cipher list is refused", "[tls]")
{
    Settings settings;
    settings.is_server = false;
    settings.cipher_list = "no-such-cipher";
    CHECK_FALSE(Context::load(settings));
    settings.cipher_list = "HIGH";
    settings.exclude_ciphers = "aNULL, 3DES";
    CHECK(Context::load(settings));
}

TEST_CASE("protocol lists are Postfix's", "[tls]")
{
    auto parse = [](std::string_view text) {
        auto range = parse_protocols(text);
        REQUIRE(range);
        return *range;
    };
    CHECK(parse("").lowest == 0);
    CHECK(parse(">=TLSv1.2").lowest == TLS1_2_VERSION);
    CHECK(parse(">=TLSv1.2, <=TLSv1.3").highest == TLS1_3_VERSION);
    CHECK(parse("!SSLv2, !SSLv3, !TLSv1").disabled == (SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1));
    CHECK(parse("tlsv1.2 TLSv1.3").disabled == (SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1));
    CHECK(parse(">=0x0303").lowest == TLS1_2_VERSION);
    for (auto bad : {"TLSv9", ">=TLSv9", ">=", "!", ">=TLSv1.3 <=TLSv1.2", "SSLv2", "!SSLv3 !TLSv1 !TLSv1.1 !TLSv1.2 !TLSv1.3"})
        CHECK_FALSE(parse_protocols(bad));
}

TEST_CASE("OpenSSL options have names and numbers", "[tls]")
{
    auto bits = parse_ssl_options("no_ticket, PRIORITIZE_CHACHA");
    REQUIRE(bits);
    CHECK(*bits == (SSL_OP_NO_TICKET | SSL_OP_PRIORITIZE_CHACHA));
    REQUIRE(parse_ssl_options("0x4000"));
    CHECK(*parse_ssl_options("0x4000") == 0x4000);
    CHECK_FALSE(parse_ssl_options("NO_SUCH_OPTION"));
    CHECK_FALSE(parse_ssl_options("0xzz"));
}
