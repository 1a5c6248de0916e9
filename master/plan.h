#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "master/interfaces.h"
#include "master/socket.h"

// From master.cf to what is to run: pure functions, so that all of it can be tested without starting anything.
namespace mta::master {

// One process that master keeps running: a service's parent.
struct Job {
    std::string key;                      // the same at the next reload: "smtp/inet", "smtp/inet/session"
    std::string program;                  // the full path
    std::vector<std::string> arguments;   // without the program's name
    std::vector<Socket> sockets;          // descriptors 4, 5... of the process
    bool is_single = false;               // two of them must never run at the same time
    std::chrono::seconds wakeup{0};
    std::string place;                    // "master.cf, line 12"
    bool serves_on = false;               // after a reload it keeps the clients that it has, until they go
};

// What a plan depends on besides master.cf.
struct Site {
    std::string config_directory, daemon_directory;
    std::vector<std::string> programs;           // what is in daemon_directory
    std::vector<net::Address> interfaces;
    Protocols protocols;
    Resolve resolve = resolve_host;
};

struct Plan {
    std::vector<Job> jobs;
    std::vector<std::string> warnings;  // about entries that need no process, and settings without effect
    std::vector<std::string> errors;    // if there is one, nothing must be started
    std::vector<Socket> sockets() const;
};

Plan make_plan(const std::vector<config::Service>& services, const Site& site);

// "smtp" or "127.0.0.1:2525" or "[::1]:submission" in host (perhaps empty) and port.
struct InetName {
    std::string host, port;
};
InetName parse_inet_name(const std::string& name);

// The Unix socket on which the sessions of an inet service wait for a worker.
std::string session_socket(const std::string& service_name);

// The names of the programs in a directory.
std::vector<std::string> programs_in(const std::string& directory);

}  // namespace mta::master
