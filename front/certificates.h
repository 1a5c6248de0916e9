#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "event/event.h"
#include "service/keys.h"
#include "tls/context.h"

namespace mta::front {

// The certificates of this service and whether there is TLS now. They come from keys(8), which has their keys and signs with
// them: front opens no file for TLS once it has given up its rights.
class Certificates {
public:
    // settings: all but certificates and signer. Logs what is wrong with them.
    Certificates(event::Loop& loop, tls::Settings settings, std::string service);
    Certificates(const Certificates&) = delete;

    // Begins to ask. is_known is called once, when there is an answer or has been none for too long.
    void start(service::KeysAccess access, std::function<void()> is_known);
    // Null if there is no TLS.
    tls::Context* context() { return context_ ? &*context_ : nullptr; }
    // What could not be used is tried again.
    void retry();

private:
    void answered(const Result<service::ChainsReply>& reply);
    void use(std::vector<std::string> chains);
    void lack(const std::string& why);
    void known();

    event::Loop& loop_;
    tls::Settings settings_;
    std::string service_;
    std::unique_ptr<service::KeysClient> keys_;
    std::optional<tls::Context> context_;
    std::string lack_;               // why there is no TLS, as it was logged; empty: nothing was
    std::string silence_ = "keys(8) does not answer";  // why there was no answer up to now
    std::function<void()> is_known_;
    event::Timer patience_;
};

}  // namespace mta::front
