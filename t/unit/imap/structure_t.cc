#include "imap/structure.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;

namespace {

std::string structure(const std::string& message, bool is_extended = true)
{
    return imap::body_structure(message, mime::parse_structure(message), is_extended);
}

}  // namespace

TEST_CASE("ENVELOPE: the example of RFC 3501 section 8", "[imap]")
{
    CHECK(imap::envelope("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n"
                         "Subject: IMAP4rev1 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n"
                         "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
                         "Message-Id: <B27397-0100000@cac.washington.edu>\r\nMIME-Version: 1.0\r\n\r\n") ==
          "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
          "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) "
          "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
          "\"<B27397-0100000@cac.washington.edu>\")");
}

TEST_CASE("ENVELOPE: groups, routes, absent and empty fields", "[imap]")
{
    CHECK(imap::envelope("") == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    CHECK(imap::envelope("To: Group: a@b, c@d;, e@f\r\n\r\n") ==
          "(NIL NIL NIL NIL NIL ((NIL NIL \"Group\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")(NIL NIL NIL NIL)(NIL NIL \"e\" \"f\")) NIL NIL NIL NIL)");
    CHECK(imap::envelope("From: a@b\r\nSender:\r\nReply-To: <@x,@y:c@d>\r\n") ==
          "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL \"@x,@y\" \"c\" \"d\")) NIL NIL NIL NIL NIL)");
    CHECK(imap::envelope("Subject:\r\nFrom: root\r\n").starts_with("(NIL \"\" ((NIL NIL \"root\" \"\"))"));
}

TEST_CASE("ENVELOPE: quotes are escaped, RFC 2047 stays, raw 8-bit is encoded", "[imap]")
{
    CHECK(imap::envelope("Message-ID: <\"a\\b\"@c>\r\n").ends_with("\"<\\\"a\\\\b\\\"@c>\")"));
    CHECK(imap::envelope("Subject: =?utf-8?q?x?=\r\n folded\r\n").starts_with("(NIL \"=?utf-8?q?x?= folded\" "));
    CHECK(imap::envelope("Subject: J\xc3\xb6\r\nFrom: J\xf6 <j@x>\r\n").starts_with("(NIL \"=?utf-8?B?SsO2?=\" ((\"=?utf-8?B?SsO2?=\" NIL \"j\" \"x\"))"));
    CHECK(imap::envelope("Subject: a\rb\r\n").starts_with("(NIL {3}\r\na\rb NIL"));
}

TEST_CASE("BODYSTRUCTURE of single parts", "[imap]")
{
    CHECK(structure("Subject: x\r\n\r\none\r\ntwo\r\n") == "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2 NIL NIL NIL NIL)");
    CHECK(structure("Subject: x\r\n\r\none\r\ntwo\r\n", false) == "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2)");
    CHECK(structure("Content-Type: text/html; charset=\"UTF-8\"; x=\"a\\\"\"\r\nContent-Transfer-Encoding: Quoted-Printable (x)\r\nContent-ID: <1@x>\r\n"
                    "Content-Description: a\r\n b\r\nContent-MD5: Q2hlY2s=\r\nContent-Disposition: Inline; filename=\"x y\"\r\nContent-Language: de, en\r\n"
                    "Content-Location: http://x/\r\n\r\nx") ==
          "(\"text\" \"html\" (\"charset\" \"UTF-8\" \"x\" \"a\\\"\") \"<1@x>\" \"a b\" \"quoted-printable\" 1 0 \"Q2hlY2s=\" "
          "(\"inline\" (\"filename\" \"x y\")) (\"de\" \"en\") \"http://x/\")");
    CHECK(structure("Content-Type: image/png\r\nContent-Language: de\r\nContent-Disposition: attachment\r\n\r\n12345") ==
          "(\"image\" \"png\" NIL NIL NIL \"7bit\" 5 NIL (\"attachment\" NIL) \"de\" NIL)");
    CHECK(structure("Content-Type: application/x; name*0*=utf-8''a; name*1=b\r\n\r\n", false) == "(\"application\" \"x\" (\"name*\" \"utf-8''ab\") NIL NIL \"7bit\" 0)");
}

TEST_CASE("BODYSTRUCTURE of multiparts and messages (RFC 3501 section 7.4.2)", "[imap]")
{
    std::string message = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\none\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\nx\r\n--a--\r\n";
    CHECK(structure(message) ==
          "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0 NIL NIL NIL NIL)"
          "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 21 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) "
          "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)"
          " \"mixed\" (\"boundary\" \"a\") NIL NIL NIL)");
    CHECK(structure("Content-Type: multipart/mixed; boundary=a\r\n\r\n", false) == "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")");
}

TEST_CASE("ENVELOPE has 2,000 addresses, 1,000 of them of a field, or as many as are wanted", "[imap][limits]")
{
    auto list = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i)
            text += "a@b.example,";
        return text;
    };
    auto count = [&](std::size_t to, std::size_t cc, std::size_t bcc, const mime::Limits& limits = {}) {
        auto text = imap::envelope(cat("To: ", list(to), "\nCc: ", list(cc), "\nBcc: ", list(bcc), "\n\n"), limits);
        std::size_t found = 0;
        for (auto at = text.find("(NIL NIL \"a\""); at != std::string::npos; at = text.find("(NIL NIL \"a\"", at + 1))
            ++found;
        return found;
    };
    CHECK(count(1000, 999, 0) == 1999);
    CHECK(count(1000, 1000, 0) == 2000);
    CHECK(count(1000, 999, 1) == 2000);
    CHECK(count(1000, 1000, 1) == 2000);
    CHECK(count(1001, 0, 0) == 1000);
    for (std::size_t to : {2u, 3u, 4u})
        CHECK(count(to, 0, 0, {.addresses = 3}) == std::min<std::size_t>(to, 3));
    for (std::size_t cc : {1u, 2u, 3u})
        CHECK(count(3, cc, 0, {.addresses = 3, .addresses_of_message = 5}) == std::min<std::size_t>(3 + cc, 5));
}
