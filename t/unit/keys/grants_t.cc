#include <catch2/catch.hpp>

#include "../tls/keys.h"
#include "base/text.h"
#include "keys/grants.h"

using namespace mta;

namespace {

std::string told(const std::string& main_cf, const std::string& master_cf)
{
    tls::test::Directory directory;
    directory.write("main.cf", main_cf);
    auto services = config::parse_services(master_cf);
    REQUIRE(services);
    std::string text;
    for (const auto& grant : keys::tls_grants(*services, directory.path.string())) {
        text += grant.service + ":";
        for (const auto& files : grant.certificates)
            text += cat(" ", files.chain_parameter, "=", files.chain, " ", files.key_parameter, "=", files.key);
        text += "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("each service with TLS has the keys of its own certificates, by its own options", "[keys]")
{
    CHECK(told("smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\n",
               "25 inet n - n - - smtpd\n"
               "587 inet n - n - - smtpd -o smtpd_tls_security_level=none\n"
               "465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_tls_key_file=/k465\n"
               "143 inet n - n - - imapd\n"
               "993 inet n - n - - imapd -o imapd_tls_chain_files=/rsa,/ec\n"
               "110 inet n - n - - pop3d -o pop3d_tls_cert_file=/p.$service_name\n"
               "995 inet n - n - - pop3d -o smtpd_tls_cert_file=none\n"
               "smtp unix - - n - - smtp\n") ==
          "25: smtpd_tls_cert_file=/c smtpd_tls_key_file=/k\n"
          "465: smtpd_tls_cert_file=/c smtpd_tls_key_file=/k465\n"
          "143: smtpd_tls_cert_file=/c smtpd_tls_key_file=/k\n"
          "993: imapd_tls_chain_files=/rsa imapd_tls_chain_files=/rsa imapd_tls_chain_files=/ec imapd_tls_chain_files=/ec\n"
          "110: pop3d_tls_cert_file=/p.110 pop3d_tls_cert_file=/p.110\n");
    CHECK(told("smtpd_tls_eccert_file = /ec\n", "25 inet n - n - - smtpd\n") == "25: smtpd_tls_eccert_file=/ec smtpd_tls_eccert_file=/ec\n");
    CHECK(told("", "25 inet n - n - - smtpd\n465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n").empty());
}
