#include <catch2/catch.hpp>

#include "../tls/keys.h"
#include "base/text.h"
#include "keys/keyring.h"

using namespace mta;
using namespace mta::keys;

namespace {

const tls::CertificateFiles smtp_files{"/c.pem", "/k.pem", "smtpd_tls_cert_file", "smtpd_tls_key_file"};
const tls::CertificateFiles imap_files{"/i.pem", "/i.pem", "imapd_tls_chain_files", "imapd_tls_chain_files"};

std::string key_part(const std::string& pem) { return pem.substr(0, pem.find("-----BEGIN CERTIFICATE")); }
std::string chain_part(const std::string& pem) { return pem.substr(pem.find("-----BEGIN CERTIFICATE")); }

std::string fingerprint_of(const std::string& pem)
{
    return tls::fingerprint(X509_get0_pubkey(tls::parse_chain(pem, "test")->front().get()));
}

}  // namespace

TEST_CASE("a certificate and its key change together or not at all", "[keys]")
{
    const auto first = tls::test::make_pem("first.test"), second = tls::test::make_pem("second.test");
    Keyring ring({{"smtp", {smtp_files}}});
    CHECK(ring.paths() == std::vector<std::string>{"/c.pem", "/k.pem"});
    Files files;
    auto put = [&](const std::string& chain, const std::string& key) {
        files.insert_or_assign("/c.pem", chain);
        files.insert_or_assign("/k.pem", key);
        ring.load(files);
    };
    auto shows = [&](const std::string& pem) {
        return ring.chains("smtp") == std::vector<std::string>{chain_part(pem)} && ring.key("smtp", fingerprint_of(pem)) != nullptr;
    };
    put(chain_part(first), key_part(second));
    CHECK(ring.chains("smtp").empty());
    CHECK(ring.fault("smtp").starts_with("smtpd_tls_key_file: the key in /k.pem does not belong to the certificate in /c.pem: "));
    put(chain_part(first), key_part(first));
    CHECK(shows(first));
    CHECK(ring.fault("smtp").empty());
    const auto version = ring.version("smtp");
    put(chain_part(second), key_part(first));  // halfway through a renewal
    CHECK(shows(first));
    CHECK(ring.version("smtp") == version);
    CHECK_FALSE(ring.key("smtp", fingerprint_of(second)));
    put(chain_part(second), key_part(second));
    CHECK(shows(second));
    CHECK(ring.version("smtp") != version);
    CHECK(ring.key("smtp", fingerprint_of(first)));  // for handshakes that have begun
    ring.forget_replaced();
    CHECK_FALSE(ring.key("smtp", fingerprint_of(first)));
    CHECK(ring.key("smtp", fingerprint_of(second)));
}

TEST_CASE("a key of another service is none, and no service is told of the other's trouble", "[keys]")
{
    const auto smtp = tls::test::make_pem("smtp.test"), imap = tls::test::make_pem("imap.test");
    Keyring ring({{"smtp", {smtp_files}}, {"imap", {imap_files}}, {"both", {smtp_files, imap_files}}});
    Files files{{"/c.pem", chain_part(smtp)}, {"/k.pem", key_part(smtp)}, {"/i.pem", failure("open /i.pem: Permission denied")}};
    ring.load(files);
    CHECK(ring.chains("smtp").size() == 1);
    CHECK(ring.chains("imap").empty());
    CHECK(ring.fault("imap") == "imapd_tls_chain_files: open /i.pem: Permission denied");
    CHECK(ring.chains("both").empty());
    CHECK(ring.fault("both") == ring.fault("imap"));
    files.insert_or_assign("/i.pem", imap);
    ring.load(files);
    CHECK(ring.chains("both").size() == 2);
    CHECK(ring.chains("imap") == std::vector<std::string>{chain_part(imap)});
    CHECK_FALSE(ring.key("smtp", fingerprint_of(imap)));
    CHECK_FALSE(ring.key("imap", fingerprint_of(smtp)));
    CHECK(ring.key("both", fingerprint_of(smtp)));
    CHECK_FALSE(ring.key("nosuch", fingerprint_of(smtp)));
    CHECK_FALSE(ring.knows("nosuch"));
}

TEST_CASE("what is wrong with a key is said with parameter and file", "[keys]")
{
    const auto pem = tls::test::make_pem("mail.test");
    auto fault = [&](const Result<std::string>& chain, const Result<std::string>& key) {
        Keyring ring({{"smtp", {smtp_files}}});
        ring.load({{"/c.pem", chain}, {"/k.pem", key}});
        return ring.fault("smtp");
    };
    CHECK(fault(failure("open /c.pem: No such file or directory"), pem) == "smtpd_tls_cert_file: open /c.pem: No such file or directory");
    CHECK(fault(key_part(pem), key_part(pem)).starts_with("smtpd_tls_cert_file: no certificate in /c.pem: "));
    CHECK(fault(pem, chain_part(pem)).starts_with("smtpd_tls_key_file: no usable private key in /k.pem: "));
    CHECK(fault(pem, std::string()).starts_with("smtpd_tls_key_file: no usable private key in /k.pem: "));
    const auto odd = tls::test::make_pem("odd.test", "secp256k1");
    CHECK(fault(odd, odd) == "smtpd_tls_key_file: /k.pem: the key is none of RSA up to 8192 bits, ECDSA with the curve P-256, P-384 or P-521, and Ed25519");
}

TEST_CASE("without files there is nothing to wait for", "[keys]")
{
    Opener opener({}, {}, false);
    CHECK(opener.first().empty());
}
