#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "log/log.h"
#include "route/router.h"
#include "smtpd/session.h"

// A session with a scripted client and services that are not there.
namespace mta::smtpd_test {

// Answers as trivial-rewrite does, in this process.
class RouterResolver : public smtpd::Resolver {
public:
    explicit RouterResolver(const config::Config& config) : common_(config), params_(config), router_(open()) {}

    Result<service::Resolved> check(const std::string& reverse_path, const std::string& address) override
    {
        ++questions;
        if (trouble)
            return failure("rewrite is down");
        if (is_out_of_memory)
            throw std::bad_alloc();
        service::Resolved result;
        result.recipient = router_.normalise(address);
        auto checked = router_.check(reverse_path, address);
        auto address_class = router_.class_of(result.recipient.substr(result.recipient.rfind('@') + 1));
        if (!checked) {
            result.exists = false;
            result.status = checked.error().status;
            result.text = checked.error().text;
        }
        result.address_class = address_class ? route::name_of(*address_class) : "";
        return result;
    }
    const route::Router& router() const { return router_; }

    bool trouble = false, is_out_of_memory = false;
    int questions = 0;

private:
    route::Router open()
    {
        auto router = route::Router::open(common_, params_);
        if (!router)
            throw std::runtime_error(router.error().text);
        return *std::move(router);
    }
    config::Common common_;
    route::Params params_;
    route::Router router_;
};

class FakeOutlet : public smtpd::Outlet {
public:
    struct Sent {
        service::Mail mail;
        std::vector<service::MailRecipient> recipients;
        std::string content;
    };
    bool begin(const service::Mail& mail, const std::vector<service::MailRecipient>& recipients) override
    {
        current = {mail, recipients, ""};
        return !is_down;
    }
    void write(std::string_view bytes) override { current.content += bytes; }
    service::Accepted finish() override
    {
        if (answer.ok)
            sent.push_back(current);
        return answer;
    }
    void cancel() override { ++cancelled; }

    Sent current;
    std::vector<Sent> sent;
    service::Accepted answer{true, "2.0.0", ""};
    bool is_down = false;
    int cancelled = 0;
};

class FakeDns : public service::Dns {
public:
    FakeDns() : Dns("/nonexistent") {}
    std::vector<dns::Answer> lookup(const std::vector<Question>& questions) override
    {
        std::vector<dns::Answer> answers;
        for (const auto& question : questions) {
            auto known = records.find(question.name + " " + std::string(dns::type_name(question.type)));
            answers.push_back(known == records.end() ? dns::Answer{dns::Status::nxdomain, {}, "", 0, false, ""} : known->second);
        }
        return answers;
    }
    std::map<std::string, dns::Answer> records;
};

constexpr auto main_cf = R"(
myhostname = mx.here.example
mydomain = here.example
myorigin = here.example
mydestination = here.example, mx.here.example
inet_interfaces = 192.0.2.25
mynetworks = 192.0.2.0/24
recipient_delimiter = +
local_recipient_maps = inline:{ user=x, postmaster=x, other=x }
alias_maps =
virtual_mailbox_domains = vbox.example
virtual_mailbox_maps = inline:{ box@vbox.example=x }
virtual_alias_domains = valias.example
virtual_alias_maps = inline:{ info@valias.example=user@here.example }
relay_domains = relay.example
relay_recipient_maps = inline:{ known@relay.example=x }
smtpd_error_sleep_time = 0s
smtpd_worker_idle_time = 2000ms
)";

// "name = value" lines that stand above main_cf.
inline config::Overrides overrides(std::string_view settings)
{
    config::Overrides list;
    for (auto line : split(settings, '\n'))
        if (auto equals = line.find('='); equals != std::string_view::npos)
            list.emplace_back(trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
    return list;
}

inline service::Session stranger()
{
    service::Session facts;
    facts.protocol = "smtp";
    facts.client_name = "client.example";
    facts.reverse_name = "client.example";
    facts.client_address = "198.51.100.7";
    facts.client_port = 40000;
    facts.helo = "client.example";
    facts.esmtp = true;
    facts.counters = "ehlo=1";
    return facts;
}

class Talk {
public:
    explicit Talk(std::string_view settings = "", service::Session facts = stranger(), net::Stream::Waiter wait = nullptr)
        : config(*config::Config::parse(main_cf, "main.cf", overrides(settings))), common(config), params(config), resolver(config),
          policy_(open_policy()), environment_{params, common, policy_, resolver, dns, outlet, [this] { return smtpd::Space{size, free_bytes.load(), inodes, free_inodes.load()}; },
                                               [this] { return stopping.load(); }, wait}
    {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw_errno("socketpair");
        client_ = Fd(ends[0]);
        char name[] = "/tmp/smtpd_t.XXXXXX";
        Fd file(::mkstemp(name));
        log_name_ = name;
        log::open_file(log_name_);
        session.emplace(environment_, std::move(facts), Fd(ends[1]));
        thread_ = std::thread([this] {
            try {
                is_back = session->run();
            } catch (const std::bad_alloc&) {
                has_escaped = true;
            }
            if (!is_back)
                session.reset();
        });
    }
    ~Talk()
    {
        client_.reset();
        join();
        log::open_stderr();
        std::remove(log_name_.c_str());
    }
    Talk(const Talk&) = delete;

    void send(std::string_view bytes) { (void)!write_all(client_.get(), bytes); }
    // The next whole reply, "250 2.0.0 Ok"; "<end>" if there is none.
    std::string reply()
    {
        std::string all;
        while (true) {
            auto end = in_.find("\r\n");
            while (end == std::string::npos) {
                char bytes[4096];
                auto count = ::read(client_.get(), bytes, sizeof bytes);
                if (count <= 0)
                    return "<end>";
                in_.append(bytes, static_cast<std::size_t>(count));
                end = in_.find("\r\n");
            }
            auto line = in_.substr(0, end);
            in_.erase(0, end + 2);
            all += (all.empty() ? "" : "\n") + line;
            if (line.size() < 4 || line[3] != '-')
                return all;
        }
    }
    std::string say(std::string_view line)
    {
        send(cat(line, "\r\n"));
        return reply();
    }
    bool is_silent(std::chrono::milliseconds time) const
    {
        return !net::wait_ready(client_.get(), POLLIN, std::chrono::steady_clock::now() + time);
    }
    void close_client() { client_.reset(); }
    void join()
    {
        if (thread_.joinable())
            thread_.join();
    }
    // What was logged; ends the conversation.
    std::string log()
    {
        client_.reset();
        join();
        std::ifstream file(log_name_);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }

    config::Config config;
    config::Common common;
    smtpd::Params params;
    RouterResolver resolver;
    FakeOutlet outlet;
    FakeDns dns;
    static constexpr std::uint64_t size = 100000, inodes = 1000;
    std::atomic<std::uint64_t> free_bytes{1u << 30}, free_inodes{inodes};
    std::atomic<bool> stopping{false};
    std::optional<smtpd::Session> session;
    bool is_back = false, has_escaped = false;

private:
    smtpd::Policy open_policy()
    {
        auto policy = smtpd::Policy::open(params, common);
        if (!policy)
            throw std::runtime_error(policy.error().text);
        return *std::move(policy);
    }
    smtpd::Policy policy_;
    smtpd::Environment environment_;
    Fd client_;
    std::string in_, log_name_;
    std::thread thread_;
};

}  // namespace mta::smtpd_test
