#include <catch2/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <filesystem>

#include "../tls/keys.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/text.h"
#include "ipc/channel.h"
#include "log/log.h"
#include "serve.h"
#include "tls/signing.h"

using namespace mta;
using namespace mta::keys;
using namespace std::chrono_literals;

namespace {

tls::CertificateFiles one_file(const std::string& path) { return {path, path, "smtpd_tls_chain_files", "smtpd_tls_chain_files"}; }

// keys in a process of its own, with the certificates of two services.
class Place {
public:
    Place() : mail_pem(tls::test::make_pem("mail.test")), imap_pem(tls::test::make_pem("imap.test", "ED25519"))
    {
        auto mail = directory_.write("mail.pem", mail_pem), imap = directory_.write("imap.pem", imap_pem);
        REQUIRE(service::Secret::make(path("secret")));
        listeners_.push_back(*net::listen_unix(path("keys"), 0600));
        pid_ = ::fork();
        if (pid_ == 0) {
            mta::log::open_file(path("log"));
            test::serve({{"smtp", {one_file(mail)}}, {"imap", {one_file(imap)}}}, path("secret"), listeners_);
        }
    }
    ~Place()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Place(const Place&) = delete;

    std::string path(const std::string& name) const { return (directory_.path / name).string(); }
    void write(const std::string& name, const std::string& text) const
    {
        std::filesystem::rename(directory_.write("fresh", text), path(name));
    }
    std::string ticket(std::string_view service, std::string_view set = service::tls_key_set) const
    {
        return service::keys_ticket(*service::Secret::load(path("secret")), set, service);
    }
    static std::string key_id(const std::string& pem)
    {
        return cat("tls/", tls::fingerprint(X509_get0_pubkey(tls::parse_chain(pem, "test")->front().get())));
    }
    service::SignQuestion question(std::string_view data = std::string_view("0123456789abcdef0123456789abcdef")) const
    {
        return {"smtp", ticket("smtp"), key_id(mail_pem), "ecdsa-sha256", hex_encode(data)};
    }
    ipc::Channel connect() const { return ipc::Channel(*net::connect_unix(path("keys"), 5s)); }
    // The answer to a message; nothing if the connection is closed instead.
    std::optional<ipc::Message> ask(const ipc::Message& message) const
    {
        auto channel = connect();
        channel.send(message);
        return receive(channel);
    }
    static std::optional<ipc::Message> receive(ipc::Channel& channel)
    {
        try {
            return channel.receive(10s);
        } catch (const net::Lost& lost) {
            CHECK(lost.kind != net::Lost::Kind::timeout);
            return std::nullopt;
        }
    }
    service::SignReply sign(const service::SignQuestion& question) const
    {
        auto reply = ask(ipc::pack(question));
        REQUIRE(reply);
        return *ipc::unpack<service::SignReply>(*reply);
    }
    bool is_closed_at(const service::SignQuestion& question) const { return !ask(ipc::pack(question)); }

    const std::string mail_pem, imap_pem;

private:
    tls::test::Directory directory_;
    std::vector<Fd> listeners_;
    pid_t pid_ = -1;
};

bool verifies(const std::string& pem, std::string_view digest, const std::string& signature)
{
    auto chain = tls::parse_chain(pem, "test");
    std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>> context(EVP_PKEY_CTX_new(X509_get0_pubkey(chain->front().get()), nullptr));
    auto bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
    return EVP_PKEY_verify_init(context.get()) == 1 && EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
           EVP_PKEY_verify(context.get(), bytes(signature), signature.size(), bytes(digest), digest.size()) == 1;
}

ipc::Message with(ipc::Message message, std::string_view name, std::string_view value)
{
    message.add(name, value);
    return message;
}

}  // namespace

TEST_CASE("a question to the letter is answered with a signature", "[keys]")
{
    Place place;
    const std::string digest = "0123456789abcdef0123456789abcdef";
    auto reply = place.sign(place.question(digest));
    CHECK(reply.reason.empty());
    CHECK(verifies(place.mail_pem, digest, *hex_decode(reply.signature)));
    auto numbered = place.ask(with(ipc::pack(place.question()), "id", "7"));
    REQUIRE(numbered);
    CHECK(numbered->find("id") == "7");
    auto imap = place.sign({"imap", place.ticket("imap"), Place::key_id(place.imap_pem), "ed25519", hex_encode("any text")});
    CHECK(hex_decode(imap.signature)->size() == 64);
}

TEST_CASE("anything but a question to the letter ends the connection, and nothing else", "[keys]")
{
    Place place;
    auto good = place.question();
    auto changed = [&](auto member, const std::string& value) {
        auto question = good;
        question.*member = value;
        return ipc::pack(question);
    };
    using Q = service::SignQuestion;
    auto hex = [](std::size_t bytes) { return hex_encode(std::string(bytes, 'x')); };
    std::vector<ipc::Message> bad;
    for (const auto& data : {std::string(), hex(31), hex(33), hex(20), hex(36), hex(64), hex(256), hex(500), std::string(64, 'g'), hex(32).substr(1)})
        bad.push_back(changed(&Q::data, data));
    for (auto scheme : {"", "rsa", "ecdsa-sha1", "ecdsa-sha224", "rsa-pkcs1-md5-sha1", "rsa-decrypt", "ECDSA-SHA256", "ecdsa-sha256 "})
        bad.push_back(changed(&Q::scheme, scheme));
    for (const auto& ticket : {std::string(), place.ticket("imap"), place.ticket("smtp", "dkim"), place.ticket("smtp").substr(1), std::string(64, '0')})
        bad.push_back(changed(&Q::ticket, ticket));
    for (auto service : {"", "imap", "nosuch", "smtp/"})
        bad.push_back(changed(&Q::service, service));
    bad.push_back(with(ipc::pack(good), "decrypt", "1"));
    bad.push_back(with(ipc::pack(good), "scheme", "ecdsa-sha256"));
    bad.push_back(with(with(ipc::pack(good), "id", "1"), "id", "2"));
    bad.push_back(with({}, "sign_for", "smtp"));
    bad.push_back(with({}, "request", "wakeup"));
    bad.push_back(with({}, "id", "1"));
    bad.push_back(ipc::Message());
    bad.push_back(changed(&Q::key, std::string(2000, 'x')));
    auto with_descriptor = ipc::pack(good);
    with_descriptor.fd.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    bad.push_back(std::move(with_descriptor));
    for (const auto& message : bad) {
        INFO(replace_all(message.body(), std::string_view("\0", 1), "|"));
        CHECK_FALSE(place.ask(message));
    }
    auto raw = place.connect();
    REQUIRE(write_all(raw.fd(), std::string(70000, 'x')));
    CHECK_FALSE(Place::receive(raw));
    auto torn = place.connect();
    REQUIRE(write_all(torn.fd(), std::string_view("sign_for\0sm", 11)));
    torn.release();
    CHECK_FALSE(place.sign(good).signature.empty());
}

TEST_CASE("a service has only its own keys signed with", "[keys]")
{
    Place place;
    auto question = place.question();
    for (const auto& key : {Place::key_id(place.imap_pem), Place::key_id(place.mail_pem).substr(4), replace_all(question.key, "tls/", "dkim/"), std::string("tls/"), std::string()}) {
        question.key = key;
        auto reply = place.sign(question);
        CHECK(reply.signature.empty());
        CHECK(reply.reason == cat("service smtp has no key ", key));
    }
    question = place.question();
    question.scheme = "rsa-pss-sha256";  // the key's type is another one
    CHECK(place.sign(question).signature.empty());
}

TEST_CASE("the certificates are told without their keys, and again when they change", "[keys]")
{
    Place place;
    auto channel = place.connect();
    auto ask = [&](const std::string& known) { channel.send(ipc::pack(service::ChainsQuestion{"smtp", place.ticket("smtp"), known})); };
    auto receive = [&] { return *ipc::unpack<service::ChainsReply>(*Place::receive(channel)); };
    ask("");
    auto first = receive();
    REQUIRE(first.chains.size() == 1);
    CHECK(place.mail_pem.ends_with(first.chains.front()));
    CHECK(first.chains.front().find("PRIVATE") == std::string::npos);
    ask(first.version);
    auto fresh = tls::test::make_pem("fresh.test", "RSA");
    place.write("mail.pem", fresh);
    auto second = receive();
    CHECK(fresh.ends_with(second.chains.at(0)));
    CHECK(second.version != first.version);
    // Handshakes with the former certificate may have begun.
    CHECK_FALSE(place.sign(place.question()).signature.empty());
    auto question = place.question();
    question.key = Place::key_id(fresh);
    question.scheme = "rsa-pss-sha256";
    CHECK(hex_decode(place.sign(question).signature)->size() == 256);
    CHECK_FALSE(place.ask(ipc::pack(service::ChainsQuestion{"smtp", place.ticket("imap"), ""})));
    auto unknown = place.ask(ipc::pack(service::ChainsQuestion{"nosuch", place.ticket("nosuch"), ""}));
    REQUIRE(unknown);
    CHECK(ipc::unpack<service::ChainsReply>(*unknown)->version.empty());
}
