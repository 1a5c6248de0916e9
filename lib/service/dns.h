#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dns/answer.h"
#include "ipc/channel.h"
#include "ipc/peer.h"

// Asking the service `dns`, the suite's caching resolver.
namespace mta::service {

struct DnsQuestion {
    std::string name;              // without a final dot; no search list is tried
    std::string type;              // "MX"

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("name", self.name);
        visit("type", self.type);
    }
};

struct DnsRecord {
    std::uint32_t ttl = 0;
    std::string value;             // dns::Record::text()

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("record_ttl", self.ttl);
        visit("value", self.value);
    }
};

struct DnsReply {
    std::string status;            // dns::status_name()
    std::string name, type;        // the owner at the end of the aliases, and the type that was asked for
    std::uint32_t ttl = 0;
    bool secure = false;
    std::string reason;
    std::vector<DnsRecord> records;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("status", self.status);
        visit("owner", self.name);
        visit("type", self.type);
        visit("ttl", self.ttl);
        visit("secure", self.secure);
        visit("reason", self.reason);
        visit("records", self.records);
    }

    static DnsReply from(dns::Type type, const dns::Answer& answer);
    Result<dns::Answer> answer() const;
};

// Blocking, for workers. Trouble with the service is an answer of status failed: nobody can tell now. Like ipc::Client it
// keeps its connection only while no question is open.
class Dns {
public:
    struct Question {
        std::string name;
        dns::Type type;
    };
    explicit Dns(std::string socket_path) : path_(std::move(socket_path)) {}
    virtual ~Dns() = default;

    dns::Answer lookup(std::string_view name, dns::Type type) { return lookup({{std::string(name), type}}).front(); }
    // The answers in the order of the questions, which all travel in one packet.
    virtual std::vector<dns::Answer> lookup(const std::vector<Question>& questions);

private:
    Result<std::vector<dns::Answer>> ask(const std::vector<Question>& questions);

    std::string path_;
    std::unique_ptr<ipc::Channel> kept_;
};

// The same for event daemons; the handler is called once, never before lookup() returns. Whoever may be gone by then must
// look for it himself (a weak pointer, or a number in a map).
class AsyncDns {
public:
    AsyncDns(event::Loop& loop, std::string socket_path, std::chrono::milliseconds limit = std::chrono::seconds(60))
        : caller_(loop, std::move(socket_path), limit) {}
    void lookup(std::string_view name, dns::Type type, std::function<void(const dns::Answer&)> handler);

private:
    ipc::Caller caller_;
};

}  // namespace mta::service
