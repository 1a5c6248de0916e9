#include "t/lib/connection.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "base/text.h"

namespace mta::test {

namespace {

sockaddr_in address_of(std::string_view host, int port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET, std::string(host).c_str(), &address.sin_addr) != 1)
        throw std::runtime_error(cat("not an address: ", host));
    return address;
}

}  // namespace

Connection::Connection(int port, std::string_view server, std::string_view client)
{
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto from = address_of(client, 0), to = address_of(server, port);
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&from), sizeof from) < 0 ||
        ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) < 0)
        throw_errno(cat("connect to ", server, ":", port));
}

void Connection::write(std::string_view bytes)
{
    while (!bytes.empty()) {
        auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n < 0)
            throw_errno("send");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

bool Connection::try_write(std::string_view bytes)
{
    while (!bytes.empty()) {
        pollfd ready{socket_.get(), POLLOUT, 0};
        if (::poll(&ready, 1, static_cast<int>(limit_.count())) <= 0)
            return false;
        auto n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return false;
        bytes.remove_prefix(n < 0 ? 0 : static_cast<std::size_t>(n));
    }
    return true;
}

std::string Connection::read_some(std::chrono::milliseconds limit)
{
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(limit.count())) <= 0)
        throw std::runtime_error(cat("the server said nothing in time; before: ", buffer_));
    std::string bytes(65536, '\0');
    auto n = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return bytes;
}

std::string Connection::line()
{
    std::size_t end;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
        auto bytes = read_some(limit_);
        if (bytes.empty())
            throw std::runtime_error(cat("the server closed the connection; before: ", buffer_));
        buffer_ += bytes;
    }
    auto text = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return text;
}

std::string Connection::reply()
{
    std::string all, text;
    do {
        text = line();
        all += text + "\n";
    } while (text.size() > 3 && text[3] == '-');
    return all;
}

void Connection::talk(std::initializer_list<Step> steps)
{
    for (const auto& [send, expected] : steps) {
        INFO("sent: " << send.substr(0, 200) << ", expected: " << expected);
        if (!send.empty())
            write(send + "\r\n");
        auto answer = reply();
        INFO("reply: " << answer);
        REQUIRE(answer.rfind(expected, 0) == 0);
    }
}

std::string Connection::imap(std::string_view text)
{
    auto tag = cat("a", ++tag_);
    write(cat(tag, " ", text, "\r\n"));
    for (std::string all;;) {
        auto answer = line();
        all += answer + "\n";
        if (answer.rfind(tag + " ", 0) == 0)
            return all;
    }
}

bool Connection::is_closed(std::chrono::milliseconds limit)
{
    for (auto end = std::chrono::steady_clock::now() + limit;;) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd ready{socket_.get(), POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0)
            return false;
        char bytes[4096];
        if (::recv(socket_.get(), bytes, sizeof bytes, 0) <= 0)
            return true;
    }
}

std::string Connection::rest(std::chrono::milliseconds limit)
{
    auto all = std::exchange(buffer_, "");
    pollfd ready{socket_.get(), POLLIN, 0};
    while (::poll(&ready, 1, static_cast<int>(limit.count())) > 0) {
        auto bytes = read_some(limit);
        if (bytes.empty())
            break;
        all += bytes;
    }
    return all;
}

void Connection::shut_down() { ::shutdown(socket_.get(), SHUT_RDWR); }

void Connection::reset()
{
    linger now{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
}

}  // namespace mta::test
