#include "virtual/delivery.h"

#include "../maildir/fixture.h"

namespace mta::virtual_delivery {
namespace {

using maildir::test::content_of;
using maildir::test::files_in;
using maildir::test::Place;

// What the agent has of main.cf.
struct Settings {
    explicit Settings(const std::string& main_cf)
        : config(*config::Config::parse(main_cf)), common(config), params(config), mailboxes(*Mailboxes::open(params, common))
    {
    }
    config::Config config;
    config::Common common;
    Params params;
    Mailboxes mailboxes;
};

// A mail in a queue file.
class Mail {
public:
    explicit Mail(const std::string& text)
    {
        char name[] = "/tmp/virtual_t.XXXXXX";
        fd_.reset(::mkstemp(name));
        ::unlink(name);
        REQUIRE(write_all(fd_.get(), "envelope" + text));
        request.queue_id = "4XQ1";
        request.reverse_path = "sender@example.org";
        request.offset = 8;
        request.size = static_cast<std::int64_t>(text.size());
        request.arrival = std::time(nullptr) * std::int64_t{1'000'000};
    }
    deliver::Outcome to(const Settings& settings, const std::string& address, const std::string& orig_to = "", bool checks_owner = false)
    {
        service::DeliveryRecipient recipient;
        recipient.address = address;
        recipient.orig_to = orig_to;
        return Delivery(settings.params, settings.mailboxes, request, fd_.get(), checks_owner).to(recipient);
    }
    service::DeliveryRequest request;

private:
    Fd fd_;
};

std::string maps(const Place& place)
{
    return cat("myhostname = mx.example.com\nrecipient_delimiter = +\nvirtual_mailbox_base = ", place.path(),
               "\nvirtual_mailbox_maps = inline:{ { anna@example.com = example.com/anna/ }, { file@example.com = example.com/file } }\n");
}

}  // namespace

TEST_CASE("mail goes into the maildir of its recipient, once", "[virtual]")
{
    const Place place;
    const Settings settings(maps(place));
    Mail mail("Subject: x\n\nbody\n");
    auto outcome = mail.to(settings, "anna@example.com", "info@example.com");
    CHECK(outcome.action == deliver::Action::sent);
    CHECK(outcome.status == "2.0.0");
    CHECK(outcome.text == "delivered to maildir");
    CHECK(mail.to(settings, "anna@example.com").action == deliver::Action::sent);
    const auto box = place.path() + "/example.com/anna/new";
    REQUIRE(files_in(box).size() == 1);
    CHECK(content_of(box + "/" + files_in(box)[0]) == "Return-Path: <sender@example.org>\nX-Original-To: info@example.com\n"
                                                      "Delivered-To: anna@example.com\nSubject: x\n\nbody\n");
}

TEST_CASE("an extension finds its user, and a null reverse-path stays empty", "[virtual]")
{
    const Place place;
    const Settings settings(maps(place));
    Mail mail("\nbody\n");
    mail.request.reverse_path = "";
    CHECK(mail.to(settings, "anna+lists@example.com").action == deliver::Action::sent);
    const auto box = place.path() + "/example.com/anna/new";
    REQUIRE(files_in(box).size() == 1);
    CHECK(content_of(box + "/" + files_in(box)[0]) == "Return-Path: <>\nDelivered-To: anna+lists@example.com\n\nbody\n");
}

TEST_CASE("what cannot be delivered says why", "[virtual]")
{
    const Place place;
    const Settings settings(maps(place));
    Mail mail("Received: x\nDelivered-To: Anna@Example.com\n\nbody\n");
    auto loop = mail.to(settings, "anna@example.com");
    CHECK(loop.action == deliver::Action::bounced);
    CHECK(loop.status == "5.4.6");
    CHECK(loop.text == "mail forwarding loop for anna@example.com");
    auto unknown = mail.to(settings, "nobody@example.com");
    CHECK(unknown.action == deliver::Action::bounced);
    CHECK(unknown.status == "5.1.1");
    CHECK(unknown.text == "unknown user: \"nobody@example.com\"");
    auto mbox = mail.to(settings, "file@example.com");
    CHECK(mbox.action == deliver::Action::deferred);
    CHECK(mbox.text.find("only maildirs are supported") != std::string::npos);
    CHECK_FALSE(exists(place.path() + "/example.com"));

    const Settings relative("virtual_mailbox_maps = inline:{ { anna@example.com = anna/ } }\n");
    CHECK(Mail("\nx\n").to(relative, "anna@example.com").status == "4.3.5");
    const Settings broken("virtual_mailbox_maps = fail:broken\nvirtual_mailbox_base = /nowhere\n");
    CHECK(Mail("\nx\n").to(broken, "anna@example.com").action == deliver::Action::deferred);
}

TEST_CASE("a message over virtual_mailbox_limit bounces; without limit it is taken", "[virtual]")
{
    const Place place;
    const Settings small(maps(place) + "virtual_mailbox_limit = 10\n"), none(maps(place) + "virtual_mailbox_limit = 0\n");
    Mail mail("\n0123456789\n");
    auto outcome = mail.to(small, "anna@example.com");
    CHECK(outcome.action == deliver::Action::bounced);
    CHECK(outcome.status == "5.2.3");
    CHECK(mail.to(none, "anna@example.com").action == deliver::Action::sent);
}

TEST_CASE("a delivery that the file system refuses is deferred", "[virtual]")
{
    const Place place;
    maildir::test::write_file(place.path() + "/example.com", "in the way");
    auto outcome = Mail("\nx\n").to(Settings(maps(place)), "anna@example.com");
    CHECK(outcome.action == deliver::Action::deferred);
    CHECK(outcome.text.starts_with("maildir delivery failed: "));
}

TEST_CASE("a mailbox is used only as the owner that the tables name", "[virtual]")
{
    const Place place;
    const auto with = [&](const std::string& uid, const std::string& gid) {
        return Settings(maps(place) + "virtual_uid_maps = " + uid + "\nvirtual_gid_maps = " + gid + "\nvirtual_minimum_uid = 100\n").mailboxes;
    };
    const auto check = [&](const Mailboxes& mailboxes) { return mailboxes.check_owner("anna@example.com", 5000, 5001); };
    CHECK(check(with("static:5000", "static:5001")));
    for (const auto& [uid, gid, why] : std::vector<std::array<std::string, 3>>{
             {"static:5002", "static:5001", "the mailbox belongs to 5002:5001, this process to 5000:5001"},
             {"static:5000", "static:5002", "the mailbox belongs to 5000:5002"},
             {"static:99", "static:5001", "bad uid 99 in virtual_uid_maps"},
             {"static:root", "static:5001", "bad uid root"},
             {"static:5000", "static:0", "bad gid 0"},
             {"", "static:5001", "uid not found in virtual_uid_maps"},
             {"static:5000", "inline:{ { other@example.com = 5001 } }", "gid not found in virtual_gid_maps"}}) {
        const auto done = check(with(uid, gid));
        REQUIRE_FALSE(done);
        CHECK(done.error().status == "4.3.5");
        CAPTURE(done.error().text);
        CHECK(done.error().text.find(why) != std::string::npos);
    }
    CHECK(Mail("\nx\n").to(Settings(maps(place)), "anna@example.com", "", true).action == deliver::Action::deferred);
}

}  // namespace mta::virtual_delivery
