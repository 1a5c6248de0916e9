// Covers: lib/ipc/message.h lib/service/delivery.h lib/service/cleanup.h lib/service/session.h lib/service/rewrite.h lib/service/qmgr.h lib/service/bounce.h lib/service/notify.h lib/service/dns.cc
#include "base/text.h"
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
    check_one<Owner, DeliveryRecipient, DeliveryRequest, RecipientStatus, Progress, Delivered, Recorded, Mail, MailRecipient, Recipients, Accepted, Session,
              RewriteAddress, ResolveRequest, Resolved, ResolveReply, QueueRequest, QueueReply, OrphanReport, BounceRequest, BounceReply, News, DnsQuestion,
              DnsReply, Ticket>(which, message);
    service::Counters counters(in.rest());
    HOLDS(service::Counters(counters.text()).text() == counters.text());
    counters.count("MAIL", true);
    HOLDS(counters.summary().find("commands=") != std::string::npos);
}
