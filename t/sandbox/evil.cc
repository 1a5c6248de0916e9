#include "t/sandbox/evil.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/text.h"
#include "ipc/channel.h"
#include "service/keys.h"

namespace mta::evil {

namespace {

using namespace std::chrono_literals;

std::string no() { return cat("no ", ::strerrorname_np(errno)); }

std::string read(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char bytes[64];
    auto count = fd ? ::read(fd.get(), bytes, sizeof bytes) : -1;
    return count < 0 ? no() : cat("yes ", printable(std::string_view(bytes, static_cast<std::size_t>(count))));
}

std::string list(const std::string& path)
{
    std::unique_ptr<DIR, Release<closedir>> directory(::opendir(path.c_str()));
    return directory ? "yes" : no();
}

Fd connected(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? std::move(fd) : Fd();
}

// Bytes that are no message: names without values, endless ones, a descriptor count that is wrong.
std::string garbage(const std::string& path)
{
    const std::string noise[] = {std::string(100000, '\0'), std::string(100000, 'x'), std::string("id\0-1\0\0queue_id\0../../x\0\0", 26), "\xff\xfe\r\n\r\n"};
    for (const auto& bytes : noise) {
        auto fd = connected(path);
        if (!fd)
            return no();
        (void)!::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    return "yes";
}

std::string tcp(unsigned short port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return fd && ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? "yes" : no();
}

std::string sign(const std::string& socket, const std::string& service, const std::string& ticket, const std::string& key)
{
    ipc::Channel keys(connected(socket));
    if (keys.fd() < 0)
        return no();
    try {
        keys.send(ipc::pack(service::SignQuestion{service, ticket, key, "ecdsa-sha256", std::string(64, 'a')}));
        auto message = keys.receive(10s);
        auto reply = message ? ipc::unpack<service::SignReply>(*message) : Result<service::SignReply>(failure("the connection was closed"));
        return !reply ? cat("no ", reply.error().text) : reply->signature.empty() ? cat("no ", reply->reason) : "yes";
    } catch (const net::Lost& lost) {
        return cat("no ", lost.what());
    }
}

std::string attempt(const std::string& verb, const std::string& first, const std::string& second)
{
    auto number = parse_number<int>(first).value_or(0);
    if (verb == "read")
        return read(first);
    if (verb == "list")
        return list(first);
    if (verb == "link")
        return ::link(first.c_str(), second.c_str()) == 0 ? "yes" : no();
    if (verb == "connect")
        return connected(first) ? "yes" : no();
    if (verb == "garbage")
        return garbage(first);
    if (verb == "kill")
        return number > 0 && ::kill(number, SIGTERM) == 0 ? "yes" : no();
    if (verb == "fill")
        return std::string(static_cast<std::size_t>(number) << 20, 'x').back() == 'x' ? "yes" : "no";
    if (verb == "tcp")
        return tcp(static_cast<unsigned short>(number));
    return "no such attempt";
}

}  // namespace

std::string answer(std::string_view line)
{
    std::vector<std::string> words;
    for (auto word : split_words(line))
        words.emplace_back(word);
    words.resize(5);
    if (words[0] == "sign")
        return sign(words[1], words[2], words[3], words[4]);
    return attempt(words[0], words[1], words[2]);
}

void obey(net::Stream& client)
{
    while (true) {
        client.write(cat(answer(client.line(60s)), "\r\n"));
        client.flush(60s);
    }
}

}  // namespace mta::evil
