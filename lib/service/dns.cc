#include "service/dns.h"

#include <algorithm>

#include "base/text.h"

namespace mta::service {

namespace {

constexpr auto limit = net::Seconds(60);      // the service itself gives up sooner
constexpr std::size_t max_batch = 200;        // so that a full batch never fills both directions of the socket

dns::Answer failed(const Error& error)
{
    dns::Answer answer;
    answer.reason = error.text;
    return answer;
}

Result<dns::Answer> parse(const ipc::Message& message)
{
    auto reply = ipc::unpack<DnsReply>(message);
    if (!reply)
        return reply.error();
    return reply->answer();
}

Result<void> receive(ipc::Channel& channel, std::vector<dns::Answer>& answers)
{
    auto message = channel.receive(limit);
    if (!message)
        return failure("DNS service: connection closed");
    auto id = parse_number<std::size_t>(message->find("id").value_or(""));
    if (!id || *id >= answers.size())
        return failure("DNS service: reply to another question");
    auto answer = parse(*message);
    answers[*id] = answer ? std::move(*answer) : failed(answer.error());
    return {};
}

}  // namespace

DnsReply DnsReply::from(dns::Type type, const dns::Answer& answer)
{
    DnsReply reply;
    reply.status = dns::status_name(answer.status);
    reply.name = answer.name;
    reply.type = dns::type_name(type);
    reply.ttl = answer.ttl;
    reply.secure = answer.secure;
    reply.reason = answer.reason;
    for (const auto& record : answer.records)
        reply.records.push_back({record.ttl, record.text()});
    return reply;
}

Result<dns::Answer> DnsReply::answer() const
{
    auto known_status = dns::parse_status(status);
    auto known_type = dns::parse_type(type);
    if (!known_status || !known_type)
        return failure("bad reply of the DNS service");
    dns::Answer answer;
    answer.status = *known_status;
    answer.name = name;
    answer.ttl = ttl;
    answer.secure = secure;
    answer.reason = reason;
    for (const auto& record : records) {
        auto parsed = dns::Record::parse(*known_type, record.ttl, record.value);
        if (!parsed)
            return parsed.error();
        answer.records.push_back(std::move(*parsed));
    }
    if (answer.is_found() == answer.records.empty())
        return failure("bad reply of the DNS service");
    return answer;
}

std::vector<dns::Answer> Dns::lookup(const std::vector<Question>& questions)
{
    std::vector<dns::Answer> answers;
    for (std::size_t begin = 0; begin < questions.size(); begin += max_batch) {
        std::vector<Question> batch(questions.begin() + static_cast<long>(begin),
                                    questions.begin() + static_cast<long>(std::min(begin + max_batch, questions.size())));
        bool is_old = kept_ != nullptr;
        auto part = ask(batch);
        if (!part && is_old)
            part = ask(batch);  // the service was restarted since the last question
        if (part)
            answers.insert(answers.end(), part->begin(), part->end());
        else
            answers.insert(answers.end(), batch.size(), failed(part.error()));
    }
    return answers;
}

Result<std::vector<dns::Answer>> Dns::ask(const std::vector<Question>& questions)
{
    try {
        auto channel = std::move(kept_);
        if (!channel) {
            auto fd = net::connect_unix(path_);
            if (!fd)
                return fd.error();
            channel = std::make_unique<ipc::Channel>(std::move(*fd));
        }
        for (std::size_t i = 0; i < questions.size(); ++i) {
            auto message = ipc::pack(DnsQuestion{questions[i].name, std::string(dns::type_name(questions[i].type))});
            message.add("id", cat(i));
            channel->queue(message.encoded());
        }
        channel->flush();
        std::vector<dns::Answer> answers(questions.size());
        for (std::size_t i = 0; i < questions.size(); ++i)
            if (auto received = receive(*channel, answers); !received)
                return received.error();
        kept_ = std::move(channel);
        return answers;
    } catch (const net::Lost& lost) {
        return failure(cat("DNS service: ", lost.what()));
    }
}

void AsyncDns::lookup(std::string_view name, dns::Type type, std::function<void(const dns::Answer&)> handler)
{
    auto question = ipc::pack(DnsQuestion{std::string(name), std::string(dns::type_name(type))});
    caller_.call(std::move(question), [handler = std::move(handler)](Result<ipc::Message> message) {
        auto answer = message ? parse(*message) : Result<dns::Answer>(message.error());
        handler(answer ? *answer : failed(answer.error()));
    });
}

}  // namespace mta::service
