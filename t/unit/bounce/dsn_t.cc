#include "bounce/dsn.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "mime/header.h"

using namespace mta;
using bounce::Kind;

namespace {

struct Settings {
    explicit Settings(const std::string& main_cf = "", const std::string& host = "mail.example.com")
        : config(*config::Config::parse(cat("myhostname = ", host, "\nmyorigin = example.com\n", main_cf))), params(config)
    {
    }
    config::Config config;
    bounce::Params params;
};

// A mail with a recipient for each outcome: "bounced", "expired", "deferred", "sent", or "" for none yet.
queue::Mail mail_with(const std::vector<std::string>& actions, const std::string& notify = "")
{
    queue::Mail mail;
    mail.envelope.queue_id = "4XQ1";
    mail.envelope.reverse_path = "me@example.org";
    mail.envelope.arrival = 1'700'000'000'000'000;
    for (const auto& action : actions) {
        mail.envelope.recipients.push_back({cat("user", mail.outcomes.size(), "@example.net"), "", "", notify});
        queue::Outcome outcome;
        outcome.action = action;
        outcome.status = action == "sent" ? "2.0.0" : action == "bounced" ? "5.1.1" : "4.4.1";
        outcome.text = "what happened";
        outcome.time = mail.envelope.arrival;
        mail.outcomes.push_back(action.empty() ? std::nullopt : std::optional(outcome));
    }
    return mail;
}

std::string format(const queue::Mail& mail, Kind kind, const Settings& settings, const std::string& content = "Subject: original\n\nbody\n", bool is_whole = true)
{
    bounce::Report report{kind, "4XQ2", mail.envelope.reverse_path, 1'700'000'100'000'000, content, is_whole, false};
    return bounce::format(mail, bounce::recipients_for(mail, kind), report, settings.params);
}

// The parts between the boundaries; checks that these are where RFC 2046 wants them.
std::vector<std::string> parts_of(const std::string& message)
{
    auto header = message.substr(0, mime::header_size(message));
    auto type = mime::Header(header).value("Content-Type").value_or("");
    auto begin = type.find("boundary=\"") + 10;
    auto boundary = type.substr(begin, type.find('"', begin) - begin);
    REQUIRE_FALSE(boundary.empty());
    CHECK(boundary.size() <= 70);
    CHECK(message.ends_with(cat("\n--", boundary, "--\n")));
    std::vector<std::string> parts;
    auto delimiter = cat("\n--", boundary, "\n");
    auto at = message.find(delimiter);
    while (at != std::string::npos) {
        at += delimiter.size();
        auto end = message.find(cat("\n--", boundary), at);
        parts.push_back(message.substr(at, end - at));
        at = message.find(delimiter, end);
    }
    return parts;
}

// The groups of fields of a message/delivery-status part (RFC 3464 section 2.1).
std::vector<std::string> groups_of(const std::string& part)
{
    std::vector<std::string> groups;
    auto rest = part.substr(mime::header_size(part));
    while (!rest.empty()) {
        auto size = mime::header_size(rest);
        groups.push_back(rest.substr(0, size));
        rest.erase(0, size);
    }
    return groups;
}

std::string field(const std::string& block, std::string_view name) { return mime::Header(block).value(name).value_or("(none)"); }

}  // namespace

TEST_CASE("a DSN is a multipart/report of three parts", "[bounce]")
{
    Settings settings;
    auto dsn = format(mail_with({"bounced"}), Kind::failure, settings);
    CHECK(field(dsn, "Content-Type").starts_with("multipart/report; report-type=delivery-status;"));
    CHECK(field(dsn, "From") == "MAILER-DAEMON@example.com (Mail Delivery System)");
    CHECK(field(dsn, "To") == "me@example.org");
    CHECK(field(dsn, "Auto-Submitted") == "auto-replied");
    CHECK(field(dsn, "Subject") == "Undelivered Mail Returned to Sender");
    CHECK(field(dsn, "MIME-Version") == "1.0");
    CHECK(field(dsn, "Message-Id") == "<20231114221500.4XQ2@mail.example.com>");
    auto parts = parts_of(dsn);
    REQUIRE(parts.size() == 3);
    CHECK(field(parts[0], "Content-Type") == "text/plain; charset=utf-8");
    CHECK(parts[0].find("<user0@example.net>: what happened") != std::string::npos);
    CHECK(field(parts[1], "Content-Type") == "message/delivery-status");
    CHECK(field(parts[2], "Content-Type") == "message/rfc822");
    CHECK(parts[2].ends_with("\n\nSubject: original\n\nbody\n"));
}

TEST_CASE("a delivery report has a group for the mail and one for each recipient", "[bounce]")
{
    Settings settings;
    auto mail = mail_with({"bounced", "sent", "expired"});
    mail.envelope.envid = "QQ+2B1";
    mail.envelope.recipients[0].orcpt = "rfc822;Old+2Bx@example.com";
    mail.envelope.recipients[2].original = "alias@example.com";
    mail.outcomes[0]->mta = "mx.example.net";
    mail.outcomes[0]->reply = "550 5.1.1 No such user";
    auto groups = groups_of(parts_of(format(mail, Kind::failure, settings)).at(1));
    REQUIRE(groups.size() == 3);
    CHECK(field(groups[0], "Reporting-MTA") == "dns; mail.example.com");
    CHECK(field(groups[0], "Original-Envelope-Id") == "QQ+1");
    CHECK(field(groups[0], "Arrival-Date").find("Nov 2023") != std::string::npos);
    CHECK(field(groups[1], "Original-Recipient") == "rfc822; Old+x@example.com");
    CHECK(field(groups[1], "Final-Recipient") == "rfc822; user0@example.net");
    CHECK(field(groups[1], "Action") == "failed");
    CHECK(field(groups[1], "Status") == "5.1.1");
    CHECK(field(groups[1], "Remote-MTA") == "dns; mx.example.net");
    CHECK(field(groups[1], "Diagnostic-Code") == "smtp; 550 5.1.1 No such user");
    CHECK(field(groups[2], "Original-Recipient") == "rfc822; alias@example.com");
    CHECK(field(groups[2], "Final-Recipient") == "rfc822; user2@example.net");
    CHECK(field(groups[2], "Action") == "failed");
    CHECK(field(groups[2], "Diagnostic-Code") == "X-Buuta; what happened");
}

TEST_CASE("what is no status does not get into a delivery report", "[bounce]")
{
    Settings settings;
    auto mail = mail_with({"bounced"});
    mail.outcomes[0]->status = "5.1.1\n\nFinal-Recipient: rfc822; other@example.net";
    auto groups = groups_of(parts_of(format(mail, Kind::failure, settings)).at(1));
    REQUIRE(groups.size() == 2);
    CHECK(field(groups[1], "Status") == "5.0.0");
    mail.outcomes[0]->action = "deferred";
    mail.outcomes[0]->status = "";
    CHECK(field(groups_of(parts_of(format(mail, Kind::delay, settings)).at(1)).at(1), "Status") == "4.0.0");
}

TEST_CASE("delays and successes say so", "[bounce]")
{
    Settings settings;
    auto delayed = groups_of(parts_of(format(mail_with({"deferred"}), Kind::delay, settings, "A: b\n", false)).at(1));
    CHECK(field(delayed.at(1), "Action") == "delayed");
    auto mail = mail_with({"sent", "sent"}, "SUCCESS");
    mail.outcomes[1]->relayed = true;
    auto dsn = format(mail, Kind::success, settings, "A: b\n", false);
    CHECK(field(dsn, "Subject") == "Successful Mail Delivery Report");
    auto groups = groups_of(parts_of(dsn).at(1));
    CHECK(field(groups.at(1), "Action") == "delivered");
    CHECK(field(groups.at(2), "Action") == "relayed");
    CHECK(field(parts_of(dsn).at(2), "Content-Type") == "text/rfc822-headers");
}

TEST_CASE("texts and addresses of others cannot break a report", "[bounce]")
{
    Settings settings;
    auto mail = mail_with({"bounced"});
    mail.envelope.recipients[0].address = "a\nAction: delivered b@example.net";
    mail.outcomes[0]->reply = "550 x\r\n\r\nFinal-Recipient: rfc822; forged " + std::string(3000, 'y');
    mail.envelope.reverse_path = "a b@example.org";
    auto dsn = format(mail, Kind::failure, settings);
    CHECK(field(dsn, "To") == "\"a b\"@example.org");
    auto groups = groups_of(parts_of(dsn).at(1));
    REQUIRE(groups.size() == 2);
    CHECK(mime::Header(groups[1]).count("Action") == 1);
    CHECK(mime::Header(groups[1]).count("Final-Recipient") == 1);
    CHECK(field(groups[1], "Action") == "failed");
}

TEST_CASE("the boundary stays within its limit for any host name", "[bounce]")
{
    Settings settings("", cat(std::string(60, 'a'), ".", std::string(60, 'b'), ".example.com"));
    CHECK(parts_of(format(mail_with({"bounced"}), Kind::failure, settings)).size() == 3);
}

TEST_CASE("a returned message without a line end at its end does not swallow the boundary", "[bounce]")
{
    Settings settings;
    CHECK(parts_of(format(mail_with({"bounced"}), Kind::failure, settings, "A: b\n\nno end")).at(2).ends_with("no end\n"));
}

TEST_CASE("NOTIFY decides who is told of what", "[bounce]")
{
    struct Case { std::string action, notify; bool failure, delay, success; };
    for (const auto& c : {Case{"bounced", "", true, false, false}, {"expired", "", true, false, false}, {"deferred", "", false, true, false},
                          {"sent", "", false, false, false}, {"", "", false, false, false}, {"bounced", "NEVER", false, false, false},
                          {"deferred", "NEVER", false, false, false}, {"sent", "NEVER", false, false, false}, {"bounced", "SUCCESS", false, false, false},
                          {"bounced", "SUCCESS,FAILURE", true, false, false}, {"deferred", "FAILURE", false, false, false},
                          {"deferred", "DELAY", false, true, false}, {"sent", "SUCCESS", false, false, true}}) {
        INFO(c.action << " " << c.notify);
        auto mail = mail_with({c.action}, c.notify);
        CHECK(bounce::recipients_for(mail, Kind::failure).size() == c.failure);
        CHECK(bounce::recipients_for(mail, Kind::delay).size() == c.delay);
        CHECK(bounce::recipients_for(mail, Kind::success).size() == c.success);
    }
    auto told = mail_with({"bounced"});
    told.outcomes[0]->notified = true;
    CHECK(bounce::recipients_for(told, Kind::failure).empty());
}

TEST_CASE("a DSN goes to the sender with a null reverse-path", "[bounce]")
{
    Settings settings;
    auto plan = bounce::plan(mail_with({"sent", "bounced"}), Kind::failure, settings.params);
    REQUIRE(plan);
    CHECK(plan->recipients == std::vector<std::size_t>{1});
    CHECK(plan->to == "me@example.org");
    CHECK(plan->reverse_path.empty());
    CHECK_FALSE(plan->is_double);
    CHECK_FALSE(bounce::plan(mail_with({"sent"}), Kind::failure, settings.params));
}

TEST_CASE("of failed notifications postmaster is told, and of nothing after that", "[bounce]")
{
    Settings settings;
    auto mail = mail_with({"bounced"});
    mail.envelope.reverse_path.clear();
    auto plan = bounce::plan(mail, Kind::failure, settings.params);
    REQUIRE(plan);
    CHECK(plan->is_double);
    CHECK(plan->to == "postmaster@example.com");
    CHECK(plan->reverse_path == "double-bounce@example.com");
    auto delayed = mail_with({"deferred"});
    delayed.envelope.reverse_path.clear();
    CHECK_FALSE(bounce::plan(delayed, Kind::delay, settings.params));
    CHECK_FALSE(bounce::plan(mail, Kind::failure, Settings("notify_classes = resource\n").params));
    mail.envelope.reverse_path = plan->reverse_path;
    CHECK_FALSE(bounce::plan(mail, Kind::failure, settings.params));
}

TEST_CASE("postmaster hears of undeliverable notifications, which have NOTIFY=NEVER", "[bounce]")
{
    auto mail = mail_with({"bounced"}, "NEVER");
    mail.envelope.reverse_path.clear();
    CHECK(bounce::recipients_for(mail, Kind::failure).size() == 1);
    auto delayed = mail_with({"deferred"}, "NEVER");
    delayed.envelope.reverse_path.clear();
    CHECK(bounce::recipients_for(delayed, Kind::delay).empty());
}
