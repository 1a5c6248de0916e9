#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "tls/engine.h"

namespace mta::front {

// A client's socket, with TLS or without: plaintext goes in and comes out, nothing waits. Buffers are given back when empty.
class Wire {
public:
    enum class Got { some, nothing, end, lost };
    explicit Wire(Fd fd) : fd_(std::move(fd)) {}

    // Reads what has come, until there are limit bytes; goes on with the handshake.
    Got fill(std::string& into, std::size_t limit);
    // True if fill() may give more although the socket is not readable.
    bool has_buffered() const { return tls_ && (tls_->has_unread() || SSL_has_pending(tls_->handle()) == 1); }
    // Plaintext to be sent; flush() sends it. Nothing may be written while the handshake is not finished.
    void write(std::string_view plaintext);
    // False if the client is gone.
    bool flush();
    std::size_t unsent() const { return out_.size() - begin_; }
    void drop_unsent()
    {
        out_ = std::string();
        begin_ = 0;
    }

    // What comes from now on is TLS; what was written before goes first. The handshake may have to wait for a signature: then
    // there is nothing to be filled until go_on is called.
    void start_tls(tls::Context& context, std::function<void()> go_on)
    {
        tls_ = std::make_unique<tls::Engine>(context);
        tls_->on_signature(std::move(go_on));
    }
    bool is_waiting() const { return tls_ && tls_->is_waiting(); }
    tls::Engine* tls() const { return tls_.get(); }
    // Adds the TLS goodbye.
    void say_goodbye();

    int fd() const { return fd_.get(); }
    Fd release() { return std::move(fd_); }
    void adopt(Fd fd) { fd_ = std::move(fd); }
    // Whether bytes wait in the socket, without taking them.
    bool has_input() const;

private:
    Got fill_tls(std::string& into, std::size_t limit);
    Got decrypt(std::string& into, std::size_t limit);
    void take_ciphertext();

    Fd fd_;
    std::unique_ptr<tls::Engine> tls_;
    std::string out_;
    std::size_t begin_ = 0;
};

}  // namespace mta::front
