#include "fixture.h"

using namespace mta;
using namespace mta::front::test;

// A host without a usable certificate: what needs none has to work.

TEST_CASE("without a certificate port 25 works without TLS", "[front]")
{
    Site site("smtpd", "smtpd_tls_chain_files=\nsmtpd_tls_security_level=may");
    auto client = site.connect();
    CHECK(client.reply().substr(0, 4) == "220 ");
    CHECK(client.ask("EHLO client.example").find("STARTTLS") == std::string::npos);
    CHECK(client.ask("STARTTLS") == "502 5.5.1 Error: command not implemented");
    client.say("MAIL FROM:<a@b>\r\n");
    CHECK(site.next_work().session.tls_protocol.empty());
}

TEST_CASE("a service for which TLS is a must refuses clients while it has no certificate, and says so", "[front]")
{
    Site submission("smtpd", "smtpd_tls_chain_files=\nsmtpd_tls_security_level=encrypt");
    auto client = submission.connect();
    CHECK(client.reply().substr(0, 4) == "220 ");
    client.ask("EHLO client.example");
    CHECK(client.ask("STARTTLS") == "454 4.7.0 TLS not available due to local problem");
    CHECK(client.ask("MAIL FROM:<a@b>") == "530 5.7.0 Must issue a STARTTLS command first");
    CHECK(submission.logged("error: service service is for clients with TLS, but smtpd_tls_cert_file names no certificate: all clients are refused\n"));

    for (std::string worker : {"smtpd", "imapd", "pop3d"}) {
        Site implicit(worker, cat("smtpd_tls_chain_files=\n", worker, "_tls_wrappermode=yes"));
        CHECK(implicit.connect().is_closed());
        CHECK(implicit.logged("[127.0.0.1]: service service has no TLS\n"));
    }
}

TEST_CASE("a certificate that cannot be used takes only TLS away, until it can be", "[front]")
{
    tls::test::Directory directory;
    auto path = (directory.path / "later.pem").string();
    Site site("smtpd", cat("smtpd_tls_chain_files=", path));
    CHECK(site.logged("error: service service has no TLS until this is repaired: "));
    {
        auto client = site.connect();
        client.reply();
        CHECK(client.ask("EHLO client.example").find("STARTTLS") == std::string::npos);
    }
    if (::geteuid() != 0)
        return;  // then the next look is in a minute
    directory.write("later.pem", tls::test::shared_pem());
    for (int i = 0; i < 5 && !site.logged("service service has TLS now\n"); ++i) {
    }
    auto client = site.connect();
    client.reply();
    client.ask("EHLO client.example");
    CHECK(client.ask("STARTTLS") == "220 2.0.0 Ready to start TLS");
    client.start_tls();
    CHECK(client.ask("EHLO client.example").substr(0, 4) == "250-");
}
