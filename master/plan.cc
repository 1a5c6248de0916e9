#include "master/plan.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "base/text.h"

namespace mta::master {

namespace {

// Their clients are accepted, greeted and authenticated by front.
constexpr std::array<std::string_view, 3> session_workers{"smtpd", "imapd", "pop3d"};
// Parts of Postfix whose work is done elsewhere here: a Postfix master.cf may name them.
constexpr std::array<std::string_view, 8> not_needed{"anvil", "dnsblog", "postlogd", "proxymap", "qmqpd", "scache", "tlsmgr", "tlsproxy"};
constexpr unsigned public_mode = 0666;
constexpr unsigned private_mode = 0660;
constexpr std::string_view session_suffix = ".session";

template <class List>
bool contains(const List& list, std::string_view word)
{
    return std::find(list.begin(), list.end(), word) != list.end();
}

// The words of the service's line after its -o options, which are given in one form of our own.
std::vector<std::string> other_arguments(const config::Service& service)
{
    const auto& words = service.arguments;
    std::vector<std::string> result;
    std::size_t i = 0;
    for (; i < words.size() && words[i].size() > 1 && words[i].front() == '-' && words[i] != "--"; ++i) {
        if (words[i] == "-o")
            ++i;
        else if (!words[i].starts_with("-o"))
            result.push_back(words[i]);
    }
    for (; i < words.size(); ++i)
        result.push_back(words[i]);
    return result;
}

class Planner {
public:
    Planner(const Site& site, Plan& plan) : site_(site), plan_(plan) {}

    void add(const config::Service& service)
    {
        if (!contains(site_.programs, service.command))
            return lacks_program(service);
        if (service.type != "inet" && (service.name.find('/') != std::string::npos || service.name.starts_with('.')))
            return refuse(service, "the name of a unix service must not contain / nor begin with a dot");
        if (service.type != "inet")
            return add_process(service, service.command, service.type, {local_socket(service)});
        auto sockets = inet_sockets(service);
        if (!sockets)
            return refuse(service, sockets.error().text);
        if (!contains(session_workers, service.command))
            return add_process(service, service.command, "inet", *sockets);
        add_session_service(service, std::move(*sockets));
    }

private:
    void refuse(const config::Service& service, std::string_view why)
    {
        plan_.errors.push_back(cat(service.place.text(), ": service ", service.name, ": ", why));
    }

    void lacks_program(const config::Service& service)
    {
        if (contains(not_needed, service.command)) {
            plan_.warnings.push_back(cat(service.place.text(), ": service ", service.name, ": ", service.command, " is not needed, and not started"));
            return;
        }
        auto guess = config::nearest(service.command, site_.programs);
        refuse(service, cat("there is no program \"", service.command, "\" in ", site_.daemon_directory,
                            guess ? cat("; did you mean \"", *guess, "\"?") : ""));
    }

    static Socket local_socket(const config::Service& service)
    {
        if (service.is_private)
            return {std::nullopt, cat("private/", service.name), private_mode};
        return {std::nullopt, cat("public/", service.name), public_mode};
    }

    Result<std::vector<Socket>> inet_sockets(const config::Service& service) const
    {
        if (service.wakeup > 0)
            return failure("wakeup: an inet service cannot be woken up; write -");
        auto [host, port_name] = parse_inet_name(service.name);
        auto port = port_number(port_name);
        if (!port)
            return port.error();
        auto addresses = site_.interfaces;
        if (!host.empty()) {
            auto found = addresses_of(host, site_.protocols, site_.resolve);
            if (!found)
                return found.error();
            addresses = std::move(*found);
        }
        std::vector<Socket> result;
        for (const auto& address : addresses)
            result.push_back({net::Endpoint{address, *port}, "", 0});
        return result;
    }

    // front gets the clients; the worker's parent waits for their sessions on a socket of its own.
    void add_session_service(const config::Service& service, std::vector<Socket> sockets)
    {
        if (!contains(site_.programs, "front"))
            return refuse(service, cat("there is no program \"front\" in ", site_.daemon_directory));
        auto path = session_socket(service.name);
        add_process(service, service.command, "unix", {Socket{std::nullopt, path, private_mode}});
        auto& worker = plan_.jobs.back();
        worker.key += "/session";
        worker.is_single = false;
        worker.serves_on = true;
        add_process(service, "front", "inet", std::move(sockets), {"-w", service.command, "-W", path});
        plan_.jobs.back().is_single = false;  // its sessions may last for days
        plan_.jobs.back().serves_on = true;
    }

    void add_process(const config::Service& service, const std::string& program, const std::string& type, std::vector<Socket> sockets,
                     const std::vector<std::string>& special = {})
    {
        Job job{cat(service.name, "/", service.type), cat(site_.daemon_directory, "/", program), {}, std::move(sockets),
                service.maxproc == 1, std::chrono::seconds(service.type == "inet" ? 0 : service.wakeup), service.place.text()};
        auto& words = job.arguments;
        words = {"-n", service.name, "-t", type, "-C", site_.config_directory, "-s", cat(job.sockets.size())};
        if (service.maxproc)
            words.insert(words.end(), {"-m", cat(*service.maxproc)});
        if (service.unprivileged)
            words.emplace_back("-u");
        if (service.chroot)
            words.emplace_back("-r");
        words.insert(words.end(), special.begin(), special.end());
        for (const auto& [name, value] : service.overrides)
            words.insert(words.end(), {"-o", cat(name, "=", value)});
        auto others = other_arguments(service);
        words.insert(words.end(), others.begin(), others.end());
        plan_.jobs.push_back(std::move(job));
    }

    const Site& site_;
    Plan& plan_;
};

// Two entries that want the same socket, perhaps by different names ("smtp" and "25").
void refuse_conflicts(Plan& plan)
{
    std::map<Socket, const Job*> owners;
    for (const auto& job : plan.jobs)
        for (const auto& socket : job.sockets)
            if (auto [place, is_new] = owners.emplace(socket, &job); !is_new)
                plan.errors.push_back(cat(job.place, ": ", socket.text(), " is already used by the service in ", place->second->place));
}

}  // namespace

std::vector<Socket> Plan::sockets() const
{
    std::vector<Socket> result;
    for (const auto& job : jobs)
        result.insert(result.end(), job.sockets.begin(), job.sockets.end());
    return result;
}

Plan make_plan(const std::vector<config::Service>& services, const Site& site)
{
    Plan plan;
    Planner planner(site, plan);
    for (const auto& service : services)
        planner.add(service);
    if (plan.jobs.empty() && plan.errors.empty())
        plan.errors.emplace_back("master.cf: there is no service in it");
    refuse_conflicts(plan);
    return plan;
}

InetName parse_inet_name(const std::string& name)
{
    auto colon = name.rfind(':');
    if (colon == std::string::npos)
        return {"", name};
    return {name.substr(0, colon), name.substr(colon + 1)};
}

std::string session_socket(const std::string& service_name)
{
    auto flat = replace_all(replace_all(service_name, ":", "_"), "/", "_");
    return cat("private/", flat, session_suffix);
}

std::vector<std::string> programs_in(const std::string& directory)
{
    std::unique_ptr<DIR, Release<closedir>> handle(::opendir(directory.c_str()));
    std::vector<std::string> names;
    if (!handle)
        return names;
    while (const dirent* entry = ::readdir(handle.get())) {
        std::string name = entry->d_name;
        if (name != "." && name != ".." && ::access(cat(directory, "/", name).c_str(), X_OK) == 0)
            names.push_back(std::move(name));
    }
    return names;
}

}  // namespace mta::master
