// Covers: lib/ipc/message.h lib/service/delivery.h lib/service/cleanup.h lib/service/session.h lib/service/rewrite.h lib/service/qmgr.h lib/service/bounce.h lib/service/notify.h lib/service/dns.cc
#include "base/text.h"
#include "t/fuzz/lib/answerer.h"
#include "t/fuzz/lib/scratch.h"
#include "t/fuzz/lib/target.h"
#include "service/auth.h"
#include "service/bounce.h"
#include "service/cleanup.h"
#include "service/counters.h"
#include "service/delivery.h"
#include "service/dns.h"
#include "service/notify.h"
#include "service/qmgr.h"
#include "service/rewrite.h"
#include "service/session.h"

// What our daemons tell each other: a message that one of them understands is understood as the same when it is written again.
namespace {

using namespace mta;

template <class T>
void check(const ipc::Message& message)
{
    auto value = ipc::unpack<T>(message);
    if (!value)
        return;
    auto first = ipc::pack(*value);
    auto again = ipc::unpack<T>(first);
    HOLDS(again && ipc::pack(*again).body() == first.body());
}

template <class... Types>
void check_one(std::size_t which, const ipc::Message& message)
{
    std::size_t index = 0;
    ((index++ == which ? check<Types>(message) : void()), ...);
}

// An answer from the DNS that a reply carries is the same in the reply that is made of it.
void check_dns_reply(const ipc::Message& message)
{
    auto reply = ipc::unpack<service::DnsReply>(message);
    auto answer = reply ? reply->answer() : Result<dns::Answer>(reply.error());
    if (!answer)
        return;
    auto type = *dns::parse_type(reply->type);
    auto made = service::DnsReply::from(type, *answer);
    HOLDS(made.status == reply->status && made.name == reply->name && made.ttl == reply->ttl && made.records.size() == reply->records.size());
    for (std::size_t i = 0; i < made.records.size(); ++i)
        HOLDS(made.records[i].ttl == reply->records[i].ttl && made.secure == reply->secure && made.reason == reply->reason);
    auto again = made.answer();
    HOLDS(again && again->is_found() == answer->is_found());
    HOLDS(ipc::pack(service::DnsReply::from(type, *again)).body() == ipc::pack(made).body());
}

// The resolver says anything: each question has an answer, and none is "not there" that nobody has said.
void check_dns_service(const std::string& bytes)
{
    auto path = fuzz::scratch_directory() + "/dns";
    service::Dns dns(path);
    const std::vector<service::Dns::Question> questions{{"a.example", dns::Type::mx}, {"b.example", dns::Type::a}};
    {
        fuzz::Answerer resolver(path, bytes);
        for (int i = 0; i < 2; ++i) {
            auto answers = dns.lookup(questions);
            HOLDS(answers.size() == questions.size());
            for (const auto& answer : answers) {
                HOLDS(answer.is_found() != answer.records.empty());
                HOLDS(answer.is_temporary() || bytes.find(dns::status_name(answer.status)) != std::string::npos);
            }
        }
    }
    for (const auto& answer : dns.lookup(questions))
        HOLDS(answer.is_temporary() && !answer.reason.empty());
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    auto which = in.number(32);
    ipc::Message message;
    // Names and values by lines: a NUL in a file is hard to read.
    auto bytes = std::string(in.rest());
    std::replace(bytes.begin(), bytes.end(), '\n', '\0');
    bytes.append(2, '\0');
    auto size = ipc::Message::take(bytes, message);
    if (!size || *size == 0)
        return;
    using namespace service;
    constexpr std::size_t dns_reply = 23;  // in the list below
    if (which == dns_reply) {
        check_dns_reply(message);
        check_dns_service(bytes);
    }
    check_one<Owner, DeliveryRecipient, DeliveryRequest, RecipientStatus, Progress, Delivered, Recorded, Mail, MailRecipient, Recipients, Accepted, Session,
              RewriteAddress, ResolveRequest, Resolved, ResolveReply, QueueRequest, QueueReply, OrphanReport, BounceRequest, BounceReply, News, DnsQuestion,
              DnsReply, Ticket>(which, message);
    service::Counters counters(in.rest());
    HOLDS(service::Counters(counters.text()).text() == counters.text());
    counters.count("MAIL", true);
    HOLDS(counters.summary().find("commands=") != std::string::npos);
}
