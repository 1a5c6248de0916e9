#include "mime/content.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;

namespace {

std::string shown(const mime::Parameters& parameters)
{
    std::vector<std::string> out;
    for (const auto& next : parameters)
        out.push_back(cat(next.name, "=", next.value));
    return join(out, "|");
}

std::string shown_type(std::string_view value)
{
    auto type = mime::parse_content_type(value);
    return type ? cat(type->type, "/", type->subtype, type->parameters.empty() ? "" : "|", shown(type->parameters)) : "none";
}

}  // namespace

TEST_CASE("Content-Type with comments, spaces and quoting", "[mime]")
{
    struct Case { std::string value, wanted; };
    for (const auto& c : {
             Case{" audio/basic", "audio/basic"}, {"image/ jpeg", "image/jpeg"}, {" message / rfc822", "message/rfc822"},
             {"text/plain; charset =us-ascii (Plain text)", "text/plain|charset=us-ascii"},
             {"TEXT/Plain; Charset= \"us-ascii\"", "text/plain|Charset=us-ascii"},
             {"multipart/mixed;\r\n\tboundary=\"a b; c\\\"\" ;", "multipart/mixed|boundary=a b; c\""},
             {"application/pdf; name=my file.pdf; x=y", "application/pdf|name=my file.pdf|x=y"},
             {"text/html; charset=\"unclosed", "text/html|charset=unclosed"},
             {"text/html; charset=utf-8; ;; format = flowed", "text/html|charset=utf-8|format=flowed"},
             {"text/html;junk; charset=x", "text/html|charset=x"},
             {"text/html; charset=\"x\"junk; a=b", "text/html|charset=x|a=b"},
             {"text/html; bad name=x; a=", "text/html|a="},
             {"text", "none"}, {"", "none"}, {"/plain", "none"}, {"text/", "none"}, {"text/a/b", "none"}, {"(c) ; a=b", "none"}}) {
        CAPTURE(c.value);
        CHECK(shown_type(c.value) == c.wanted);
    }
}

TEST_CASE("no more parameters than the limit are kept", "[mime]")
{
    std::string value = "text/plain";
    for (int i = 0; i < 1000; ++i)
        value += cat("; a", i, "=b");
    CHECK(mime::parse_content_type(value)->parameters.size() == mime::max_parameters);
}

TEST_CASE("continued and encoded parameters (RFC 2231)", "[mime]")
{
    struct Case { std::string value, raw, name, text; };
    for (const auto& c : {
             Case{"x/y; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub\"", "URL=ftp://cs.utk.edu/pub", "url", "ftp://cs.utk.edu/pub"},
             {"x/y; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
              "title", "This is ***fun***"},
             {"x/y; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
              "title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!", "title",
              "This is even more ***fun*** isn't it!"},
             {"x/y; a*1=two; a*0=one; a*3=lost", "a=onetwo", "a", "onetwo"},
             {"x/y; a*0=one; A*0=three; a*1=two; a*00=four; a*1=five", "a=onetwo", "a", "onetwo"},
             {"x/y; filename=plain; filename*=utf-8''%C3%BC", "filename=plain|filename*=utf-8''%C3%BC", "filename", "\xc3\xbc"},
             {"x/y; name=\"=?utf-8?q?=C3=BC?=\"", "name==?utf-8?q?=C3=BC?=", "name", "\xc3\xbc"},
             {"x/y; name*=iso-8859-1''%fc", "name*=iso-8859-1''%fc", "name", "\xc3\xbc"},
             {"x/y; name*=nonsense''%zz%41", "name*=nonsense''%zz%41", "name", "%zzA"},
             {"x/y; name*=no-quotes", "name*=no-quotes", "name", "no-quotes"}}) {
        CAPTURE(c.value);
        auto parsed = mime::parse_with_parameters(c.value);
        CHECK(shown(mime::join_continuations(parsed.parameters)) == c.raw);
        CHECK(mime::parameter(parsed.parameters, c.name) == c.text);
    }
    CHECK(mime::parameter({}, "name") == std::nullopt);
}

TEST_CASE("a disposition is its first word in lower case", "[mime]")
{
    CHECK(mime::parse_with_parameters("Attachment; filename=x").value == "attachment");
    CHECK(mime::parse_with_parameters(" (c) inline").value == "inline");
    CHECK(mime::parse_with_parameters("; filename=x").value.empty());
}
