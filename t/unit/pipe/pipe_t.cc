#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/text.h"
#include "deliver/content.h"
#include "pipe/expand.h"

using namespace mta;
using namespace mta::pipe;
using deliver::Content;
using deliver::leading_lines;
using deliver::quoted;
using deliver::was_delivered_to;

namespace {

Attributes attributes(const std::vector<std::string>& words)
{
    auto all = words;
    all.insert(all.end(), {"user=vmail", "argv=/bin/true"});
    auto result = parse_attributes(all);
    INFO((result ? std::string() : result.error().text));
    REQUIRE(result);
    return *result;
}

std::string error_of(const std::vector<std::string>& words)
{
    auto result = parse_attributes(words);
    return result ? "none" : result.error().text;
}

std::string expanded(const std::vector<std::string>& templates, const Attributes& how = attributes({}), const std::string& sender = "Joe.User@Example.COM",
                     const std::vector<std::string>& recipients = {"Ann+News@Example.NET"})
{
    service::DeliveryRequest request;
    request.reverse_path = sender;
    request.nexthop = "Next.Example";
    request.queue_id = "4abcQID";
    request.size = 1234;
    std::vector<Macros> macros;
    for (const auto& address : recipients)
        macros.push_back(recipient_macros({0, address, "", "", ""}, how, "+-"));
    auto result = expand_arguments(templates, request_macros(request, how), macros, false);
    return result ? join(*result, "|") : cat(result.error().status, " ", result.error().text);
}

std::string content(std::string_view message, const std::vector<std::string>& words, const std::string& leading = "")
{
    Fd file(::memfd_create("message", MFD_CLOEXEC));
    REQUIRE(write_all(file.get(), cat("HEADER", message, "TRAILER")));
    auto how = attributes(words);
    Content reader(leading, file.get(), 6, message.size(), how);
    std::string all;
    for (auto piece = reader.next(); !piece.empty(); piece = reader.next())
        all += piece;
    return all;
}

}  // namespace

TEST_CASE("attributes are read up to argv=, behind which all belongs to the command", "[pipe]")
{
    auto result = parse_attributes({"flags=DRhu>", "user=vmail:mail", "directory=/srv", "size=1000", "eol=\\r\\n", "null_sender=", "argv=/bin/f", "-o", "flags=x",
                                    "${recipient}"});
    REQUIRE(result);
    CHECK(result->user == "vmail");
    CHECK(result->group == "mail");
    CHECK(result->directory == "/srv");
    CHECK(result->size_limit == 1000);
    CHECK(result->eol == "\r\n");
    CHECK(result->null_sender.empty());
    CHECK(result->argv == std::vector<std::string>{"/bin/f", "-o", "flags=x", "${recipient}"});
    CHECK(result->has_delivered_to);
    CHECK(result->has_return_path);
    CHECK(result->folds_domain);
    CHECK(result->folds_local_part);
    CHECK(result->quotes_from);
    CHECK_FALSE(result->has_from_line);
    CHECK_FALSE(result->is_final);
}

TEST_CASE("a wrong attribute is told with the nearest right one", "[pipe]")
{
    CHECK(error_of({"usr=x", "argv=y"}) == "unknown attribute \"usr=\"; did you mean \"user=\"?");
    CHECK(error_of({"user=x"}) == "missing argv= attribute: the command");
    CHECK(error_of({"argv=/bin/true"}) == "missing user= attribute: whom the command runs as");
    CHECK(error_of({"flags=DZ", "user=x", "argv=y"}) == "flags=DZ: unknown flag 'Z', must be of BDFORXhqu.>");
    CHECK(error_of({"size=1k", "user=x", "argv=y"}) == "size=1k: not a number of bytes");
    CHECK(error_of({"eol=\\q", "user=x", "argv=y"}) == "eol=\\q: unknown escape");
    CHECK(error_of({"user"}) == "\"user\": must be attribute=value");
    CHECK(error_of({"user=x", "argv=/bin/f", "${recipent}"}) == "argv=: unknown macro \"recipent\"; did you mean \"recipient\"?");
    CHECK(error_of({"user=x", "argv=/bin/f", "${sender"}) == "bad macro in \"${sender\"; must be ${name}");
    CHECK(error_of({"user=x", "argv=/bin/f", "$"}) == "bad macro in \"$\"; must be ${name}");
    CHECK(attributes({"eol=\\012\\\\"}).eol == "\n\\");
}

TEST_CASE("macros stand for the mail and its recipients", "[pipe]")
{
    CHECK(expanded({"${sender}", "$sender", "$(sender)", "a$$b"}) == "Joe.User@Example.COM|Joe.User@Example.COM|Joe.User@Example.COM|a$b");
    CHECK(expanded({"${recipient}", "${user}", "${extension}", "${mailbox}", "${domain}"}) == "Ann+News@Example.NET|Ann|News|Ann+News|Example.NET");
    CHECK(expanded({"${original_recipient}", "${nexthop}", "${queue_id}", "${size}"}) == "Ann+News@Example.NET|Next.Example|4abcQID|1234");
    CHECK(expanded({"${client_address}", "x${envid}x"}) == "unknown|xx");
    CHECK(expanded({"${recipient}", "${user}", "${domain}", "${nexthop}", "${sender}"}, attributes({"flags=hu"})) ==
          "ann+news@example.net|ann|example.net|next.example|Joe.User@Example.COM");
}

TEST_CASE("an argument with a recipient is repeated for each of them", "[pipe]")
{
    CHECK(expanded({"-f", "${sender}", "-d", "to=${recipient}"}, attributes({}), "a@b", {"x@y", "z@y"}) == "-f|a@b|-d|to=x@y|to=z@y");
}

TEST_CASE("what a macro brings is never a macro, an option, or more than one argument", "[pipe]")
{
    CHECK(expanded({"${sender}"}, attributes({}), "${queue_id} $user;rm@x") == "${queue_id} $user;rm@x");
    CHECK(expanded({"${sender}"}, attributes({}), "-oQ/tmp@x") == "5.1.7 bad address syntax: \"-oQ/tmp@x\" begins with a dash");
    CHECK(expanded({"${recipient}"}, attributes({}), "a@b", {"-v@x"}) == "5.1.3 bad address syntax: \"-v@x\" begins with a dash");
    CHECK(expanded({"-f${sender}"}, attributes({}), "-a@b") == "-f-a@b");
}

TEST_CASE("the null reverse-path has a name of its own", "[pipe]")
{
    CHECK(expanded({"${sender}"}, attributes({}), "") == "MAILER-DAEMON");
    CHECK(expanded({"<${sender}>"}, attributes({"null_sender="}), "") == "<>");
}

TEST_CASE("local parts are quoted where they must be", "[pipe]")
{
    CHECK(quoted("a.b@c") == "a.b@c");
    CHECK(quoted("a b@c") == "\"a b\"@c");
    CHECK(quoted("a\"\\@c") == "\"a\\\"\\\\\"@c");
    CHECK(quoted(".a@c") == "\".a\"@c");
    CHECK(quoted("a@b@c") == "\"a@b\"@c");
    CHECK(quoted("j\xc3\xb8@c") == "j\xc3\xb8@c");
    CHECK(quoted("") == "");
    CHECK(expanded({"${sender}", "${recipient}"}, attributes({"flags=q"}), "a b@c", {"x y@z"}) == "\"a b\"@c|\"x y\"@z");
}

TEST_CASE("header lines in front of the message are those of the flags", "[pipe]")
{
    service::DeliveryRequest request;
    request.reverse_path = "a b@c";
    service::DeliveryRecipient recipient{0, "r@d", "orig@d", "", ""};
    CHECK(leading_lines(request, recipient, attributes({"flags=FROD"}), "Tue Mar  3 10:15:42 2026") ==
          "From \"a b\"@c  Tue Mar  3 10:15:42 2026\nReturn-Path: <\"a b\"@c>\nX-Original-To: orig@d\nDelivered-To: r@d\n");
    CHECK(leading_lines(request, recipient, attributes({}), "x").empty());
    recipient.orig_to.clear();
    request.reverse_path.clear();
    CHECK(leading_lines(request, recipient, attributes({"flags=RO"}), "x", "\r\n") == "Return-Path: <MAILER-DAEMON>\r\nX-Original-To: r@d\r\n");
}

TEST_CASE("a mail that was here before is recognised by its header only", "[pipe]")
{
    CHECK(was_delivered_to("Subject: x\nDelivered-To:  A@B \n\nbody", "a@b"));
    CHECK_FALSE(was_delivered_to("Subject: x\n\nDelivered-To: a@b\n", "a@b"));
    CHECK_FALSE(was_delivered_to("Delivered-To: other@b\n", "a@b"));
    CHECK_FALSE(was_delivered_to("", "a@b"));
}

TEST_CASE("the message is changed as the flags say and not otherwise", "[pipe]")
{
    CHECK(content("a\nFrom b\n.c\n\n", {}) == "a\nFrom b\n.c\n\n");
    CHECK(content("a\nb", {}) == "a\nb\n");
    CHECK(content("a\n", {"flags=B"}) == "a\n\n");
    CHECK(content("From a\nb\nFrom c\n.From\nFromage\n", {"flags=.>"}) == ">From a\nb\n>From c\n..From\nFromage\n");
    CHECK(content("a\n.\nb", {"flags=B.", "eol=\\r\\n"}) == "a\r\n..\r\nb\r\n\r\n");
    CHECK(content("", {}) == "");
    CHECK(content("x\n", {}, "Return-Path: <a>\n") == "Return-Path: <a>\nx\n");
    CHECK(content("From", {"flags=>"}) == "From\n");
}

TEST_CASE("lines that cross the border of two pieces are seen whole", "[pipe]")
{
    for (std::size_t before = 65530; before <= 65537; ++before) {
        std::string message = std::string(before, 'x') + "\nFrom me\n.dot\n";
        CHECK(content(message, {"flags=.>"}) == std::string(before, 'x') + "\n>From me\n..dot\n");
    }
}
