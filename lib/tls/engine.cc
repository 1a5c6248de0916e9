#include "tls/engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "net/address.h"

namespace mta::tls {

// OpenSSL's view of the two buffers of an Engine: a BIO that never blocks and whose writes always succeed.
struct EngineBio {
    static int read(BIO* bio, char* into, std::size_t size, std::size_t* count)
    {
        auto& engine = *static_cast<Engine*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        auto have = std::string_view(engine.in_).substr(engine.in_begin_);
        *count = have.copy(into, size);
        engine.in_begin_ += *count;
        if (engine.in_begin_ == engine.in_.size()) {
            engine.in_ = std::string();  // gives the memory back
            engine.in_begin_ = 0;
        }
        if (*count > 0)
            return 1;
        if (!engine.at_end_)
            BIO_set_retry_read(bio);
        return 0;
    }

    static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count)
    {
        BIO_clear_retry_flags(bio);
        static_cast<Engine*>(BIO_get_data(bio))->out_.append(bytes, size);
        *count = size;
        return 1;
    }

    static long control(BIO* bio, int command, long, void*)
    {
        auto& engine = *static_cast<Engine*>(BIO_get_data(bio));
        if (command == BIO_CTRL_EOF)
            return engine.at_end_ && !engine.has_unread();
        return command == BIO_CTRL_FLUSH;
    }

    static const BIO_METHOD* method()
    {
        static const std::unique_ptr<BIO_METHOD, Release<BIO_meth_free>> only = [] {
            std::unique_ptr<BIO_METHOD, Release<BIO_meth_free>> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "engine"));
            BIO_meth_set_read_ex(made.get(), read);
            BIO_meth_set_write_ex(made.get(), write);
            BIO_meth_set_ctrl(made.get(), control);
            return made;
        }();
        return only.get();
    }
};

namespace {

void want_names(SSL* ssl, const std::string& server_name, const std::vector<std::string>& valid_names)
{
    if (!net::Address::parse(server_name))
        SSL_set_tlsext_host_name(ssl, server_name.c_str());
    auto* parameters = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (net::Address::parse(server_name))
        X509_VERIFY_PARAM_set1_ip_asc(parameters, server_name.c_str());
    else
        X509_VERIFY_PARAM_set1_host(parameters, server_name.c_str(), 0);
    for (const auto& name : valid_names)
        X509_VERIFY_PARAM_add1_host(parameters, name.c_str(), 0);
}

}  // namespace

Engine::Engine(Context& context, const std::string& server_name, const std::vector<std::string>& valid_names)
    : ssl_(SSL_new(context.current()))
{
    std::unique_ptr<BIO, Release<BIO_free_all>> bio(BIO_new(EngineBio::method()));
    if (!ssl_ || !bio)
        throw std::runtime_error(cat("cannot make a TLS session: ", library_error()));
    BIO_set_data(bio.get(), this);
    BIO_set_init(bio.get(), 1);
    auto* both = bio.release();
    SSL_set_bio(ssl_.get(), both, both);  // the same for both ways: one reference, now SSL's
    SSL_set_app_data(ssl_.get(), this);
    const auto& settings = context.settings();
    if (settings.is_server) {
        SSL_set_verify(ssl_.get(), settings.request_certificate ? SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE : SSL_VERIFY_NONE, judge);
        SSL_set_accept_state(ssl_.get());
        if (settings.signer)
            signing_ = std::make_shared<Signing>(*settings.signer);
        return;
    }
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, judge);
    SSL_set_connect_state(ssl_.get());
    wants_name_ = !server_name.empty() || !valid_names.empty();
    if (wants_name_)
        want_names(ssl_.get(), server_name, valid_names);
}

// Remembers what is wrong and goes on: the owner decides by trust() whether that matters.
int Engine::judge(int good, X509_STORE_CTX* store)
{
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& engine = *static_cast<Engine*>(SSL_get_app_data(ssl));
    int error = X509_STORE_CTX_get_error(store);
    if (good)
        return 1;
    if (error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH)
        engine.name_differs_ = true;
    else if (engine.chain_error_ == X509_V_OK)
        engine.chain_error_ = error;
    return 1;
}

void Engine::feed(std::string_view ciphertext)
{
    if (in_begin_ > 0) {
        in_.erase(0, in_begin_);
        in_begin_ = 0;
    }
    in_.append(ciphertext);
}

void Engine::feed_end() { at_end_ = true; }

void Engine::taken(std::size_t count)
{
    out_begin_ += count;
    if (out_begin_ < out_.size())
        return;
    out_ = std::string();
    out_begin_ = 0;
}

void Engine::settle(int result)
{
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return;
    case SSL_ERROR_ZERO_RETURN:
        state_ = State::ended;
        return;
    default:
        break;
    }
    auto code = ERR_peek_error();
    auto unsigned_because = signing_ ? signing_->failure_text() : std::string();
    bool cut_off = at_end_ && (code == 0 || ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
    error_ = cut_off ? "lost connection" : unsigned_because.empty() ? library_error() : unsigned_because;
    state_ = cut_off ? State::truncated : State::failed;
    ERR_clear_error();
}

int Engine::go_on_with_handshake()
{
    Signing::Turn turn(signing_.get());
    ERR_clear_error();
    return SSL_do_handshake(ssl_.get());
}

Engine::State Engine::handshake()
{
    if (state_ != State::handshake || is_waiting())
        return state_;
    int result = go_on_with_handshake();
    while (result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_ASYNC) {
        if (!signing_->ask())
            return state_;
        result = go_on_with_handshake();
    }
    if (result == 1)
        state_ = State::open;
    else
        settle(result);
    if (state_ != State::handshake && signing_) {
        signing_.reset();
        SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);
    }
    return state_;
}

// OpenSSL's job has objects on its stack: it has to come to its end.
Engine::~Engine()
{
    if (state_ != State::handshake || !signing_)
        return;
    signing_->give_up();
    if (SSL_waiting_for_async(ssl_.get()))
        go_on_with_handshake();
    ERR_clear_error();
}

std::size_t Engine::read(char* into, std::size_t size)
{
    if (handshake() != State::open)
        return 0;
    ERR_clear_error();
    std::size_t count = 0;
    int result = SSL_read_ex(ssl_.get(), into, size, &count);
    if (result == 1)
        return count;
    settle(result);
    return 0;
}

bool Engine::write(std::string_view plaintext)
{
    if (handshake() != State::open)
        return false;
    if (plaintext.empty())
        return true;
    ERR_clear_error();
    std::size_t count = 0;
    int result = SSL_write_ex(ssl_.get(), plaintext.data(), plaintext.size(), &count);
    if (result != 1)
        settle(result);
    return result == 1;
}

void Engine::shut_down()
{
    if (state_ != State::open && state_ != State::ended)
        return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

}  // namespace mta::tls
