#include <fstream>

#include "client.h"

using namespace mta;
using test::Client;

namespace {

// "LIST "" {9+}CRLF123456789 {1+}CRLFx..." with so many literals, to be sent without waiting.
std::string with_literals(std::string_view tag, std::size_t count)
{
    auto text = cat(tag, " ID (");
    for (std::size_t i = 0; i < count; ++i)
        text += cat(i == 0 ? "" : " ", "{1+}\r\nx");
    return text + ")\r\n";
}

}  // namespace

TEST_CASE("a command line has 64 KiB", "[imapd][limits]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    auto line = [](std::string_view tag, std::size_t bytes) { return cat(tag, " ENABLE ", std::string(bytes - tag.size() - 8, 'X'), "\r\n"); };
    for (std::size_t bytes : {65535u, 65536u}) {
        client.send(line("a", bytes));
        CHECK(client.answer("a").ends_with("+ OK ENABLE completed"));
    }
    client.send(line("b", 65537));
    CHECK(client.line() == "* BAD The command is too long");
    CHECK(client("NOOP") == "+ OK NOOP completed");
}

TEST_CASE("the arguments of a command have 1 MiB together", "[imapd][limits]")
{
    constexpr std::size_t mib = 1u << 20;
    test::TemporaryDirectory directory;
    Client client(directory.path());
    // Three literals and what is between them.
    auto command = [](std::string_view tag, std::size_t bytes) {
        constexpr std::size_t literal = 300000;
        auto head = cat(tag, " ID (\"a\" {", literal, "+}\r\n", std::string(literal, 'x'), " \"b\" {", literal, "+}\r\n", std::string(literal, 'x'), " \"c\" {");
        auto last = bytes - head.size() - std::string_view("400000+}\r\n)").size();
        return cat(head, last, "+}\r\n", std::string(last, 'x'), ")\r\n");
    };
    for (auto bytes : {mib - 1, mib}) {
        client.send(command("a", bytes));
        CHECK(client.answer("a").ends_with("+ OK ID completed"));
    }
    client.send(command("b", mib + 1));
    CHECK(client.answer("b") == "+ BAD The command is too long");
    client.send(cat("c ID (\"a\" {", mib + 1, "+}\r\n", std::string(mib + 1, 'x'), ")\r\n"));
    CHECK(client.answer("c") == "+ BAD The command is too long");
    CHECK(client.with_literal(cat("ID (\"a\""), std::string(mib, 'x'), ")") == "+ BAD The command is too long");
    CHECK(client("NOOP") == "+ OK NOOP completed");
}

TEST_CASE("a command has 1,000 literals", "[imapd][limits]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path(), "imapd_error_limit = 3\n");
    for (std::size_t count : {999u, 1000u}) {
        client.send(with_literals("a", count));
        CHECK(client.answer("a").ends_with("+ OK ID completed"));
    }
    client.send(with_literals("b", 1001));
    CHECK(client.answer("b") == "+ BAD The command is too long");
    std::string messages = "c APPEND INBOX";
    for (int i = 0; i < 1001; ++i)
        messages += " {1+}\r\nx";
    client.send(messages + "\r\n");
    CHECK(client.answer("c") == "+ BAD The command is too long");
    CHECK(client("STATUS INBOX (MESSAGES)").starts_with("* STATUS \"INBOX\" (MESSAGES 0)"));
}

TEST_CASE("a search nests 32 deep", "[imapd][limits]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    auto search = [](std::size_t depth) { return cat("SEARCH ", std::string(depth - 1, '('), "ALL", std::string(depth - 1, ')')); };
    for (std::size_t depth : {31u, 32u})
        CHECK(client(search(depth)) == "* SEARCH\n+ OK SEARCH completed");
    CHECK(client(search(33)) == "+ BAD The search is too complex");
}

// Before, half a million field names in a megabyte made sixteen of it.
TEST_CASE("a command that becomes larger than its text is refused in time", "[imapd][limits]")
{
    test::TemporaryDirectory directory;
    Client client(directory.path());
    client("SELECT INBOX");
    client.append("INBOX", "Subject: x\r\n\r\nx");
    std::string names = "A";
    for (int literal = 0; literal < 3; ++literal) {
        for (int i = 0; i < 30000; ++i)
            names += " A";
        names += " {1+}\r\nA";
    }
    auto fetch = cat("FETCH 1 (BODY.PEEK[HEADER.FIELDS (", names, ")])");
    CHECK(client(fetch) == "+ BAD The command is too complex");
    CHECK(client("FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])").ends_with("+ OK FETCH completed"));
    Client roomy(directory.path(), "authenticated_client_memory_limit = none\n");
    roomy("SELECT INBOX");
    CHECK(roomy(fetch).ends_with("+ OK FETCH completed"));
    Client narrow(directory.path(), "authenticated_client_memory_limit = 1000\n");
    CHECK(narrow.with_literal("SELECT", std::string(1000, 'x')) == "+ BAD The command is too long");
    CHECK(narrow("NOOP") == "+ OK NOOP completed");
}

TEST_CASE("main.cf says how much of a message's structure is looked at", "[imapd][limits]")
{
    const std::string message = "To: a@b, c@d, e@f\r\nCc: g@h, i@j\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\none\r\n--a\r\n"
                                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntwo\r\n--b--\r\n--a--\r\n";
    auto fetched = [&](const std::string& main_cf, const std::string& item) {
        test::TemporaryDirectory directory;
        Client client(directory.path(), main_cf);
        client("SELECT INBOX");
        client.append("INBOX", message, "");
        return client(cat("FETCH 1 ", item));
    };
    CHECK(fetched("", "BODY").find("(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 0) \"mixed\") \"mixed\")") != std::string::npos);
    CHECK(fetched("mime_depth_limit = 2\n", "BODY").find("(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\"") != std::string::npos);
    CHECK(fetched("mime_depth_limit = 1\n", "BODY").find("(BODY (\"application\" \"octet-stream\" NIL") != std::string::npos);
    CHECK(fetched("mime_part_limit = 2\n", "BODY").find("(BODY ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 72 7) \"mixed\")") != std::string::npos);
    CHECK(fetched("", "ENVELOPE").find("((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")(NIL NIL \"e\" \"f\")) ((NIL NIL \"g\" \"h\")(NIL NIL \"i\" \"j\"))") != std::string::npos);
    CHECK(fetched("imapd_field_address_limit = 1\n", "ENVELOPE").find("((NIL NIL \"a\" \"b\")) ((NIL NIL \"g\" \"h\"))") != std::string::npos);
    CHECK(fetched("imapd_message_address_limit = 4\n", "ENVELOPE").find("(NIL NIL \"e\" \"f\")) ((NIL NIL \"g\" \"h\"))") != std::string::npos);
}
