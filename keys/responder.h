#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/peer.h"
#include "keys/keyring.h"
#include "service/keys.h"

namespace mta::keys {

// Answers the questions of service/keys.h. A question that is not to the letter, or with another's ticket, ends the connection.
class Responder {
public:
    // The tickets of the services in the keyring are made with the secret, which is not needed any more then.
    Responder(Keyring& keyring, const std::vector<Grant>& grants, const service::Secret& secret);

    void respond(const ipc::Message& message, const ipc::Server::Reply& reply);
    // The keyring has changed: whoever waits for that is told.
    void changed();

private:
    struct Waiting {
        service::ChainsQuestion question;
        ipc::Server::Reply reply;
    };
    bool may_ask(const std::string& service, const std::string& ticket) const;
    void sign(const service::SignQuestion& question, const ipc::Server::Reply& reply);
    void tell_chains(const service::ChainsQuestion& question, const ipc::Server::Reply& reply);
    bool is_news(const service::ChainsQuestion& question) const;

    Keyring& keyring_;
    std::map<std::string, std::string> tickets_;  // by service
    std::vector<Waiting> waiting_;
};

}  // namespace mta::keys
