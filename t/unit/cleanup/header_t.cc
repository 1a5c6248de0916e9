#include "cleanup/header.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "mime/header.h"

using namespace mta;

namespace {

class Cleanup {
public:
    explicit Cleanup(const std::string& main_cf = "") : config_(*config::Config::parse("myhostname = mail.example.com\nmyorigin = example.com\n" + main_cf)), params_(config_)
    {
        mail.queue_id = "4XQ1";
        mail.origin = "local";
        mail.reverse_path = "me@example.com";
        mail.arrival = 1'700'000'000'000'000;  // 2023-11-14 22:13:20 UTC
    }
    Result<cleanup::Header> edit(std::string_view block) const { return cleanup::edit_header(block, mail, params_); }
    service::Mail mail;

private:
    config::Config config_;
    cleanup::Params params_;
};

std::string value(const cleanup::Header& header, std::string_view name) { return mime::Header(header.text).value(name).value_or("(none)"); }

}  // namespace

TEST_CASE("local mail gets the fields that it lacks", "[cleanup]")
{
    Cleanup cleanup;
    auto header = cleanup.edit("Subject: x\n\n");
    REQUIRE(header);
    CHECK(value(*header, "Message-ID") == "<20231114221320.4XQ1@mail.example.com>");
    CHECK(value(*header, "From") == "me@example.com");
    CHECK(value(*header, "Date").find("Nov 2023") != std::string::npos);
    CHECK(header->message_id == "<20231114221320.4XQ1@mail.example.com>");
    CHECK(header->text.ends_with("Subject: x\n\n"));
    CHECK(value(*header, "To") == "(none)");
}

TEST_CASE("fields that are there stay as they are", "[cleanup]")
{
    Cleanup cleanup;
    std::string block = "Date: yesterday\nMESSAGE-ID: <1@example.org>\nFrom:\n Other <o@example.org>\nTo: a\n\n";
    auto header = cleanup.edit(block);
    CHECK(header->text == block);
    CHECK(header->message_id == "<1@example.org>");
}

TEST_CASE("a text that ends with a lone CR keeps what stands before it", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.origin = "smtp";
    CHECK(cleanup.edit("\r")->text == "\r");
    CHECK(cleanup.edit("Subject: x\n\r")->text == "Subject: x\n\r");
    CHECK(cleanup.edit("Subject: x\r")->text == "Subject: x\r\n");
}

TEST_CASE("trace fields stay on top", "[cleanup]")
{
    Cleanup cleanup;
    auto header = cleanup.edit("Received: by one\nReceived: by\n two\nSubject: x\nReceived: odd\n\n");
    CHECK(header->text.starts_with("Received: by one\nReceived: by\n two\nDate: "));
    CHECK(header->text.ends_with("Subject: x\nReceived: odd\n\n"));
}

TEST_CASE("mail from the network and internal mail get no fields", "[cleanup]")
{
    Cleanup cleanup;
    for (const auto* origin : {"smtp", "gateway", "internal"}) {
        cleanup.mail.origin = origin;
        CHECK(cleanup.edit("Subject: x\n\n")->text == "Subject: x\n\n");
        CHECK(cleanup.edit("")->text.empty());
    }
}

TEST_CASE("a missing From field has the full name, quoted if need be, and MAILER-DAEMON for the null sender", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.full_name = "Anna Beispiel";
    CHECK(value(*cleanup.edit("\n"), "From") == "Anna Beispiel <me@example.com>");
    cleanup.mail.full_name = "Dr. \"A\" <x>";
    CHECK(value(*cleanup.edit("\n"), "From") == "\"Dr. \\\"A\\\" <x>\" <me@example.com>");
    cleanup.mail.full_name.clear();
    cleanup.mail.reverse_path.clear();
    CHECK(value(*cleanup.edit("\n"), "From") == "MAILER-DAEMON@example.com");
}

TEST_CASE("Bcc and other fields of message_drop_headers go, from any mail", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.origin = "smtp";
    CHECK(cleanup.edit("A: 1\nBCC: x@example.org,\n y@example.org\nReturn-Path: <z>\nContent-Length: 3\nResent-Bcc: q\nB: 2\n\n")->text == "A: 1\nB: 2\n\n");
    Cleanup other("message_drop_headers = x-secret\n");
    other.mail.origin = "smtp";
    CHECK(other.edit("Bcc: a\nX-Secret: b\n")->text == "Bcc: a\n");
}

TEST_CASE("a header without an end gets a line end, and one of a mail without a body is kept whole", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.origin = "smtp";
    CHECK(cleanup.edit("Subject: x")->text == "Subject: x\n");
    CHECK(cleanup.edit("\n")->text == "\n");
}

TEST_CASE("-t takes recipients from To, Cc and Bcc", "[cleanup]")
{
    Cleanup cleanup;
    CHECK(cleanup.edit("To: a@example.org\n\n")->recipients.empty());
    cleanup.mail.extract_recipients = true;
    auto header = cleanup.edit("To: A <a@example.org>, root, friends: b@example.org, c@example.org;\nCC: \"d e\"@example.org\nBcc: f@example.org\nReply-To: g@example.org\n\n");
    REQUIRE(header);
    CHECK(header->recipients == std::vector<std::string>{"a@example.org", "root@example.com", "b@example.org", "c@example.org", "d e@example.org", "f@example.org"});
    CHECK(header->text.find("f@example.org") == std::string::npos);
}

TEST_CASE("-t leaves nobody out of a long list", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.extract_recipients = true;
    std::string block = "To: ";
    for (int i = 0; i < 3000; ++i)
        block += cat("u", i, "@example.org,\n ");
    auto header = cleanup.edit(block + "last@example.org\n\n");
    REQUIRE(header);
    CHECK(header->recipients.size() == 3001);
}

TEST_CASE("-t refuses the mail if a recipient is none", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.extract_recipients = true;
    auto header = cleanup.edit("To: a@example.org, \"b\x01\"@example.org\n\n");
    REQUIRE_FALSE(header);
    CHECK(header.error().status == "5.1.3");
}

TEST_CASE("resent mail gets Resent- fields, and -t uses those only", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.extract_recipients = true;
    auto header = cleanup.edit("Resent-To: new@example.org\nFrom: old@example.org\nTo: before@example.org\nMessage-ID: <old@example.org>\n\n");
    REQUIRE(header);
    CHECK(header->recipients == std::vector<std::string>{"new@example.org"});
    CHECK(value(*header, "Resent-From") == "me@example.com");
    CHECK(value(*header, "Resent-Date") != "(none)");
    CHECK(header->message_id_is_resent);
    CHECK(header->message_id == "<20231114221320.4XQ1@mail.example.com>");
    CHECK(value(*header, "Message-ID") == "<old@example.org>");
    CHECK(value(*header, "Date") == "(none)");
}

TEST_CASE("undisclosed_recipients_header shows that there are recipients", "[cleanup]")
{
    Cleanup cleanup("undisclosed_recipients_header = To: undisclosed-recipients:;\n");
    CHECK(value(*cleanup.edit("Subject: x\n\n"), "To") == "undisclosed-recipients:;");
    CHECK(value(*cleanup.edit("Cc: a@example.org\n\n"), "To") == "(none)");
}

TEST_CASE("a header field over the limit is refused", "[cleanup]")
{
    Cleanup cleanup("header_size_limit = 100\n");
    auto header = cleanup.edit(cat("Subject: ", std::string(100, 'x'), "\n\n"));
    REQUIRE_FALSE(header);
    CHECK(header.error().status == "5.3.4");
}

TEST_CASE("a header is taken to its limits, whole, and refused beyond them", "[cleanup][limits]")
{
    Cleanup cleanup;
    cleanup.mail.origin = "smtp";
    auto field = [](std::size_t bytes) { return cat("X: ", std::string(bytes - 4, 'x'), "\n"); };
    auto fields = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i)
            text += "A: b\n";
        return text;
    };
    auto status = [&](const std::string& block) {
        auto header = cleanup.edit(block + "\n");
        if (header)
            CHECK(header->text == block + "\n");
        return header ? std::string("taken") : header.error().status;
    };
    constexpr std::size_t field_bytes = 65536, block_bytes = 524288;
    for (auto bytes : {field_bytes - 1, field_bytes})
        CHECK(status(field(bytes)) == "taken");
    CHECK(status(field(field_bytes + 1)) == "5.3.4");
    std::string seven;
    for (int i = 0; i < 7; ++i)
        seven += field(field_bytes);
    for (auto last : {block_bytes - 2, block_bytes - 1})  // with the empty line
        CHECK(status(seven + field(last - seven.size())) == "taken");
    CHECK(status(seven + field(block_bytes - seven.size())) == "5.3.4");
    for (std::size_t count : {999u, 1000u})
        CHECK(status(fields(count)) == "taken");
    CHECK(status(fields(1001)) == "5.6.0");
    Cleanup larger("header_block_size_limit = none\nheader_field_count_limit = none\n");
    CHECK(larger.edit(fields(200000) + "\n"));
    CHECK_FALSE(larger.edit(fields(210000) + "\n"));  // 1 MiB anyway
}

TEST_CASE("an author's address that needs quotes gets them, and cannot add lines", "[cleanup]")
{
    Cleanup cleanup;
    cleanup.mail.reverse_path = "john smith@example.com";
    CHECK(value(*cleanup.edit("\n"), "From") == "\"john smith\"@example.com");
    cleanup.mail.reverse_path = "a\nBcc: x@example.com";
    CHECK(value(*cleanup.edit("\n"), "Bcc") == "(none)");
}
