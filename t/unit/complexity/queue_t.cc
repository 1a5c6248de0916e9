#include <catch2/catch.hpp>

#include "base/text.h"
#include "bounce/dsn.h"
#include "cleanup/aliases.h"
#include "growth.h"
#include "ipc/message.h"
#include "qmgr/destination.h"
#include "queue/directory.h"
#include "queue/id.h"
#include "service/cleanup.h"
#include "t/unit/queue/fixture.h"

// Mails with many recipients, and many mails.
namespace mta {

using test::check_growth;

namespace {

queue::Outcome outcome(std::size_t number, std::string action)
{
    queue::Outcome result;
    result.number = static_cast<long>(number);
    result.action = std::move(action);
    result.status = "4.4.1";
    result.text = "connect to mx.example[192.0.2.1]:25: Connection timed out";
    return result;
}

std::vector<queue::Recipient> recipients(std::size_t n)
{
    std::vector<queue::Recipient> all;
    for (std::size_t i = 0; i < n; ++i)
        all.push_back({cat("user", i, "@example.net"), "", "", ""});
    return all;
}

queue::Mail mail_with(std::size_t n, const std::string& action)
{
    queue::Mail mail;
    mail.envelope.queue_id = "4XQ1";
    mail.envelope.reverse_path = "me@example.org";
    mail.envelope.recipients = recipients(n);
    for (std::size_t i = 0; i < n; ++i)
        mail.outcomes.push_back(action.empty() ? std::nullopt : std::optional(outcome(i, action)));
    return mail;
}

}  // namespace

TEST_CASE("a queue file takes time in proportion to its recipients", "[complexity]")
{
    queue_test::TemporaryQueue place;
    queue::Directory queue(place.root);
    auto write = [&](std::size_t n) {
        queue::Envelope envelope;
        envelope.queue_id = queue::new_id();
        envelope.recipients = recipients(n);
        auto writer = queue.add(envelope);
        REQUIRE(writer);
        REQUIRE(writer->commit());
        return envelope.queue_id;
    };
    auto with_outcomes = [&](std::size_t n) {
        auto id = write(n);
        auto fd = queue.open(queue::State::incoming, id);
        for (std::size_t i = 0; i < n; ++i)
            REQUIRE(queue::Directory::append(fd->get(), outcome(i, "deferred"), false));
        return id;
    };
    check_growth("writing recipients", 500, [](std::size_t n) { return n; }, write);
    check_growth("reading recipients and their results", 300, with_outcomes, [&](const std::string& id) {
        return queue::Directory::read(queue.open(queue::State::incoming, id)->get())->outcomes.size();
    });
}

TEST_CASE("the queue manager takes time in proportion to recipients and mails", "[complexity]")
{
    check_growth("results of a mail's recipients", 500, [](std::size_t n) { return n; }, [](std::size_t n) {
        qmgr::ActiveMail active;
        active.mail = mail_with(n, "");
        active.open = n;
        bool is_over = false;
        for (std::size_t i = 0; i < n; ++i) {
            active.mail.outcomes[i] = outcome(i, "sent");
            --active.open;
            is_over = active.goes_at_once();
        }
        CHECK(is_over);
    });
    check_growth("mails that wait for one destination", 300, [](std::size_t n) { return n; }, [](std::size_t n) {
        std::vector<qmgr::ActiveMail> mails(n);
        const qmgr::TransportSettings settings;
        qmgr::Destination destination("d", "d", settings);
        for (auto& mail : mails) {
            qmgr::Entry entry;
            entry.mail = &mail;
            destination.add(std::move(entry));
        }
        for (std::size_t i = 0; i < n; ++i)
            CHECK(destination.take(qmgr::Clock::now()).mail == &mails[i]);
    });
}

TEST_CASE("what is told about recipients takes time in proportion to their number", "[complexity]")
{
    const config::Config config = *config::Config::parse("myhostname = mail.example.com\nmyorigin = example.com\n");
    const bounce::Params params(config);
    check_growth("DSN", 100, [](std::size_t n) { return mail_with(n, "bounced"); }, [&](const queue::Mail& mail) {
        bounce::Report report{bounce::Kind::failure, "4XQ2", "me@example.org", 1, "Subject: x\n\n", true, false};
        return bounce::format(mail, bounce::recipients_for(mail, bounce::Kind::failure), report, params);
    });
    check_growth("recipients in a message between daemons", 60, [](std::size_t n) {
        service::Recipients batch;
        for (const auto& recipient : recipients(n))
            batch.recipients.push_back({recipient.address, "", "", ""});
        return batch;
    }, [](const service::Recipients& batch) { return ipc::unpack<service::Recipients>(ipc::pack(batch))->recipients.size(); });
    check_growth("a message between daemons that comes byte by byte", 800, [](std::size_t n) { return test::repeat(std::string_view("a\0b\0", 4), n) + '\0'; },
        [](const std::string& bytes) {
            ipc::Message message;
            ipc::Message::Progress progress;
            std::size_t taken = 0;
            for (std::size_t have = 1; have <= bytes.size(); ++have)
                taken = *ipc::Message::take(std::string_view(bytes).substr(0, have), message, progress);
            CHECK(taken == bytes.size());
        });
    check_growth("expanding recipients", 200, recipients, [](const std::vector<queue::Recipient>& all) {
        return cleanup::expand_aliases(all, "me@example.org", [](const service::ResolveRequest& request) -> Result<service::ResolveReply> {
            service::ResolveReply reply;
            for (const auto& recipient : request.recipients)
                reply.results.emplace_back().expanded = {recipient.address};
            return reply;
        })->size();
    });
}

}  // namespace mta
