#include <catch2/catch.hpp>

#include <deque>

#include "base/text.h"
#include "keys.h"
#include "keys/signature.h"
#include "tls/engine.h"
#include "tls/remote_key.h"

using namespace mta;
using namespace mta::tls;

namespace {

// Has the key of a PEM text; answers at once, or when the test says so.
class LocalSigner : public Signer {
public:
    explicit LocalSigner(const std::string& pem)
    {
        test::Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
        key_.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    }
    void sign(const SignRequest& request, Done done) override
    {
        requests.push_back(request);
        if (is_slow)
            waiting.push_back(std::move(done));
        else
            done(make(request));
    }
    Result<std::string> make(const SignRequest& request) const
    {
        if (request.fingerprint != fingerprint(key_.get()))
            return failure("no such key");
        return keys::make_signature(key_.get(), *request.scheme, request.data);
    }

    bool is_slow = false;
    std::vector<SignRequest> requests;
    std::deque<Done> waiting;

private:
    Key key_;
};

Context context_with(Signer& signer, const std::string& pem, Settings settings = {})
{
    settings.signer = &signer;
    settings.chains = {chain_text(*parse_chain(pem, "test"))};
    auto context = Context::load(std::move(settings));
    REQUIRE(context);
    return *std::move(context);
}

bool carry(Engine& from, Engine& to)
{
    if (from.pending().empty() || to.is_waiting())
        return false;
    auto bytes = std::string(from.pending());
    from.taken(bytes.size());
    to.feed(bytes);
    to.handshake();
    return true;
}

void shake_hands(Engine& client, Engine& server)
{
    client.handshake();
    while (carry(client, server) || carry(server, client)) {
    }
}

std::string exchange(Engine& from, Engine& to, std::string_view text)
{
    CHECK(from.write(text));
    carry(from, to);
    std::string got(text.size() + 1, '\0');
    got.resize(to.read(got.data(), got.size()));
    return got;
}

}  // namespace

TEST_CASE("a handshake is signed by who has the key, for each kind of key and version of TLS", "[tls][keys]")
{
    auto [type, protocols, scheme] = GENERATE(table<std::string, std::string, std::string>({{"RSA", "TLSv1.2", "rsa-pss-sha256"},
                                                                                            {"RSA", "TLSv1.3", "rsa-pss-sha256"},
                                                                                            {"P-256", "TLSv1.2", "ecdsa-sha256"},
                                                                                            {"P-256", "TLSv1.3", "ecdsa-sha256"},
                                                                                            {"P-384", "TLSv1.2", "ecdsa-sha"},
                                                                                            {"P-384", "TLSv1.3", "ecdsa-sha384"},
                                                                                            {"P-521", "TLSv1.3", "ecdsa-sha512"},
                                                                                            {"ED25519", "TLSv1.2", "ed25519"},
                                                                                            {"ED25519", "TLSv1.3", "ed25519"}}));
    INFO(type << " " << protocols);
    auto pem = test::make_pem("mail.test", type);
    LocalSigner signer(pem);
    signer.is_slow = GENERATE(false, true);
    auto server_side = context_with(signer, pem);
    Settings wanted;
    wanted.protocols = protocols;
    auto client_side = test::client_context(wanted);
    Engine server(server_side), client(client_side);
    int called = 0;
    server.on_signature([&] { ++called; });
    shake_hands(client, server);
    CHECK(server.is_waiting() == signer.is_slow);
    CHECK(server.is_open() == !signer.is_slow);
    if (signer.is_slow) {
        CHECK_FALSE(server.write("too early"));
        signer.waiting.front()(signer.make(signer.requests.front()));
        CHECK(called == 1);
        server.handshake();
        shake_hands(client, server);
    }
    REQUIRE(server.is_open());
    REQUIRE(client.is_open());
    REQUIRE(signer.requests.size() == 1);
    CHECK(signer.requests.front().scheme->name.substr(0, scheme.size()) == scheme);
    CHECK(exchange(client, server, "EHLO client.example\r\n") == "EHLO client.example\r\n");
    CHECK(exchange(server, client, "250 mail.test\r\n") == "250 mail.test\r\n");
    CHECK(client.peer_name() == "mail.test");
    if (protocols == "TLSv1.3")
        CHECK(server.facts().server_signature.find(type == "RSA" ? "RSA-PSS" : type == "ED25519" ? "ED25519" : "ECDSA") == 0);
}

TEST_CASE("RSA clients of TLS 1.2 without PSS get a signature of the old form", "[tls][keys]")
{
    auto pem = test::make_pem("mail.test", "RSA");
    LocalSigner signer(pem);
    auto server_side = context_with(signer, pem);
    Settings wanted;
    wanted.protocols = "TLSv1.2";
    auto client_side = test::client_context(wanted);
    SSL_CTX_set1_sigalgs_list(client_side.current(), "RSA+SHA384");
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    CHECK(client.is_open());
    REQUIRE(signer.requests.size() == 1);
    CHECK(signer.requests.front().scheme->name == "rsa-pkcs1-sha384");
}

TEST_CASE("a server whose key signs only offers no cipher for which it would have to decrypt", "[tls][keys]")
{
    auto pem = test::make_pem("mail.test", "RSA");
    LocalSigner signer(pem);
    auto server_side = context_with(signer, pem);
    Settings wanted;
    wanted.protocols = "TLSv1.2";
    wanted.cipher_list = "AES256-GCM-SHA384";
    auto client_side = test::client_context(wanted);
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    CHECK(server.state() == Engine::State::failed);
    CHECK(signer.requests.empty());
    Settings only;
    only.cipher_list = "AES256-GCM-SHA384";
    CHECK_FALSE(Context::check(only));
}

TEST_CASE("tickets outlive a new certificate", "[tls][keys]")
{
    auto pem = test::make_pem("mail.test"), new_pem = test::make_pem("new.test");
    LocalSigner signer(pem);
    Settings settings;
    settings.session_context = "smtp";
    auto server_side = context_with(signer, pem, settings);
    auto client_side = test::client_context();
    Engine server(server_side), client(client_side);
    shake_hands(client, server);
    CHECK(exchange(server, client, "220 mail.test\r\n") == "220 mail.test\r\n");  // and the ticket
    std::unique_ptr<SSL_SESSION, Release<SSL_SESSION_free>> session(SSL_get1_session(client.handle()));
    server_side.use_chains({chain_text(*parse_chain(new_pem, "test"))});
    Engine server2(server_side), client2(client_side);
    SSL_set_session(client2.handle(), session.get());
    shake_hands(client2, server2);
    CHECK(server2.facts().resumed);
    CHECK(signer.requests.size() == 1);
}

TEST_CASE("without a signature the handshake fails, with a reason and an alert", "[tls][keys]")
{
    auto pem = test::make_pem("mail.test");
    LocalSigner signer(pem), other(test::make_pem("mail.test"));
    signer.is_slow = true;
    auto server_side = context_with(signer, pem), mistaken = context_with(other, pem);
    auto client_side = test::client_context();
    SECTION("an error")
    {
        Engine server(server_side), client(client_side);
        shake_hands(client, server);
        signer.waiting.front()(failure("the keys are away"));
        CHECK(server.handshake() == Engine::State::failed);
        CHECK(server.error() == "the keys are away");
        shake_hands(client, server);
        CHECK(client.state() == Engine::State::failed);
    }
    SECTION("not for this key")
    {
        Engine server(mistaken), client(client_side);
        shake_hands(client, server);
        CHECK(server.error() == "no such key");
    }
    SECTION("nonsense is found out by the client")
    {
        Engine server(server_side), client(client_side);
        shake_hands(client, server);
        signer.waiting.front()(std::string(70, 'x'));
        server.handshake();
        shake_hands(client, server);
        CHECK(client.state() == Engine::State::failed);
    }
    SECTION("a signature that is too long is none")
    {
        Engine server(server_side), client(client_side);
        shake_hands(client, server);
        signer.waiting.front()(std::string(5000, 'x'));
        CHECK(server.handshake() == Engine::State::failed);
    }
}

TEST_CASE("a connection may go while its signature is made, and many may wait at a time", "[tls][keys]")
{
    auto pem = test::make_pem("mail.test");
    LocalSigner signer(pem);
    signer.is_slow = true;
    auto server_side = context_with(signer, pem);
    auto client_side = test::client_context();
    std::deque<Engine> servers, clients;
    for (int i = 0; i < 50; ++i) {
        shake_hands(clients.emplace_back(client_side), servers.emplace_back(server_side));
        CHECK(servers.back().is_waiting());
    }
    for (int i = 0; i < 25; ++i) {
        servers.pop_front();
        clients.pop_front();
    }
    auto answers = std::move(signer.waiting);
    for (std::size_t i = answers.size(); i-- > 0;)  // the last one first
        answers[i](signer.make(signer.requests[i]));
    for (std::size_t i = 0; i < servers.size(); ++i) {
        servers[i].handshake();
        shake_hands(clients[i], servers[i]);
        CHECK(exchange(clients[i], servers[i], "QUIT\r\n") == "QUIT\r\n");
    }
}

TEST_CASE("keys that no scheme is for are refused by name", "[tls][keys]")
{
    for (std::string type : {"ED448", "secp256k1"}) {
        Key key(type == "ED448" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448") : EVP_EC_gen(type.c_str()));
        REQUIRE(key);
        CHECK(check_key_type(key.get()).error().text == "the key is none of RSA up to 8192 bits, ECDSA with the curve P-256, P-384 or P-521, and Ed25519");
        CHECK_FALSE(remote_key(key.get()));
    }
}

TEST_CASE("a key signs only what its type and the scheme's size allow", "[keys]")
{
    auto key_of = [](const std::string& type) { return test::make_key(type); };
    auto rsa = key_of("RSA"), ec = key_of("P-256"), ed = key_of("ED25519");
    for (const auto& scheme : schemes) {
        INFO(scheme.name);
        for (auto* key : {rsa.get(), ec.get(), ed.get()}) {
            bool fits = EVP_PKEY_is_a(key, std::string(scheme.key_type).c_str());
            CHECK(static_cast<bool>(keys::make_signature(key, scheme, std::string(scheme.min_bytes, 'x'))) == fits);
            CHECK(static_cast<bool>(keys::make_signature(key, scheme, std::string(scheme.max_bytes, 'x'))) == fits);
            CHECK_FALSE(keys::make_signature(key, scheme, std::string(scheme.min_bytes - 1, 'x')));
            CHECK_FALSE(keys::make_signature(key, scheme, std::string(scheme.max_bytes + 1, 'x')));
        }
    }
}
