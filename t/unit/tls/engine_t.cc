#include <catch2/catch.hpp>

#include "keys.h"
#include "tls/engine.h"

using namespace mta;
using namespace mta::tls;

namespace {

// Carries what one side has to send to the other, piece bytes at a time.
bool carry(Engine& from, Engine& to, std::size_t piece = 1 << 20)
{
    bool moved = false;
    while (!from.pending().empty()) {
        auto bytes = std::string(from.pending().substr(0, piece));
        from.taken(bytes.size());
        to.feed(bytes);
        to.handshake();
        moved = true;
    }
    return moved;
}

void shake_hands(Engine& client, Engine& server, std::size_t piece = 1 << 20)
{
    client.handshake();
    while (carry(client, server, piece) || carry(server, client, piece)) {
    }
}

std::string read_all(Engine& engine)
{
    std::string out;
    char bytes[1000];
    while (auto count = engine.read(bytes, sizeof bytes))
        out.append(bytes, count);
    return out;
}

}  // namespace

TEST_CASE("two engines agree, whatever pieces the bytes come in", "[tls]")
{
    auto piece = GENERATE(1u, 7u, 1000u, 1u << 20);
    auto server_side = test::server_context();
    auto client_side = test::client_context();
    Engine server(server_side), client(client_side, "mail.test");
    CHECK(server.state() == Engine::State::handshake);
    shake_hands(client, server, piece);
    REQUIRE(client.is_open());
    REQUIRE(server.is_open());
    std::string mail(100000, 'x');
    CHECK(client.write(mail));
    std::string got;
    while (!client.pending().empty()) {
        auto bytes = std::string(client.pending().substr(0, piece + 4096));
        client.taken(bytes.size());
        server.feed(bytes);
        got += read_all(server);
    }
    CHECK(got == mail);
    CHECK(server.write("250 ok\r\n"));
    carry(server, client);
    CHECK(read_all(client) == "250 ok\r\n");
    CHECK_FALSE(client.has_unread());
}

TEST_CASE("nothing can be written before the handshake is finished", "[tls]")
{
    auto context = test::server_context();
    Engine server(context);
    CHECK_FALSE(server.write("220 hello\r\n"));
    CHECK(server.state() == Engine::State::handshake);
    CHECK(server.pending().empty());
}

TEST_CASE("a goodbye is an end, a mere end of the stream a truncation", "[tls]")
{
    auto server_side = test::server_context();
    auto client_side = test::client_context();
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    client.write("last words");
    SECTION("goodbye")
    {
        client.shut_down();
        carry(client, server);
        server.feed_end();
        CHECK(read_all(server) == "last words");
        CHECK(server.state() == Engine::State::ended);
    }
    SECTION("no goodbye")
    {
        carry(client, server);
        server.feed_end();
        CHECK(read_all(server) == "last words");
        CHECK(server.state() == Engine::State::truncated);
    }
    SECTION("cut within a record")
    {
        auto bytes = client.pending();
        server.feed(bytes.substr(0, bytes.size() - 1));
        server.feed_end();
        CHECK(read_all(server).empty());
        CHECK(server.state() == Engine::State::truncated);
    }
}

TEST_CASE("an end within the handshake is a truncation", "[tls]")
{
    auto server_side = test::server_context();
    Engine server(server_side);
    server.feed_end();
    CHECK(server.handshake() == Engine::State::truncated);
}

TEST_CASE("bytes changed or inserted on the way end the connection with an alert", "[tls]")
{
    auto server_side = test::server_context();
    auto client_side = test::client_context();
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    client.write("attack at dawn");
    std::string bytes(client.pending());
    SECTION("changed") { bytes[bytes.size() / 2] ^= 1; }
    SECTION("inserted") { bytes.insert(0, "RCPT TO:<mallory@evil.test>\r\n"); }
    SECTION("replayed") { bytes += bytes; }
    server.feed(bytes);
    auto got = read_all(server);
    CHECK((got.empty() || got == "attack at dawn"));
    CHECK(server.state() == Engine::State::failed);
    CHECK_FALSE(server.error().empty());
    CHECK_FALSE(server.pending().empty());
    CHECK_FALSE(server.write("no"));
}

TEST_CASE("plain SMTP instead of a handshake fails cleanly", "[tls]")
{
    auto server_side = test::server_context();
    Engine server(server_side);
    server.feed("EHLO client.example\r\n");
    CHECK(server.handshake() == Engine::State::failed);
    CHECK(server.error().find("SSL") != std::string::npos);
}

TEST_CASE("the facts read like Postfix's log line", "[tls]")
{
    Settings settings;
    settings.groups = "no-such-group X25519";
    test::Directory directory;
    auto rsa = GENERATE(false, true);
    if (rsa)
        settings.certificates = {test::files_of(directory, test::make_pem("rsa.test", "RSA"))};
    auto server_side = test::server_context(settings);
    auto client_side = test::client_context();
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    std::string signature = rsa ? "RSA-PSS (2048 bits)" : "ECDSA (prime256v1)";
    auto expected = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature " + signature +
                    " server-digest SHA256";
    CHECK(server.facts().text() == expected);
    CHECK(client.facts().text() == expected);
    CHECK(server.trust() == Trust::anonymous);
    CHECK(name(server.trust()) == "Anonymous");
}

TEST_CASE("protocol limits hold", "[tls]")
{
    Settings old_server, new_client;
    old_server.protocols = "<=TLSv1.2";
    auto server_side = test::server_context(old_server);
    SECTION("agreed on the lower")
    {
        auto client_side = test::client_context();
        Engine server(server_side), client(client_side);
        shake_hands(client, server);
        CHECK(server.is_open());
        CHECK(server.facts().protocol == "TLSv1.2");
        CHECK(server.facts().text().find("key-exchange") == std::string::npos);
    }
    SECTION("nothing in common")
    {
        new_client.protocols = ">=TLSv1.3";
        auto client_side = test::client_context(new_client);
        Engine server(server_side), client(client_side);
        shake_hands(client, server);
        CHECK(server.state() == Engine::State::failed);
        CHECK(client.state() == Engine::State::failed);
    }
}

TEST_CASE("a client tells how far it trusts the server", "[tls]")
{
    test::Directory directory;
    Settings settings;
    auto server_side = test::server_context();
    SECTION("unknown authority")
    {
        auto client_side = test::client_context();
        Engine server(server_side), client(client_side, "mail.test");
        shake_hands(client, server);
        CHECK(client.trust() == Trust::untrusted);
        CHECK_FALSE(client.verify_error().empty());
        CHECK(client.peer_name() == "mail.test");
        CHECK(client.peer_fingerprint().size() == 32 * 3 - 1);
    }
    settings.ca_file = directory.write("ca.pem", test::shared_pem());
    auto client_side = test::client_context(settings);
    SECTION("right name")
    {
        Engine server(server_side), client(client_side, "mail.test");
        shake_hands(client, server);
        CHECK(client.trust() == Trust::verified);
    }
    SECTION("wrong name")
    {
        Engine server(server_side), client(client_side, "other.test");
        shake_hands(client, server);
        CHECK(client.trust() == Trust::trusted);
        CHECK(client.verify_error() == "the certificate is for another name");
    }
    SECTION("one of the valid names")
    {
        Engine server(server_side), client(client_side, "other.test", {"mail.test"});
        shake_hands(client, server);
        CHECK(client.trust() == Trust::verified);
    }
    SECTION("no name wanted")
    {
        Engine server(server_side), client(client_side);
        shake_hands(client, server);
        CHECK(client.trust() == Trust::trusted);
    }
}

TEST_CASE("a client that shows a certificate is not anonymous", "[tls]")
{
    Settings asking, showing;
    asking.request_certificate = true;
    test::Directory directory;
    showing.certificates = {test::files_of(directory, test::make_pem("client.test"))};
    auto server_side = test::server_context(asking);
    auto client_side = test::client_context(showing);
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    CHECK(server.trust() == Trust::untrusted);
    CHECK(server.peer_name() == "client.test");
    CHECK(server.facts().client_signature == "ECDSA (prime256v1)");
}

namespace {

// A first connection that leaves the client a session, then a second one with it: whether it was resumed.
bool resumes(Context& first, Context& second)
{
    auto client_side = test::client_context();
    Engine server(first), client(client_side);
    shake_hands(client, server);
    read_all(client);  // the ticket comes with the first bytes
    std::unique_ptr<SSL_SESSION, Release<SSL_SESSION_free>> session(SSL_get1_session(client.handle()));
    REQUIRE(SSL_SESSION_is_resumable(session.get()) == 1);
    Engine server2(second), client2(client_side);
    SSL_set_session(client2.handle(), session.get());
    shake_hands(client2, server2);
    REQUIRE(server2.is_open());
    return server2.facts().resumed;
}

}  // namespace

TEST_CASE("a session ticket is good at its own service only", "[tls]")
{
    Settings smtp, imap;
    smtp.session_context = "smtp";
    imap.session_context = "imaps";
    auto at_smtp = test::server_context(smtp);
    auto at_imap = test::server_context(imap);
    // Even if both used the same keys.
    std::string keys(80, '\0');
    REQUIRE(SSL_CTX_get_tlsext_ticket_keys(at_smtp.current(), keys.data(), 80) == 1);
    REQUIRE(SSL_CTX_set_tlsext_ticket_keys(at_imap.current(), keys.data(), 80) == 1);
    CHECK(resumes(at_smtp, at_smtp));
    CHECK_FALSE(resumes(at_smtp, at_imap));
}

TEST_CASE("an engine gives its buffers back", "[tls]")
{
    auto server_side = test::server_context();
    auto client_side = test::client_context();
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    client.write(std::string(50000, 'x'));
    carry(client, server);
    read_all(server);
    CHECK(client.pending().empty());
    CHECK_FALSE(server.has_unread());
}
