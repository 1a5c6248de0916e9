// Covers: lib/ipc/message.cc lib/ipc/channel.cc
#include <sys/socket.h>

#include "base/file.h"
#include "ipc/channel.h"
#include "t/fuzz/lib/peer.h"

// Messages and bodies of another daemon that has been broken: the same whatever the pieces, nothing is believed.
namespace {

using namespace mta;

// What a channel made of the bytes, as text.
std::string read_all(std::string_view bytes, bool in_steps)
{
    int ends[2];
    HOLDS(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    Fd peer(ends[0]);
    ipc::Channel channel{Fd(ends[1])};
    auto middle = in_steps ? bytes.size() / 3 : bytes.size();
    std::string seen;
    for (auto piece : {bytes.substr(0, middle), bytes.substr(middle)}) {
        HOLDS(piece.empty() || write_all(peer.get(), piece));
        channel.read_available();
        auto message = channel.take();
        for (; message && *message; message = channel.take())
            seen += (*message)->body() + "|";
        if (!message)
            return seen + "error";
    }
    return seen;
}

void read_body(std::string_view bytes)
{
    int ends[2];
    HOLDS(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    {
        Fd peer(ends[0]);
        HOLDS(write_all(peer.get(), bytes));
    }
    ipc::Channel channel{Fd(ends[1])};
    try {
        std::size_t total = 0;
        while (channel.receive(net::Seconds(5))) {
            for (auto chunk = channel.receive_chunk(net::Seconds(5)); !chunk.empty(); chunk = channel.receive_chunk(net::Seconds(5)))
                total += chunk.size();
        }
        HOLDS(total <= bytes.size());
    } catch (const net::Lost&) {
    }
}

// Attributes of our own, as they come out of the text.
void check_attributes(std::string_view bytes)
{
    ipc::Message message;
    auto size = ipc::Message::take(bytes, message);
    if (!size || *size == 0)
        return;
    HOLDS(*size == message.body().size() + 1 && message.encoded() == bytes.substr(0, *size));
    ipc::Message copy;
    std::string_view body = message.body();
    while (!body.empty()) {
        auto name = body.substr(0, body.find('\0'));
        body.remove_prefix(name.size() + 1);
        auto value = body.substr(0, body.find('\0'));
        body.remove_prefix(value.size() + 1);
        copy.add(name, value);
        HOLDS(message.next(name) == value && message.copy().find(name).has_value());
    }
    HOLDS(copy.body() == message.body());
}

}  // namespace

FUZZ(input)
{
    if (input.size() > 60000)
        return;
    check_attributes(input);
    HOLDS(read_all(input, false) == read_all(input, true));
    read_body(input);
}
