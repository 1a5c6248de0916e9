#include "t/lib/dns.h"

#include <stdexcept>

#include "base/file.h"
#include "base/text.h"

namespace mta::test {

namespace {

void write(const std::string& path, std::string_view content)
{
    if (auto done = replace_file(path, content, 0644); !done)
        throw std::runtime_error(done.error().text);
}

}  // namespace

Dns::Dns(const std::map<std::string, std::string>& zones) : port_(free_port())
{
    const auto& directory = directory_.path();
    auto config = cat("server:\n ip-address: 127.0.0.1@", port_, "\n username: \"\"\n zonesdir: \"", directory, "\"\n database: \"\"\n pidfile: \"",
                      directory, "/pid\"\n logfile: \"", directory, "/log\"\n xfrdfile: \"\"\n xfrdir: \"", directory, "\"\n zonelistfile: \"",
                      directory, "/zone.list\"\n server-count: 1\nremote-control:\n control-enable: no\n");
    for (const auto& [name, text] : zones) {
        config += cat("zone:\n name: ", name, "\n zonefile: \"", directory, "/", name, ".zone\"\n");
        if (text != "broken")
            write(cat(directory, "/", name, ".zone"),
                  cat("$ORIGIN ", name, ".\n$TTL 60\n@ SOA ns.", name, ". root 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n", text));
    }
    write(directory + "/conf", config);
    server_ = std::make_unique<Background>(cat("PATH=$PATH:/usr/sbin exec nsd -d -c ", directory, "/conf"));
    bool is_up = wait_for(directory, [&] {
        auto log = read_file(directory + "/log");
        return log && log->find("nsd started") != std::string::npos;
    });
    if (!is_up)
        throw std::runtime_error(cat("nsd did not start: ", server_->wait(std::chrono::seconds(1)).output));
}

const Dns& common_dns()
{
    static const Dns dns({
        {"127.in-addr.arpa", "1.0.0 PTR localhost.\n"},
        {"localhost", "@ A 127.0.0.1\n"},
        {"test", "sender.example A 127.0.0.1\n"
                 "one.remote MX 10 mx.one.remote\nmx.one.remote A 127.0.0.1\n"
                 "two.remote MX 20 second.two.remote\ntwo.remote MX 10 first.two.remote\nfirst.two.remote A 127.0.0.2\nsecond.two.remote A 127.0.0.3\n"
                 "null.remote MX 0 .\n"
                 "far.remote MX 10 first.far.remote\nfar.remote MX 20 second.far.remote\nfirst.far.remote A 127.255.255.255\nsecond.far.remote A 127.0.0.3\n"
                 "gone.remote MX 10 nowhere.gone.remote\nhalf.remote MX 10 nowhere.half.remote\nhalf.remote MX 20 first.two.remote\n"
                 "silent.remote A 127.0.0.4\n"
                 "nomx.remote A 127.0.0.2\n"
                 "loop.remote MX 10 mail.example\nmail.example A 127.0.0.1\n"},
        {"broken", "broken"},
    });
    return dns;
}

}  // namespace mta::test
