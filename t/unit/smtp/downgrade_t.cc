#include "smtp/downgrade.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "mime/transfer.h"

using namespace mta;
using smtpc::downgraded;

TEST_CASE("quoted-printable text decodes to what it was and needs nothing but short lines of ASCII", "[mime]")      // RFC 2045 section 6.7
{
    for (std::string text : {"", "plain\n", "no end", "a = b\n", "\xc3\xa4\xc3\xb6\xc3\xbc\n", "blank \ntab\t\n \n", "\n\n", "cr\r\n", "no end \xe4 "}) {
        CAPTURE(text);
        auto encoded = mime::encode_quoted_printable(text);
        CHECK(mime::decode_quoted_printable(encoded) == text);
    }
    CHECK(mime::encode_quoted_printable("a=\xe4 \n") == "a=3D=E4=20\n");
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    auto encoded = mime::encode_quoted_printable(all + std::string(200, 'x') + std::string(100, '\xff') + "\n");
    CHECK(is_ascii(encoded));
    for (auto line : split(encoded, '\n'))
        CHECK(line.size() <= 76);
    CHECK(mime::decode_quoted_printable(encoded) == all + std::string(200, 'x') + std::string(100, '\xff') + "\n");
}

TEST_CASE("a part that says it is 8bit becomes quoted-printable", "[smtp]")
{
    CHECK(downgraded("Subject: x\nContent-Transfer-Encoding: 8bit\nMIME-Version: 1.0\n\nGr\xc3\xbc\xc3\x9f" "e = x\n") ==
          "Subject: x\nContent-Transfer-Encoding: quoted-printable\nMIME-Version: 1.0\n\nGr=C3=BC=C3=9Fe =3D x\n");
    CHECK(downgraded("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\ncontent-transfer-encoding:\n 8BIT\n\npreamble\n--b\n"
                     "Content-Transfer-Encoding: 8bit\n\n\xe4\n--b\nContent-Transfer-Encoding: base64\n\n5A==\n--b\nContent-Type: message/rfc822\n"
                     "Content-Transfer-Encoding: binary\n\nContent-Transfer-Encoding: 8bit\n\n\xf6\n--b--\nepilogue\n") ==
          "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 7bit\n\npreamble\n--b\n"
          "Content-Transfer-Encoding: quoted-printable\n\n=E4\n--b\nContent-Transfer-Encoding: base64\n\n5A==\n--b\nContent-Type: message/rfc822\n"
          "Content-Transfer-Encoding: 7bit\n\nContent-Transfer-Encoding: quoted-printable\n\n=F6\n--b--\nepilogue\n");
}

TEST_CASE("nothing else changes", "[smtp]")
{
    for (std::string text : {"", "\n", "no header", "Subject: x\n\nb\xe4" "d\n", "Content-Transfer-Encoding: 7bit\n\n=\n",
                             "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n\xe4\n--b--\n", "X: y\nContent-Transfer-Encoding: quoted-printable\n\n=E4\n"})
        CHECK(downgraded(text) == text);
}

TEST_CASE("what is nested too deep stays as it is, and is not encoded in one piece", "[smtp][limits]")     // RFC 2045 section 6.4
{
    const std::string inside = "Content-Type: multipart/mixed; boundary==i=\nContent-Transfer-Encoding: 8bit\n\n--=i=\n"
                               "Content-Transfer-Encoding: 8bit\n\n\xe4\n--=i=--\n";
    auto message = [](const std::string& encoding, const std::string& first, const std::string& second) {
        return cat("Content-Type: multipart/mixed; boundary=o\nContent-Transfer-Encoding: ", encoding, "\n\n--o\n", first, "--o\n", second, "--o--\n");
    };
    const std::string plain = "Content-Transfer-Encoding: 8bit\n\n\xf6\n", encoded = "Content-Transfer-Encoding: quoted-printable\n\n=F6\n";
    mime::Limits limits;
    limits.depth = 2;
    CHECK(downgraded(message("8bit", inside, plain), limits) == message("7bit", inside, encoded));
    limits.depth = 3;
    CHECK(downgraded(message("8bit", inside, plain), limits).find('\xe4') == std::string::npos);
    limits.depth = 1;
    CHECK(downgraded(message("8bit", inside, plain), limits) == message("8bit", inside, plain));
    const auto attached = cat("Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n", plain);
    limits.depth = 2;
    CHECK(downgraded(message("8bit", attached, plain), limits) == message("7bit", attached, encoded));
    CHECK(downgraded("Content-Type: multipart/mixed\nContent-Transfer-Encoding: 8bit\n\n\xe4\n") ==
          "Content-Type: multipart/mixed\nContent-Transfer-Encoding: 8bit\n\n\xe4\n");
}

TEST_CASE("the parts behind the most that are looked at stay as they are, with the one they are in", "[smtp][limits]")
{
    const std::string head = "Content-Type: multipart/mixed; boundary==b=\n\n", end = "--=b=--\n";
    const std::string plain = "--=b=\nContent-Transfer-Encoding: 8bit\n\n\xf6 =\n", encoded = "--=b=\nContent-Transfer-Encoding: quoted-printable\n\n=F6 =3D\n";
    mime::Limits limits;
    limits.parts = 3;
    CHECK(downgraded(cat(head, plain, plain, plain, plain, end), limits) == cat(head, encoded, plain, plain, plain, end));
    limits.parts = 6;
    CHECK(downgraded(cat(head, plain, plain, plain, plain, end), limits) == cat(head, encoded, encoded, encoded, encoded, end));
    limits.parts = 1;
    CHECK(downgraded(cat(head, plain, end), limits) == cat(head, plain, end));
}
