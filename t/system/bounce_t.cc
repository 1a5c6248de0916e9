#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/message.h"
#include "t/lib/suite.h"

// What senders are told about mail that could not be delivered, or was.
namespace mta {

namespace {

test::Suite& failing()
{
    static test::Suite suite(test::Settings{{"transport_maps", "inline:{ {fail.test=error:5.7.1 not wanted here} {later.test=retry:4.4.1 not now} }"},
                                            {"smtpd_reject_unlisted_recipient", "no"}});
    return suite;
}

// The notification as Python's email package understands it: one "name: value" a line.
constexpr std::string_view parser = R"PY(
import email, email.policy, sys
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
assert not m.defects, m.defects
print("type:", m.get_content_type(), m.get_param("report-type"))
print("from:", m["From"]); print("to:", m["To"]); print("subject:", m["Subject"]); print("auto:", m["Auto-Submitted"])
parts = list(m.iter_parts())
print("parts:", *[p.get_content_type() for p in parts])
for group in parts[1].get_payload():
    for name, value in group.items():
        print(name + ":", " ".join(value.split()))
original = parts[2].get_payload(0)
print("original subject:", original["Subject"])
)PY";

std::string parsed(const std::string& notification)
{
    auto outcome = test::run(cat("exec python3 -c ", test::shell_quoted(parser)), notification);
    INFO(outcome.output);
    REQUIRE(outcome.status == 0);
    return "\n" + outcome.output;
}

void check_lines(const std::string& text, std::initializer_list<std::string> lines)
{
    for (const auto& line : lines) {
        INFO("expected: " << line << "\nin: " << text);
        CHECK(text.find("\n" + line) != std::string::npos);
    }
}

// Takes the note that the sender was told, and what follows it, out of the mail's file, as if a crash had kept it from being written.
void lose_note(const std::string& path)
{
    constexpr std::size_t before_payload = 5;  // the type and the length
    using namespace std::string_literals;
    auto note = read_file(path)->find("note\0failures_told\0"s);
    REQUIRE(note != std::string::npos);
    std::filesystem::resize_file(path, note - before_payload);
}

bool is_noted(const std::string& path) { return read_file(path)->find("failures_told") != std::string::npos; }

std::string file_of(const test::Suite& suite, const std::string& id)
{
    for (const auto& entry : std::filesystem::recursive_directory_iterator(suite.queue_directory()))
        if (entry.path().filename() == id)
            return entry.path().string();
    FAIL(id << " is not in the queue");
    return {};
}

}  // namespace

TEST_CASE("mail that cannot be delivered comes back as a delivery status notification", "[system][bounce]")       // RFC 3464
{
    auto& suite = failing();
    auto subject = test::unique();
    auto id = suite.submit(test::message(subject, test::nasty_body()), {"x@fail.test", "user3@example.test", "y@fail.test"});
    auto notice = suite.log_line(cat(id, ": sender non-delivery notification: "));
    auto notification = suite.arrival(1, subject);
    suite.log_line(cat(notice.substr(notice.rfind(' ') + 1), ": from=<>, size="));
    auto facts = parsed(notification);
    check_lines(facts, {"type: multipart/report delivery-status\n", "to: user1@example.test\n", "subject: Undelivered Mail Returned to Sender\n",
                        "auto: auto-replied\n", "parts: text/plain message/delivery-status message/rfc822\n", "Reporting-MTA: dns; mail.example.test\n",
                        "Arrival-Date: ", "Final-Recipient: rfc822; x@fail.test\n", "Final-Recipient: rfc822; y@fail.test\n", "Action: failed\n",
                        "Status: 5.7.1\n", "Diagnostic-Code: X-", cat("original subject: ", subject, "\n")});
    CHECK(facts.find("user3@example.test") == std::string::npos);
    suite.arrival(3, subject);
    suite.log_line(cat(id, ": removed"));
}

TEST_CASE("a notification that cannot be delivered goes to postmaster", "[system][bounce]")
{
    auto& suite = failing();
    auto subject = test::unique();
    suite.submit(test::message(subject), {"x@fail.test"}, "nobody@fail.test");
    suite.log_line(": postmaster non-delivery notification: ");
    auto notification = suite.arrival(1, subject);
    check_lines(parsed(notification), {"type: multipart/report delivery-status\n", "to: postmaster"});
    suite.log_line("from=<double-bounce@mail\\.example\\.test>");
}

TEST_CASE("notifications are sent as the sender asked for them", "[system][bounce]")       // RFC 3461
{
    auto& suite = failing();
    auto client = suite.submission();
    auto subject = test::unique();
    client.talk({{"MAIL FROM:<user1@example.test> RET=HDRS ENVID=envelope+2Bid", "250"},
                 {"RCPT TO:<never@fail.test> NOTIFY=NEVER", "250"},
                 {"RCPT TO:<user4@example.test> NOTIFY=SUCCESS ORCPT=rfc822;first+2Bname@example.org", "250"},
                 {"DATA", "354"}});
    client.write(test::message(subject, "the body\r\n"));
    client.talk({{".", "250"}, {"QUIT", "221"}});
    auto notification = suite.arrival(1, subject);
    CHECK(notification.find("the body") == std::string::npos);
    for (std::string line : {"Original-Envelope-Id: envelope+id", "Original-Recipient: rfc822; first+name@example.org", "Final-Recipient: rfc822; user4@example.test",
                             "Action: delivered", "Status: 2.0.0"}) {
        INFO(line << " in " << notification);
        CHECK(notification.find(line) != std::string::npos);
    }
    CHECK(notification.find("never@fail.test") == std::string::npos);
    CHECK(suite.log_lines("notification: ").size() == 1);
}

TEST_CASE("mail is given up after its lifetime and the sender is told of the last reason", "[system][bounce]")
{
    test::Suite suite(test::Settings{{"transport_maps", "inline:{ {later.test=retry:4.4.1 not now} }"},
                                     {"minimal_backoff_time", "1s"},
                                     {"maximal_backoff_time", "1s"},
                                     {"maximal_queue_lifetime", "2s"}});
    auto subject = test::unique();
    auto id = suite.submit(test::message(subject), {"x@later.test"});
    suite.log_line(cat(id, ": to=<x@later\\.test>.*dsn=4\\.4\\.1, status=deferred \\(not now\\)"));
    suite.log_line(cat(id, ": from=<user1@example\\.test>, status=expired, returned to sender"));
    check_lines(parsed(suite.arrival(1, subject)), {"Action: failed\n", "Status: 4.4.1\n"});
    CHECK(suite.tool("postqueue -p").output == "Mail queue is empty\n");
}

// The queue after a crash between the notification and the note of it.
TEST_CASE("a crash that takes the note of a notification brings no second one", "[system][bounce]")
{
    const std::string transports = "fail.test=error:5.7.1 no} {later.test=retry:4.4.1 not now}";
    test::Suite suite(test::Settings{{"transport_maps", cat("inline:{ {user2@example.test=retry:4.4.1 not now} {", transports, " }")},
                                     {"smtpd_reject_unlisted_recipient", "no"}});
    auto subject = test::unique();
    auto id = suite.submit(test::message(subject), {"x@fail.test", "z@later.test"}, "user2@example.test");
    auto notice = suite.log_line(cat(id, ": sender non-delivery notification: "));
    auto dsn = notice.substr(notice.rfind(' ') + 1);
    suite.log_line(cat(dsn, ": to=<user2@example\\.test>.*status=deferred"));
    auto lose = [&] {
        suite.stop();
        lose_note(file_of(suite, id));
    };
    auto try_again = [&] {
        suite.tool("postqueue -f");
        suite.log_line(cat(id, ": to=<z@later\\.test>.*status=deferred"));
        CHECK(suite.log_lines("notification: ").empty());
    };
    lose();
    SECTION("and is seen while the notification waits")
    {
        suite.mark();
        suite.start();
        try_again();
        suite.log_line(cat(id, ": the sender has been told: ", dsn));
    }
    SECTION("and is seen when the notification goes, while the mail is on hold")
    {
        auto held = cat(suite.queue_directory(), "/hold/", id);
        std::filesystem::rename(file_of(suite, id), held);
        suite.write_file("main.cf", cat(*read_file(suite.get("CONFIG_DIRECTORY") + "/main.cf"), "transport_maps = inline:{ {", transports, " }\n"));
        suite.mark();
        suite.start();
        suite.tool("postqueue -f");
        suite.arrival(2, subject);
        suite.log_line(cat(dsn, ": removed"));
        CHECK(is_noted(held));
        CHECK(suite.tool(cat("postsuper -H ", id)).status == 0);
        try_again();
    }
    CHECK(is_noted(file_of(suite, id)));
    suite.stop();
}

}  // namespace mta
