#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "tls/context.h"
#include "tls/signing.h"

namespace mta::tls {

// What was agreed, for log lines and Received: header fields.
struct Facts {
    std::string protocol;        // "TLSv1.3"
    std::string cipher;          // "TLS_AES_256_GCM_SHA384"
    int used_bits = 0, algorithm_bits = 0;
    std::string key_exchange;    // "X25519", "ECDHE (prime256v1)"; empty: not known
    std::string server_signature, server_digest, client_signature, client_digest;  // "ECDSA (prime256v1)", "SHA256"
    bool resumed = false;
    // As Postfix writes it: "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 ..."
    std::string text() const;
};

// What is known of the peer by its certificate. anonymous: it has shown none; untrusted: nobody we trust vouches for
// it; trusted: somebody does; verified: and it is the one we wanted.
enum class Trust { anonymous, untrusted, trusted, verified };
std::string_view name(Trust trust);  // "Anonymous" ...

// One side of a TLS connection without a socket: ciphertext from the peer is fed, ciphertext for the peer is taken,
// plaintext is read and written. Nothing here blocks. Buffers are given back when they are empty.
class Engine {
public:
    enum class State {
        handshake,  // not finished; feed() and send what pending() shows
        open,
        ended,      // the peer has said goodbye (close_notify): all it wrote was read
        truncated,  // the connection ended without: what came last may be missing
        failed      // error() says why; pending() may hold an alert
    };

    // server_name: what a client asks for (SNI, without effect for addresses) and verifies; more names may be right.
    // May throw std::runtime_error when memory is out.
    explicit Engine(Context& context, const std::string& server_name = "", const std::vector<std::string>& valid_names = {});

    Engine(const Engine&) = delete;  // the BIO holds our address
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    // Ciphertext that came; takes part in the next read(), write() or handshake(). It is the caller's part to read first
    // (until read() gives nothing) before it feeds more, so that memory stays bounded.
    void feed(std::string_view ciphertext);
    void feed_end();  // the peer's end of the TCP stream
    bool has_unread() const { return in_begin_ < in_.size(); }

    // Goes on with the handshake as far as the bytes reach.
    State handshake();
    // True while the handshake stands still because the context's signer has not answered: there is nothing to be read or fed
    // now. The handler of on_signature() is called when it is time to go on.
    bool is_waiting() const { return signing_ && signing_->is_waiting(); }
    void on_signature(std::function<void()> handler)
    {
        if (signing_)
            signing_->on_answer(std::move(handler));
    }
    // What was decrypted, at most size bytes; 0: nothing now, or state() says it is over. Finishes the handshake first.
    std::size_t read(char* into, std::size_t size);
    // Encrypts all of it, or nothing if the handshake is not finished or the connection is over.
    bool write(std::string_view plaintext);
    // Adds close_notify to what is to be sent; then only reading makes sense.
    void shut_down();

    // Ciphertext to be sent; taken() removes what was.
    std::string_view pending() const { return std::string_view(out_).substr(out_begin_); }
    void taken(std::size_t count);

    State state() const { return state_; }
    bool is_open() const { return state_ == State::open; }
    const std::string& error() const { return error_; }

    Facts facts() const;
    Trust trust() const;
    std::string peer_name() const;         // the subject's common name, made printable; empty: none
    std::string peer_fingerprint() const;  // SHA-256 of the peer's certificate, "AB:CD:..."; empty: none
    std::string verify_error() const;      // why it is not trusted or verified
    SSL* handle() { return ssl_.get(); }

private:
    friend struct EngineBio;
    static int judge(int good, X509_STORE_CTX* store);  // called by OpenSSL for each certificate
    // The result of an SSL_* call that did not succeed: what it means for the state.
    void settle(int result);
    int go_on_with_handshake();

    std::unique_ptr<SSL, Release<SSL_free>> ssl_;
    std::shared_ptr<Signing> signing_;  // only during the handshake, and if there is a signer
    std::string in_, out_;
    std::size_t in_begin_ = 0, out_begin_ = 0;
    std::string error_;
    State state_ = State::handshake;
    bool at_end_ = false;
    bool wants_name_ = false, name_differs_ = false;
    int chain_error_ = 0;
};

}  // namespace mta::tls
