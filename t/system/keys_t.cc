#include <catch2/catch.hpp>

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <memory>

#include "base/file.h"
#include "base/text.h"
#include "net/stream.h"
#include "t/lib/message.h"
#include "t/lib/process.h"
#include "t/lib/suite.h"
#include "tls/transport.h"

// Private keys are in one process, and TLS is there on all ports all the same.
namespace mta {

using namespace std::chrono_literals;

namespace {

constexpr auto kinds = {"rsa", "ec", "ed25519"};

// Certificates of three kinds, which all services show.
test::Suite& suite()
{
    static const std::unique_ptr<test::Suite> only = [] {
        auto made = std::make_unique<test::Suite>();
        auto tls = made->directory() + "/tls/";
        auto make = [&](const std::string& kind, const std::string& key) {
            REQUIRE(made->run(cat("openssl req -x509 -newkey ", key, " -nodes -days 10 -subj /CN=", kind, ".test -keyout ", tls, kind, ".key -out ", tls, kind,
                                  ".pem && cat ", tls, kind, ".key ", tls, kind, ".pem > ", tls, kind, ".chain && chmod 600 ", tls, kind, ".*"))
                        .status == 0);
        };
        make("rsa", "rsa:2048");
        make("ec", "ec -pkeyopt ec_paramgen_curve:prime256v1");
        make("ed25519", "ed25519");
        REQUIRE(made->tool(cat("postconf -e 'smtpd_tls_chain_files=", tls, "rsa.chain ", tls, "ec.chain ", tls, "ed25519.chain'")).status == 0);
        made->reload();
        return made;
    }();
    return *only;
}

// The process that signs; its child opens files.
pid_t signer()
{
    auto master = suite().master();
    for (const auto& process : test::descendants(master))
        if (process.program == "keys" && process.parent == master && process.state != 'Z')
            return process.pid;
    return -1;
}

// A client inside TLS from the first byte.
class Client {
public:
    explicit Client(std::chrono::milliseconds limit = 20s)
        : context_(*tls::Context::load(client_settings())), stream_(*net::connect_tcp({*net::Address::parse("127.0.0.1"), static_cast<std::uint16_t>(suite().port("SUBMISSIONS"))}, 5s))
    {
        auto transport = std::make_unique<tls::Transport>(stream_.fd(), context_);
        transport_ = transport.get();
        transport->handshake(test::Clock::now() + limit);
        stream_.set_transport(std::move(transport));
        if (auto greeting = stream_.line(20s); !greeting.starts_with("220"))
            throw net::Lost(net::Lost::Kind::error, greeting);
    }
    std::string ask(std::string_view command)
    {
        stream_.write(cat(command, "\r\n"));
        stream_.flush(20s);
        return stream_.line(20s);
    }
    std::string server_name() { return transport_->engine().peer_name(); }

private:
    static tls::Settings client_settings()
    {
        tls::Settings settings;
        settings.is_server = false;
        return settings;
    }
    tls::Context context_;
    net::Stream stream_;
    tls::Transport* transport_ = nullptr;
};

bool has_handshake(std::chrono::milliseconds limit)
{
    try {
        return Client(limit).ask("NOOP").starts_with("250");
    } catch (const net::Lost&) {
        return false;
    }
}

std::vector<std::future<bool>> handshakes(int count)
{
    std::vector<std::future<bool>> all;
    for (int i = 0; i < count; ++i)
        all.push_back(std::async(std::launch::async, has_handshake, 20s));
    return all;
}

// What is in memory of a private key, in each form that it may have: numbers are kept with their lowest word first.
std::vector<std::string> secrets_of(const std::string& path)
{
    auto pem = *read_file(path);
    std::unique_ptr<BIO, Release<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::unique_ptr<EVP_PKEY, Release<EVP_PKEY_free>> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    REQUIRE(key);
    std::vector<std::string> secrets;
    for (const char* name : {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_PRIV_KEY}) {
        BIGNUM* number = nullptr;
        if (EVP_PKEY_get_bn_param(key.get(), name, &number) != 1)
            continue;
        std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
        BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
        BN_free(number);
        secrets.push_back(bytes);
        secrets.emplace_back(bytes.rbegin(), bytes.rend());
    }
    std::string raw(32, '\0');
    auto size = raw.size();
    if (EVP_PKEY_get_raw_private_key(key.get(), reinterpret_cast<unsigned char*>(raw.data()), &size) == 1)
        secrets.push_back(raw);
    secrets.push_back(pem.substr(pem.find('\n') + 1, 40));
    return secrets;
}

constexpr std::uint64_t max_mapping_bytes = 1u << 28;  // larger is only what sanitizers know of the memory

bool holds(pid_t pid, const std::vector<std::string>& secrets)
{
    auto maps = read_file(cat("/proc/", pid, "/maps"));
    Fd memory(::open(cat("/proc/", pid, "/mem").c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(maps);
    REQUIRE(memory);
    for (auto line : split(*maps, '\n')) {
        auto words = split_words(line, " -");
        if (words.size() < 3 || words[2].substr(0, 2) != "rw")
            continue;
        auto begin = *parse_number<std::uint64_t>(words[0], 16), end = *parse_number<std::uint64_t>(words[1], 16);
        if (end - begin > max_mapping_bytes)
            continue;
        std::string bytes(end - begin, '\0');
        auto count = ::pread(memory.get(), bytes.data(), bytes.size(), static_cast<off_t>(begin));
        bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        if (std::any_of(secrets.begin(), secrets.end(), [&](const std::string& secret) { return bytes.find(secret) != std::string::npos; }))
            return true;
    }
    return false;
}

}  // namespace

TEST_CASE("every port has TLS with keys of each kind, and only the process that signs has them", "[system][keys]")
{
    std::string script = R"SH(try() {
    said=$(openssl s_client -connect 127.0.0.1:$1 -sigalgs $2 $3 $4 $5 < /dev/null 2>&1 | tr -d '\0')
    grep -a '^Peer signature type' <<< "$said" | sed "s/.*: /$1 $2 $3 /" | grep . || echo "$1 $2 $3: $said"
}
)SH";
    std::string expected;
    for (std::string protocol : {"-tls1_2", "-tls1_3"})
        for (std::string service : {"SUBMISSIONS", "SMTP smtp", "SUBMISSION smtp", "IMAP imap", "IMAPS", "POP3 pop3", "POP3S"}) {
            if (protocol == "-tls1_2" && service != "SUBMISSIONS")
                continue;
            for (const auto& [algorithm, type] : std::map<std::string, std::string>{{"rsa_pss_rsae_sha256", "RSA-PSS"}, {"ECDSA+SHA256", "ECDSA"}, {"ed25519", "ed25519"}}) {
                auto words = split_words(service, " ");
                script += cat("try $", words[0], "_PORT ", algorithm, " ", protocol, words.size() > 1 ? cat(" -starttls ", words[1]) : "", " &\n");
                expected += cat(suite().port(std::string(words[0])), " ", algorithm, " ", protocol, " ", type, "\n");
            }
        }
    auto outcome = suite().run(script + "wait");
    auto sorted = [](std::string_view text) {
        auto lines = split(text, '\n');
        std::sort(lines.begin(), lines.end());
        return join(std::vector<std::string>(lines.begin(), lines.end()), "\n");
    };
    CHECK(sorted(outcome.output) == sorted(expected));
    if (!test::is_root()) {
        WARN("the memory of the processes is not looked at: needs root");
        return;
    }
    auto keys = signer();
    std::vector<std::string> all;
    for (std::string kind : kinds) {
        INFO(kind);
        auto secrets = secrets_of(cat(suite().directory(), "/tls/", kind, ".key"));
        CHECK(holds(keys, secrets));
        all.insert(all.end(), secrets.begin(), secrets.end());
    }
    for (const auto& process : test::descendants(suite().master())) {
        INFO(process.program << " " << process.pid);
        if (process.pid != keys)
            CHECK_FALSE(holds(process.pid, all));
    }
    auto own = *read_file(cat("/proc/", keys, "/status"));
    std::string user(trim(test::run("id -u buuta-keys").output));
    CHECK(own.find(cat("Uid:\t", user, "\t", user, "\t", user, "\t", user)) != std::string::npos);
}

TEST_CASE("while keys stands still handshakes wait, and nothing else does", "[system][keys]")
{
    Client before;
    ::kill(signer(), SIGSTOP);
    auto waiting = handshakes(8);
    CHECK_FALSE(has_handshake(200ms));
    CHECK(before.ask("NOOP").starts_with("250"));
    suite().smtp().talk({{"", "220"}, {"EHLO client.example", "250"}, {"STARTTLS", "220"}});
    CHECK(std::none_of(waiting.begin(), waiting.end(), [](auto& one) { return one.wait_for(0s) == std::future_status::ready; }));
    ::kill(signer(), SIGCONT);
    for (auto& one : waiting)
        CHECK(one.get());
}

TEST_CASE("handshakes survive the death of keys, and connections do", "[system][keys]")
{
    Client before;
    auto old = signer();
    ::kill(old, SIGSTOP);
    auto waiting = handshakes(8);
    CHECK_FALSE(has_handshake(200ms));
    ::kill(old, SIGKILL);
    suite().log_line(cat("keys pid ", old, " killed by signal 9"));
    CHECK(before.ask("NOOP").starts_with("250"));
    for (auto& one : waiting)
        CHECK(one.get());
    CHECK(has_handshake(20s));
}

TEST_CASE("a new certificate and its key, which only root can read, are shown without a reload", "[system][keys]")
{
    auto tls = suite().directory() + "/tls/";
    CHECK(Client().server_name() != "renewed.test");
    REQUIRE(suite()
                .run(cat("openssl req -x509 -newkey ed25519 -nodes -days 10 -subj /CN=renewed.test -keyout ", tls, "new.key -out ", tls, "new.pem && cat ", tls,
                         "new.key ", tls, "new.pem > ", tls, "new && chmod 600 ", tls, "new && for kind in rsa ec ed25519; do cp -p ", tls, "new ", tls, "next && mv ", tls,
                         "next ", tls, "$kind.chain; done"))
                .status == 0);
    CHECK(test::wait_for(suite().directory() + "/log", [&] { return Client().server_name() == "renewed.test"; }));
    suite().log_line("TLS certificates were reloaded");
}

TEST_CASE("what is wrong with a key is said by buuta check, with the parameter; and that nobody has the keys", "[system][keys]")
{
    auto tls = suite().directory() + "/tls/";
    std::filesystem::rename(tls + "ec.chain", tls + "ec.good");
    auto outcome = suite().tool("buuta check");
    INFO(outcome.output);
    CHECK(outcome.status == 1);
    CHECK(outcome.output.find(cat("smtpd_tls_chain_files: open ", tls, "ec.chain: No such file or directory")) != std::string::npos);
    REQUIRE(suite().run(cat("cat ", tls, "ed25519.key ", tls, "rsa.pem > ", tls, "ec.chain")).status == 0);
    outcome = suite().tool("buuta check");
    CHECK(outcome.output.find(cat("smtpd_tls_chain_files: the key in ", tls, "ec.chain does not belong to the certificate in ", tls, "ec.chain")) != std::string::npos);
    std::filesystem::rename(tls + "ec.good", tls + "ec.chain");
    auto master_cf = *read_file(suite().get("CONFIG_DIRECTORY") + "/master.cf");
    suite().write_file("master.cf", replace_all(master_cf, "\nkeys ", "\n#keys "));
    outcome = suite().tool("buuta check");
    CHECK(outcome.output.find("TLS needs a service \"keys\", which master.cf lacks; add the line: keys unix - - n - 1 keys tls") != std::string::npos);
    suite().write_file("master.cf", replace_all(master_cf, " keys tls", " keys dkim"));
    outcome = suite().tool("buuta check");
    CHECK(outcome.output.find("service keys: the argument must name a set of keys: tls") != std::string::npos);
    suite().write_file("master.cf", master_cf);
}

}  // namespace mta
