#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "log/log.h"
#include "smtp/client.h"
#include "t/unit/tls/keys.h"
#include "tls/transport.h"

// A scripted SMTP server in a child, a DNS of constants, and jobs as qmgr makes them.
namespace mta::test {

using Script = std::vector<std::string>;

// Serves connections one after the other, each by its script:
//   "> TEXT" says TEXT;  "< TEXT" reads a line that must begin with TEXT;  "raw TEXT" says it without an end;
//   "body" reads up to the final dot;  "tls" is the handshake;  "close" hangs up;  "stall" is silent for ever.
// After its script a connection is read to its end.
class FakeServer {
public:
    FakeServer(const tls::test::Directory& directory, std::vector<Script> scripts, const std::string& address = "127.0.0.1", std::uint16_t port = 0)
        : FakeServer(directory, net::listen_tcp({*net::Address::parse(address), port}), std::move(scripts))
    {
    }
    FakeServer(const tls::test::Directory& directory, const std::string& path, std::vector<Script> scripts)
        : FakeServer(directory, net::listen_unix(path, 0600), std::move(scripts))
    {
    }
    ~FakeServer()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }
    std::uint16_t port() const { return port_; }

    // All that was read, line by line, when the last connection has ended; "MISMATCH" says that the client did
    // something else than the script.
    std::string transcript()
    {
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
        auto text = read_file(file_);
        return text ? *text : "";
    }

private:
    FakeServer(const tls::test::Directory& directory, Result<Fd> listener, std::vector<Script> scripts)
    {
        static int number = 0;
        file_ = (directory.path / cat("transcript", ++number)).string();
        std::ofstream(file_).flush();
        if (!listener)
            throw std::runtime_error(listener.error().text);
        port_ = net::Endpoint::local_of(listener->get()).port;
        pid_ = ::fork();
        if (pid_ != 0)
            return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::alarm(30);
        std::ofstream transcript(file_);
        for (const auto& script : scripts)
            serve(Fd(::accept(listener->get(), nullptr, nullptr)), script, transcript);
        transcript.close();
        ::_exit(0);
    }

    static void serve(Fd fd, const Script& script, std::ostream& transcript)
    {
        using namespace std::chrono_literals;
        auto context = tls::test::server_context();
        try {
            net::Stream stream(std::move(fd));
            for (const auto& step : script)
                if (!perform(stream, step, context, transcript))
                    return;
            stream.flush(5s);
            while (true)
                transcript << stream.line(10s) << std::endl;
        } catch (const net::Lost&) {
        }
    }

    static bool perform(net::Stream& stream, const std::string& step, tls::Context& context, std::ostream& transcript)
    {
        using namespace std::chrono_literals;
        if (step.starts_with("> ")) {
            stream.write(step.substr(2) + "\r\n");
        } else if (step.starts_with("raw ")) {
            stream.write(step.substr(4));
            stream.flush(5s);
        } else if (step.starts_with("< ")) {
            auto line = stream.line(10s);
            transcript << line << std::endl;
            if (!line.starts_with(step.substr(2)))
                transcript << "MISMATCH: " << step << std::endl;
        } else if (step == "body") {
            std::string line;
            while (line != ".\r\n" && (line.size() < 2 || line.substr(line.size() - 2) == "\r\n"))
                transcript << (line = stream.raw_line(10s));
            transcript << std::flush;
        } else if (step == "tls") {
            stream.flush(5s);
            auto transport = std::make_unique<tls::Transport>(stream.fd(), context);
            transport->handshake(std::chrono::steady_clock::now() + 10s);
            stream.set_transport(std::move(transport));
        } else if (step == "stall") {
            stream.flush(5s);
            while (true)
                transcript << stream.line(30s) << std::endl;
        }
        if (step != "close")
            return true;
        stream.flush(5s);
        return false;
    }

    std::string file_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

// Knows what it was told: "MX example.com" -> records as text, or "nxdomain", "nodata", "failed", "malformed". What it was not
// told does not exist.
class FakeDns : public service::Dns {
public:
    FakeDns() : Dns("") {}
    std::map<std::string, std::vector<std::string>> zone;
    using Dns::lookup;
    std::vector<dns::Answer> lookup(const std::vector<Question>& questions) override
    {
        ++round_trips;
        std::vector<dns::Answer> answers;
        for (const auto& question : questions)
            answers.push_back(answer(question));
        return answers;
    }
    int round_trips = 0;

private:
    dns::Answer answer(const Question& question) const
    {
        dns::Answer answer;
        answer.name = question.name;
        auto found = zone.find(cat(dns::type_name(question.type), " ", question.name));
        bool has_others = std::any_of(zone.begin(), zone.end(), [&](const auto& entry) { return entry.first.ends_with(" " + question.name); });
        answer.status = has_others ? dns::Status::nodata : dns::Status::nxdomain;
        if (found == zone.end())
            return answer;
        if (auto status = dns::parse_status(found->second.at(0))) {
            answer.status = *status;
            return answer;
        }
        answer.status = dns::Status::found;
        for (const auto& text : found->second)
            answer.records.push_back(*dns::Record::parse(question.type, 60, text));
        return answer;
    }
};

struct Results {
    std::map<long, service::RecipientStatus> recipients;
    service::Delivered delivered;
    std::string log;  // lines without date and tag
};

// A client with its parameters, log and DNS.
class Bench {
public:
    explicit Bench(const std::string& settings = "", const std::string& prefix = "smtp")
        : config_(*config::Config::parse(cat("myhostname = client.example\n", settings))), params_(config_, prefix)
    {
        smtpc::Client::Parts parts{prefix == "lmtp",
                                   *smtpc::parse_port(params_.tcp_port()),
                                   directory.path.string(),
                                   std::nullopt,
                                   std::nullopt,
                                   *smtpc::FinderOptions::of(params_, {"ipv4"}),
                                   smtpc::Self{"client.example", {*net::Address::parse("192.0.2.99")}},
                                   *smtpc::Logins::open(params_, "hash"),
                                   *smtpc::TlsClient::load(config_, params_, prefix),
                                   *table::MatchList::open(config::Common(config_).debug_peer_list, {true, {}})};
        client_ = std::make_unique<smtpc::Client>(params_, std::move(parts), dns);
    }

    Results deliver(const std::string& nexthop, const std::vector<std::string>& recipients, bool keep_open = false)
    {
        auto log_file = directory.write("log", "");
        log::open_file(log_file);
        int ends[2];
        ::socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
        ipc::Channel agent{Fd(ends[0])}, qmgr{Fd(ends[1])};
        {
            deliver::Job job(request(nexthop, recipients, keep_open), message(), agent, "/nonexistent");
            client_->deliver(job);
            qmgr.send(ipc::pack(service::Recorded{}));
            job.finish();
        }
        log::open_stderr();
        return read(qmgr, log_file);
    }
    smtpc::Client& client() { return *client_; }

    tls::test::Directory directory;
    FakeDns dns;
    std::string reverse_path = "sender@client.example", content = "Subject: x\n\nHello.\n", body, notify;

private:
    service::DeliveryRequest request(const std::string& nexthop, const std::vector<std::string>& recipients, bool keep_open) const
    {
        service::DeliveryRequest request;
        request.queue_id = "4XYZabcdefzAbCdE";
        request.reverse_path = reverse_path;
        request.nexthop = nexthop;
        request.offset = 3;
        request.size = static_cast<std::int64_t>(content.size());
        request.body = body;
        request.keep_open = keep_open;
        long number = 0;
        for (const auto& address : recipients)
            request.recipients.push_back({++number, address, "", "", notify});
        return request;
    }
    Fd message() const
    {
        auto file = directory.write("message", "abc" + content);
        return Fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    }
    static Results read(ipc::Channel& qmgr, const std::string& log_file)
    {
        Results results;
        while (auto message = qmgr.receive(net::Seconds(5))) {
            if (!message->find("action")) {
                results.delivered = *ipc::unpack<service::Delivered>(*message);
                break;
            }
            auto status = *ipc::unpack<service::RecipientStatus>(*message);
            results.recipients[status.number] = status;
        }
        std::istringstream lines(read_file(log_file) ? *read_file(log_file) : "");
        for (std::string line; std::getline(lines, line);)
            results.log += line.substr(std::min(line.find("]: ") + 3, line.size())) + "\n";
        return results;
    }

    config::Config config_;
    smtpc::Params params_;
    std::unique_ptr<smtpc::Client> client_;
};

}  // namespace mta::test
