#include "t/fuzz/lib/answerer.h"

#include <sys/socket.h>

#include <cerrno>

#include "net/stream.h"
#include "t/fuzz/lib/target.h"

namespace mta::fuzz {

Answerer::Answerer(const std::string& path, std::string answer) : answer_(std::move(answer))
{
    std::remove(path.c_str());
    auto listener = net::listen_unix(path, 0600);
    HOLDS(listener);
    listener_ = *std::move(listener);
    thread_ = std::thread([this] { serve(); });
}

Answerer::~Answerer()
{
    ::shutdown(listener_.get(), SHUT_RDWR);  // ends accept()
    thread_.join();
}

void Answerer::serve() const
{
    while (true) {
        Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!peer && errno == EINTR)
            continue;
        if (!peer)
            return;
        char question[65536];
        while (::recv(peer.get(), question, sizeof question, 0) < 0 && errno == EINTR) {
        }
        (void)::send(peer.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
}

}  // namespace mta::fuzz
