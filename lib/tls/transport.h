#pragma once

#include <string>
#include <vector>

#include "net/stream.h"
#include "tls/engine.h"

namespace mta::tls {

// TLS below a blocking net::Stream:
//     auto tls = std::make_unique<tls::Transport>(stream.fd(), context, "mx.example");
//     tls->handshake(deadline);                  // throws net::Lost with OpenSSL's reason
//     log(name(tls->engine().trust()), tls->engine().facts().text());
//     stream.discard_buffered() only if empty, else give up (RFC 3207 section 6); stream.set_transport(std::move(tls));
// The descriptor stays the Stream's.
class Transport : public net::Transport {
public:
    Transport(int fd, Context& context, const std::string& server_name = "", const std::vector<std::string>& valid_names = {});

    void handshake(Deadline deadline);
    std::size_t read(char* into, std::size_t size, Deadline deadline) override;
    void write(std::string_view bytes, Deadline deadline) override;
    void close() override;
    Engine& engine() { return engine_; }

private:
    void send_pending(Deadline deadline);
    bool receive(Deadline deadline);  // feeds what has come, at least a byte; false at the end
    [[noreturn]] void lost();

    int fd_;
    Engine engine_;
};

}  // namespace mta::tls
