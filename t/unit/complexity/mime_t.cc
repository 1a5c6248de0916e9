#include <catch2/catch.hpp>

#include "base/text.h"
#include "growth.h"
#include "imap/structure.h"
#include "mime/address.h"
#include "mime/charset.h"
#include "mime/content.h"
#include "mime/crlf.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/lexer.h"
#include "mime/structure.h"
#include "mime/transfer.h"
#include "mime/words.h"
#include "smtp/downgrade.h"

// Nasty messages: what is made to be slow for those who read it.
namespace mta {

using test::check_growth;
using test::repeat;

namespace {

std::string boundary(std::size_t level) { return cat("boundary-of-level-", level); }

// So many multiparts in each other, the first of each with its own boundary.
std::string nested_multiparts(std::size_t n)
{
    std::string text;
    for (std::size_t level = 0; level < n; ++level)
        text += cat("Content-Type: multipart/mixed; boundary=\"", boundary(level), "\"\r\n\r\n--", boundary(level), "\r\n");
    text += "\r\nthe innermost\r\n";
    for (auto level = n; level-- > 0;)
        text += cat("--", boundary(level), "--\r\n");
    return text;
}

std::string nested_messages(std::size_t n) { return repeat("Content-Type: message/rfc822\r\n\r\n", n) + "\r\nthe innermost\r\n"; }

std::string many_parts(std::size_t n)
{
    return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + repeat("--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nx\r\n", n) + "--b--\r\n";
}

// Lines that look like a delimiter up to their last character, in as many open multiparts as may be.
std::string lookalikes(std::size_t n)
{
    const std::string common(150, 'b');
    std::string text;
    for (std::size_t level = 0; level < mime::Limits().depth - 2; ++level)
        text += cat("Content-Type: multipart/mixed; boundary=\"", common, level, "\"\r\n\r\n--", common, level, "\r\n");
    return text + "\r\n" + repeat(cat("--", common, "x\r\n"), n);
}

void read_structure(const std::string& message)
{
    auto root = mime::parse_structure(message);
    imap::body_structure(message, root, true);
    smtpc::downgraded(message);
}

std::size_t count_fields(const std::string& block)
{
    std::size_t count = 0;
    for (const auto& field : mime::Header(block))
        count += field.raw.size() > 0;
    (void)mime::check_limits(block);
    return count + mime::Header(block).count("Subject");
}

}  // namespace

TEST_CASE("reading the parts of a message takes time in proportion to its size", "[complexity]")
{
    check_growth("multiparts in multiparts", 500, nested_multiparts, read_structure);
    check_growth("messages in messages", 500, nested_messages, read_structure);
    check_growth("parts", 90, many_parts, read_structure);
    check_growth("parts beyond their limit", 3000, many_parts, read_structure);
    check_growth("lines like delimiters", 300, lookalikes, read_structure);
    check_growth("header of a part without end", 3000,
                 [](std::size_t n) { return "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + repeat("X: y\r\n", n); }, read_structure);
    check_growth("delimiters after the last one", 2000, [](std::size_t n) { return many_parts(3) + repeat("--b\r\n--b--\r\n", n); }, read_structure);
}

TEST_CASE("reading a header takes time in proportion to its size", "[complexity]")
{
    check_growth("one line", 20000, [](std::size_t n) { return "Subject: " + std::string(n, 'x') + "\r\n"; }, count_fields);
    check_growth("folds of one field", 2000, [](std::size_t n) { return "Subject: x\r\n" + repeat(" y\r\n", n); }, count_fields);
    check_growth("fields", 2000, [](std::size_t n) { return repeat("X-Field: y\r\n", n); }, count_fields);
    check_growth("Received fields", 1000, [](std::size_t n) { return repeat("Received: from a by b;\r\n\tFri, 1 Jan 2021 00:00:00 +0000\r\n", n); }, count_fields);
    check_growth("lines that are no fields", 2000, [](std::size_t n) { return repeat(": y\r\n", n); }, count_fields);
    check_growth("unfolding", 5000, [](std::size_t n) { return repeat("\r\n ", n); }, [](const std::string& text) { return mime::unfold(text); });
    check_growth("ENVELOPE of many fields", 500,
                 [](std::size_t n) { return repeat("To: a@b\r\nSubject: x\r\nX-From: y\r\n", n) + "From: \"a\" <b@c>\r\n\r\n"; },
                 [](const std::string& block) { return imap::envelope(block); });
    check_growth("dates in comments", 3000, [](std::size_t n) { return "Fri, 1 Jan 2021 " + repeat("(", n) + repeat(")", n) + " 00:00:00 +0000"; },
                 [](const std::string& text) { return mime::parse_date(text); });
}

TEST_CASE("reading addresses takes time in proportion to their number and length", "[complexity]")
{
    auto all = [](const std::string& text) { return mime::parse_addresses(text, text.size()); };
    check_growth("addresses", 500, [](std::size_t n) { return repeat("\"A B\" <a.b@c.example> (x), ", n); }, all);
    check_growth("addresses beyond their limit", 3000, [](std::size_t n) { return repeat("a@b, ", n); },
                 [](const std::string& text) { return mime::parse_addresses(text); });
    check_growth("groups in groups", 2000, [](std::size_t n) { return repeat("g: ", n) + repeat("; ", n); }, all);
    check_growth("comments in comments", 5000, [](std::size_t n) { return repeat("(", n) + repeat(")", n) + " a@b"; }, all);
    check_growth("comments without end", 5000, [](std::size_t n) { return "a@b " + repeat("(x", n); }, all);
    check_growth("comments", 2000, [](std::size_t n) { return repeat("(x) ", n) + "a@b"; }, all);
    check_growth("angle brackets", 2000, [](std::size_t n) { return repeat("<", n) + repeat(">", n); }, all);
    check_growth("routes", 2000, [](std::size_t n) { return "<" + repeat("@a,", n) + ":b@c>"; }, all);
    check_growth("at signs", 3000, [](std::size_t n) { return repeat("a@", n); }, all);
    check_growth("quotes", 3000, [](std::size_t n) { return repeat("\"a\"", n) + "@b"; }, all);
    check_growth("one long local part", 20000, [](std::size_t n) { return std::string(n, 'a') + "@b"; }, all);
    check_growth("words", 3000, [](std::size_t n) { return repeat("a ", n) + "<b@c>"; }, all);
    check_growth("ENVELOPE of a long list", 100, [](std::size_t n) { return "To: " + repeat("\xc3\xa9 <a@b>,\r\n ", n) + "\r\nSubject: x\r\n\r\n"; },
                 [](const std::string& block) { return imap::envelope(block); });
}

TEST_CASE("reading parameters takes time in proportion to their size", "[complexity]")
{
    auto read = [](const std::string& text) {
        auto type = mime::parse_content_type(text);
        return type ? mime::parameter(type->parameters, "name") : std::nullopt;
    };
    check_growth("parameters", 1000, [](std::size_t n) { return "text/plain" + repeat("; a=b", n); }, read);
    check_growth("parameters that are none", 2000, [](std::size_t n) { return "text/plain" + repeat("; =", n); }, read);
    check_growth("RFC 2231 continuations", 100,
                 [](std::size_t n) {
                     std::string text = "text/plain";
                     for (std::size_t i = 0; i < n; ++i)
                         text += cat("; name*", i, "*=utf-8''%e2%82%ac");
                     return text;
                 },
                 read);
    check_growth("a long value to be decoded", 2000, [](std::size_t n) { return "text/plain; name*=utf-8''" + repeat("%e2%82%ac", n); }, read);
    check_growth("comments behind a type", 3000, [](std::size_t n) { return "text/plain " + repeat("(a(b)c)", n) + "; name=x"; }, read);
    check_growth("a type of many words", 3000, [](std::size_t n) { return repeat("a ", n) + "/plain; name=x"; }, read);
    check_growth("quotes behind a value", 3000, [](std::size_t n) { return "text/plain; name=x " + repeat("\"y\" ", n); }, read);
    check_growth("text without comments", 3000, [](std::size_t n) { return repeat("a (b) \"c\" ", n); },
                 [](const std::string& text) { return mime::without_comments(text); });
}

TEST_CASE("decoding takes time in proportion to the text", "[complexity]")
{
    auto words = [](const std::string& text) { return mime::decode_words(text); };
    check_growth("encoded words", 300, [](std::size_t n) { return repeat("=?utf-8?B?w6TDtsO8?= ", n); }, words);
    check_growth("encoded words of two character sets", 300, [](std::size_t n) { return repeat("=?utf-8?Q?a?= =?koi8-r?Q?=C1?= ", n); }, words);
    check_growth("encoded words without end", 20000, [](std::size_t n) { return repeat("=?a", n); }, words);
    check_growth("encoded words that do not end in time", 20000, [](std::size_t n) { return repeat("=?utf-8?Q?xx ", n); }, words);
    check_growth("encoded words with much space between", 1000, [](std::size_t n) { return "=?utf-8?Q?a?=" + repeat(" \t", n) + "=?utf-8?Q?a?="; }, words);
    check_growth("writing encoded words", 3000, [](std::size_t n) { return repeat("\xe2\x82\xac", n); },
                 [](const std::string& text) { return mime::encode_words(text); });
    check_growth("continuation bytes as words", 3000, [](std::size_t n) { return std::string(n, '\x80'); },
                 [](const std::string& text) { return mime::encode_words(text); });
    check_growth("base64 with junk", 3000, [](std::size_t n) { return repeat("QUJD*=-", n); }, [](const std::string& text) { return mime::decode_base64(text); });
    auto quoted = [](const std::string& text) { return mime::decode_quoted_printable(text); };
    check_growth("quoted-printable with junk", 3000, [](std::size_t n) { return repeat("=", n) + repeat("=0=\n", n) + repeat("= \t\r\n", n); }, quoted);
    check_growth("white space at line ends", 10000, [](std::size_t n) { return std::string(n, ' ') + "\n" + std::string(n, '\t'); }, quoted);
    check_growth("writing quoted-printable", 3000, [](std::size_t n) { return repeat("\xe2 \t\n=", n); },
                 [](const std::string& text) { return mime::encode_quoted_printable(text); });
    check_growth("CRs and LFs", 10000, [](std::size_t n) { return repeat("\r\r\n\n", n); },
                 [](const std::string& text) { return mime::CrlfText(text).size() + mime::crlf_size(text); });
}

TEST_CASE("character sets are converted in time in proportion to the text", "[complexity]")
{
    for (const auto* charset : {"utf-8", "us-ascii", "utf-16", "utf-7", "iso-2022-jp", "gb18030", "big5", "euc-kr", "iso-8859-1"}) {
        auto convert = [charset](const std::string& text) { return mime::to_utf8(text, charset); };
        check_growth(cat(charset, ", broken"), 15000, [](std::size_t n) { return repeat("\xff\x80\x1b$B+/\xe3", n); }, convert);
    }
    check_growth("guessing a character set", 30000, [](std::size_t n) { return repeat("\xc3\xa4", n) + "\xff"; },
                 [](const std::string& text) { return mime::guess_utf8(text); });
    check_growth("without regard to case", 1000, [](std::size_t n) { return "\xce\x91" + repeat("\xcc\x81\xcd\x85", n); },
                 [](const std::string& text) { return mime::fold_case(text); });
}

}  // namespace mta
