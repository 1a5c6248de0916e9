#pragma once

#include <string>
#include <string_view>

namespace mta::bench {

// What the command line asks for; each member is the option of the same name, with "-" for "_".
struct Options {
    std::string mode;
    int port = 25;             // the server, at 127.0.0.1
    int sink = 0;              // a port to take relayed mail at; 0: no sink
    long sessions = 1;         // at the same time
    long messages = 1;         // or connections: how many in all
    long size = 4096;          // bytes of a message
    long mailboxes = 100;      // NNN in recipient and watch goes from 000 up to this
    long expect = 0;           // deliveries to wait for
    long timeout = 120;        // seconds
    long burst = 0;            // how many may wait for their greeting at the same time; 0: all
    long good = 5;             // dawdle: clients whose greeting is timed
    std::string recipient = "userNNN@local.test";
    std::string watch;         // directories to see deliveries in

    // Exits with status 2 when something is wrong.
    static Options parse(int argc, char** argv);
};

// The pattern with NNN replaced by the number, three digits.
std::string numbered(std::string_view pattern, long number);

}  // namespace mta::bench
