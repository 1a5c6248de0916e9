// Covers: smtpd/session.cc smtpd/receiver.cc smtpd/hop_counter.cc smtpd/received.cc smtpd/evaluation.cc
#include "smtpd/session.h"

#include <sys/socket.h>

#include "base/file.h"
#include "base/text.h"
#include "t/fuzz/lib/peer.h"
#include "smtp/data_reader.h"

// A whole SMTP session of any client, with services that answer at once. A model counts what the client was told: as many mails
// reach cleanup as messages were answered by 250, each with the recipients that were accepted for it, and none
// keeps anything of the one before.
namespace {

using namespace mta;

constexpr auto main_cf = R"(
myhostname = mx.here.example
mydestination = here.example
mynetworks = 192.0.2.0/24
message_size_limit = 2000
line_length_limit = 512
smtpd_recipient_limit = 4
hopcount_limit = 5
smtpd_error_sleep_time = 0s
smtpd_worker_idle_time = 0ms
smtpd_soft_error_limit = 30
smtpd_hard_error_limit = 40
smtpd_client_restrictions = reject_unknown_reverse_client_hostname
smtpd_helo_restrictions = reject_invalid_helo_hostname, warn_if_reject reject_non_fqdn_helo_hostname
smtpd_sender_restrictions = reject_non_fqdn_sender, reject_unknown_sender_domain
smtpd_recipient_restrictions = reject_non_fqdn_recipient, reject_unknown_recipient_domain, permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_data_restrictions = reject_unauth_pipelining
)";

class Resolver : public smtpd::Resolver {
public:
    Result<service::Resolved> check(const std::string&, const std::string& address) override
    {
        service::Resolved result;
        result.recipient = address;
        auto domain = address.substr(std::min(address.rfind('@'), address.size()));
        result.address_class = iequals(domain, "@here.example") ? "local" : "default";
        if (address.starts_with("trouble"))
            return failure("rewrite is down");
        if (address.starts_with("nobody")) {
            result.exists = false;
            result.status = "5.1.1";
            result.text = "User unknown";
        }
        return result;
    }
};

class Dns : public service::Dns {
public:
    Dns() : service::Dns("/nonexistent") {}
    std::vector<dns::Answer> lookup(const std::vector<Question>& questions) override
    {
        std::vector<dns::Answer> answers;
        for (const auto& question : questions) {
            dns::Answer answer;
            answer.status = question.name.starts_with("no") ? dns::Status::nxdomain : question.name.starts_with("x") ? dns::Status::failed : dns::Status::nodata;
            if (question.name.ends_with(".example") && answer.status == dns::Status::nodata && question.type == dns::Type::mx) {
                answer.status = dns::Status::found;
                answer.records.push_back(*dns::Record::parse(question.type, 60, "10 mx.example."));
            }
            answers.push_back(answer);
        }
        return answers;
    }
};

// Cleanup, as far as the session sees it.
class Outlet : public smtpd::Outlet {
public:
    bool begin(const service::Mail& mail, const std::vector<service::MailRecipient>& wanted) override
    {
        HOLDS(!is_open && !wanted.empty() && wanted.size() <= 4 && !mail.queue_id.empty());
        for (const auto& id : queue_ids)
            HOLDS(id != mail.queue_id);
        queue_ids.push_back(mail.queue_id);
        is_open = true;
        content.clear();
        recipients_of_last = wanted.size();
        return true;
    }
    void write(std::string_view bytes) override
    {
        HOLDS(is_open);
        content += bytes;
    }
    service::Accepted finish() override
    {
        HOLDS(is_open && content.find('\r') == std::string::npos && content.starts_with("Received: "));
        is_open = false;
        if (content.find("refuse me") != std::string::npos)
            return {false, "5.6.0", "as you wish"};
        ++accepted;
        recipients += recipients_of_last;
        return {true, "2.0.0", ""};
    }
    void cancel() override { is_open = false; }

    bool is_open = false;
    std::string content;
    std::vector<std::string> queue_ids;
    std::size_t accepted = 0, recipients = 0, recipients_of_last = 0;
};

struct World {
    explicit World(std::string_view more) : config(*config::Config::parse(cat(main_cf, more))), common(config), params(config), policy(*smtpd::Policy::open(params, common)) {}
    config::Config config;
    config::Common common;
    smtpd::Params params;
    smtpd::Policy policy;
};

service::Session facts_from(fuzz::Input& in)
{
    service::Session facts;
    facts.protocol = "smtp";
    facts.client_name = facts.reverse_name = in.flag() ? "client.example" : "unknown";
    facts.client_address = in.flag() ? "192.0.2.7" : "198.51.100.7";
    facts.esmtp = in.flag();
    facts.sasl_username = in.flag() ? "anna" : "";
    facts.counters = "ehlo=1";
    facts.helo = in.text('\n');
    return facts;
}

// What the replies promise: mails that were taken, and the recipients of them.
void check_replies(std::string_view text, const Outlet& outlet)
{
    std::size_t accepted = 0, recipients = 0, open_recipients = 0;
    while (!text.empty()) {
        auto end = text.find("\r\n");
        HOLDS(end != std::string_view::npos && end >= 4 && end <= 510);
        auto line = text.substr(0, end);
        HOLDS(parse_number<int>(line.substr(0, 3)) && (line[3] == ' ' || line[3] == '-') && printable(line) == line);
        text.remove_prefix(end + 2);
        if (line == "250 2.1.0 Ok" || line == "250 2.0.0 Ok")
            open_recipients = line[6] == '1' ? 0 : open_recipients;
        open_recipients += line == "250 2.1.5 Ok";
        if (!line.starts_with("250 2.0.0 Ok: queued as "))
            continue;
        ++accepted;
        recipients += std::exchange(open_recipients, 0);
    }
    HOLDS(accepted == outlet.accepted && recipients == outlet.recipients);
}

std::string read_all(int fd)
{
    std::string all;
    char bytes[65536];
    for (ssize_t count = 0; (count = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        all.append(bytes, static_cast<std::size_t>(count));
    return all;
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    if (input.size() > 16384)
        return;
    static const World strict(""), lenient("smtpd_forbid_unauth_pipelining = no\nsmtpd_forbid_bare_newline = normalize\nsmtpd_tls_received_header = yes\nsmtpd_sasl_authenticated_header = yes\n");
    Resolver resolver;
    Dns dns;
    Outlet outlet;
    fuzz::Input in(input);
    const auto& world = in.flag() ? lenient : strict;
    auto facts = facts_from(in);
    const smtpd::Environment environment{world.params, world.common, world.policy, resolver, dns, outlet, [] { return smtpd::Space{std::uint64_t{1} << 31, std::uint64_t{1} << 30, 0, 0}; }, [] { return false; }, nullptr};
    int ends[2];
    HOLDS(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    Fd client(ends[0]);
    // The client waits where it must: what it says comes as pending bytes and, behind the first NUL, over the connection.
    facts.pending = in.text('\0');
    HOLDS(write_all(client.get(), in.rest()));
    ::shutdown(client.get(), SHUT_WR);
    bool is_back = false;
    {
        smtpd::Session session(environment, facts, Fd(ends[1]));
        is_back = session.run();
        if (is_back)
            HOLDS(session.facts().state == "idle" && session.facts().pending.size() <= 16384 + 16384);
    }
    HOLDS(!outlet.is_open);
    check_replies(read_all(client.get()), outlet);
}
