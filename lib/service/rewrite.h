#pragma once

#include <string>
#include <vector>

// Questions to trivial-rewrite (service `rewrite`): what an address is, whither it goes, and who it becomes. One request
// carries one sender and some recipients (as many as fit a message; 50 at a time is safe) and is answered by as many Resolved,
// in order; for "expand" perhaps by fewer, then the rest is asked for again. Only trivial-rewrite opens the tables of the suite's routing.
namespace mta::service {

struct RewriteAddress {
    std::string address;           // internal form
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("address", self.address);
    }
};

struct ResolveRequest {
    std::string purpose;           // "check": does it exist, may it be relayed (smtpd); "expand": virtual aliases (cleanup);
                                   // "resolve": transport, nexthop, owner (qmgr)
    std::string reverse_path;      // for sender-dependent routes
    std::vector<RewriteAddress> recipients;
    long skip = 0;                 // expand: so many addresses of the first recipient's expansion are known already

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("purpose", self.purpose);
        visit("sender", self.reverse_path);
        visit("recipients", self.recipients);
        visit("skip", self.skip);
    }
};

// status is empty if the question was answered, else an enhanced status with text: 4.x "cannot tell now", 5.x "refused".
struct Resolved {
    std::string status, text;
    std::string recipient;         // normalised (domain added, lower-case domain)
    std::string address_class;     // "local", "virtual_alias", "virtual_mailbox", "relay", "default"
    std::string transport, nexthop;  // resolve
    std::string owner;             // resolve: "5000:5000", a system user's name, or empty
    bool exists = true;            // check: false: status and text say why
    std::vector<std::string> expanded;  // expand: the final recipients, at least one
    bool has_more = false;         // expand: of this one, the last in the reply; the next request skips those that came
    std::string expansion;         // expand: the same as long as the whole expansion is the same

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("status", self.status);
        visit("text", self.text);
        visit("resolved_recipient", self.recipient);
        visit("address_class", self.address_class);
        visit("transport", self.transport);
        visit("nexthop", self.nexthop);
        visit("owner", self.owner);
        visit("exists", self.exists);
        visit("expanded", self.expanded);
        visit("has_more", self.has_more);
        visit("expansion", self.expansion);
    }
};

struct ResolveReply {
    std::vector<Resolved> results;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("results", self.results);
    }
};

}  // namespace mta::service
