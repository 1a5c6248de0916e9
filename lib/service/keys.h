#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "event/event.h"
#include "ipc/peer.h"
#include "service/secret.h"
#include "tls/signer.h"

// What keys(8) is asked: to sign with a private key, and for the certificate chains of a service. Nothing else. A process has the
// keys of one set; the keys of a set are named SET/NAME, those of the set tls by the fingerprint of their public half. A client
// shows a ticket that says for which service it may ask; only root can make one, and front does before it hears a client.
namespace mta::service {

inline constexpr char keys_service[] = "keys";
inline constexpr std::string_view tls_key_set = "tls";

std::string keys_secret_path(const std::string& queue_directory);
std::string keys_ticket(const Secret& secret, std::string_view set, std::string_view service);

struct SignQuestion {
    std::string service, ticket;
    std::string key;               // "tls/" and 64 hexadecimal digits
    std::string scheme;            // the name of a tls::Scheme
    std::string data;              // in hexadecimal

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("sign_for", self.service);
        visit("ticket", self.ticket);
        visit("key", self.key);
        visit("scheme", self.scheme);
        visit("data", self.data);
    }
};

struct SignReply {
    std::string signature;         // in hexadecimal; empty: refused
    std::string reason;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("signature", self.signature);
        visit("reason", self.reason);
    }
};

// Answered when there is another version than the one that is known.
struct ChainsQuestion {
    std::string service, ticket;
    std::string known;             // a version; empty: none

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("chains_for", self.service);
        visit("ticket", self.ticket);
        visit("known", self.known);
    }
};

struct ChainsReply {
    std::string version;           // empty: the service is not known here, perhaps not yet
    std::vector<std::string> chains;  // PEM; none: reason says what is wrong with the certificates
    std::string reason;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("version", self.version);
        visit("chains", self.chains);
        visit("reason", self.reason);
    }
};

// How a client reaches the keys of its service.
struct KeysAccess {
    std::string socket, service, ticket;
};

// front's side of it.
class KeysClient : public tls::Signer {
public:
    // limit: for a signature, also while keys is away.
    KeysClient(event::Loop& loop, KeysAccess access, std::chrono::milliseconds limit);

    void sign(const tls::SignRequest& request, Done done) override;
    // Asks for the chains for ever; the handler hears of each new version, or of one that could not be told.
    void watch_chains(std::function<void(Result<ChainsReply>)> handler);

private:
    void ask();
    void answered(const Result<ipc::Message>& message);

    KeysAccess access_;
    ipc::Caller signatures_, chains_;
    event::Timer again_;
    std::function<void(Result<ChainsReply>)> handler_;
    std::string known_;
};

}  // namespace mta::service
