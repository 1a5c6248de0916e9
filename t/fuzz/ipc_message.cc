// Covers: lib/ipc/message.cc lib/ipc/channel.cc
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstring>

#include "base/file.h"
#include "ipc/channel.h"
#include "t/fuzz/lib/answerer.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"

// Messages and bodies of another daemon that has been broken: the same whatever the pieces, nothing is believed. And those of one
// that is not: what is sent arrives as it was, with its descriptor, however the socket splits it.
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

constexpr long max_descriptors = 16;  // that may be on their way at a time

dev_t device_of(int fd)
{
    struct stat status {};
    HOLDS(::fstat(fd, &status) == 0);
    return status.st_rdev;
}

// Two channels, and between them somebody who hands the bytes on in pieces.
class Link {
public:
    explicit Link(std::size_t seed) : state_(static_cast<std::uint32_t>(seed))
    {
        connect(sender_, from_sender_);
        connect(receiver_, to_receiver_);
    }
    ipc::Channel& sender() { return *sender_; }
    ipc::Channel& receiver() { return *receiver_; }
    bool is_broken() const { return broken_; }

    // Breaks the receiver if it had to keep more descriptors than it does.
    void pass_on()
    {
        char bytes[65536];
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
        while (true) {
            iovec vector{bytes, sizeof bytes};
            msghdr header{};
            header.msg_iov = &vector;
            header.msg_iovlen = 1;
            header.msg_control = control;
            header.msg_controllen = sizeof control;
            auto count = ::recvmsg(from_sender_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (count <= 0)
                return;
            int fd = -1;
            if (auto* rights = CMSG_FIRSTHDR(&header))
                std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
            split({bytes, static_cast<std::size_t>(count)}, Fd(fd));
        }
    }
    void hang_up()
    {
        sender_.reset();
        to_receiver_.reset();
    }

private:
    static void connect(std::optional<ipc::Channel>& channel, Fd& other)
    {
        int ends[2];
        HOLDS(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        channel.emplace(Fd(ends[0]));
        other = Fd(ends[1]);
    }
    void split(std::string_view bytes, Fd fd)
    {
        while (!bytes.empty()) {
            state_ = state_ * 1664525u + 1013904223u;
            auto piece = bytes.substr(0, 1 + (state_ >> 12) % std::max<std::size_t>(bytes.size() / 2, 24));
            HOLDS(ipc::send_with_fd(to_receiver_.get(), piece, fd.get(), MSG_DONTWAIT) == static_cast<ssize_t>(piece.size()));
            broken_ = !receiver_->read_available() || broken_;
            bytes.remove_prefix(piece.size());
            fd.reset();
        }
    }
    std::optional<ipc::Channel> sender_, receiver_;
    Fd from_sender_, to_receiver_;
    std::uint32_t state_;
    bool broken_ = false;
};

struct Sent {
    bool is_message;
    std::string bytes;  // of the message as it arrives, or of the chunks
    dev_t device;       // 0: no descriptor
};

// What the receiver must get.
void check_received(ipc::Channel& receiver, std::vector<Sent>& sent)
{
    for (const auto& expected : sent) {
        std::string body;
        if (!expected.is_message) {
            for (auto chunk = receiver.receive_chunk(net::Seconds(5)); !chunk.empty(); chunk = receiver.receive_chunk(net::Seconds(5)))
                body += chunk;
            HOLDS(body == expected.bytes);
            continue;
        }
        auto message = receiver.receive(net::Seconds(5));
        HOLDS(message && message->body() == expected.bytes);
        HOLDS(expected.device == (message->fd ? device_of(message->fd.get()) : 0));
        HOLDS(!message->fd || device_of(message->copy().fd.get()) == expected.device);
    }
    sent.clear();
}

std::string repeated(std::string_view text, std::size_t times)
{
    std::string out;
    for (std::size_t i = 0; i < times && out.size() <= ipc::max_message_bytes / 2; ++i)
        out += text;
    return out;
}

ipc::Message message_of(fuzz::Input& in)
{
    ipc::Message message;
    for (auto count = in.number(4); count > 0; --count) {
        auto name = std::string(1, static_cast<char>('a' + in.number(4)));
        auto text = in.text('\n');
        message.add(name, repeated(text, in.number(256)));
    }
    if (message.body().empty())
        message.add("a", "");  // nothing at all is the end of a message
    return message;
}

void send(Link& link, ipc::Message message, const char* device, std::vector<Sent>& sent)
{
    auto body = message.body();
    if (device) {
        message.fd.reset(::open(device, O_RDONLY | O_CLOEXEC));
        body.append("fd\0" "1\0", 5);
    }
    bool fits = body.size() < ipc::max_message_bytes;
    try {
        link.sender().send(message);
        HOLDS(fits);
    } catch (const net::Lost& lost) {
        HOLDS(!fits && lost.kind == net::Lost::Kind::too_long);
        return;
    }
    sent.push_back({true, body, device ? device_of(message.fd.get()) : 0});
}

// Says one thing, or keeps it until the next is said.
void say(Link& link, fuzz::Input& in, std::vector<Sent>& sent, std::size_t& total)
{
    auto what = in.number(6);
    auto message = message_of(in);
    total += message.body().size();
    if (what == 0) {
        link.sender().send_chunk(message.body());
        link.sender().end_body();
        sent.push_back({false, message.body(), 0});
    } else if (what == 1 && message.body().size() < ipc::max_message_bytes) {
        link.sender().queue(message.encoded());
        sent.push_back({true, message.body(), 0});
    } else if (what == 2) {
        link.sender().flush();
    } else {
        send(link, std::move(message), what == 4 ? "/dev/null" : what == 5 ? "/dev/zero" : nullptr, sent);
    }
}

void check_link(fuzz::Input in)
{
    Link link(in.number(256));
    bool at_once = in.flag();
    std::vector<Sent> sent;
    std::size_t total = 0, flushed = 0;
    while (!in.is_empty() && total < 4 * ipc::max_message_bytes && !link.is_broken()) {
        say(link, in, sent, total);
        if (at_once || total - flushed > ipc::max_message_bytes / 4) {  // nobody reads meanwhile: all must fit into the socket
            link.sender().flush();
            flushed = total;
        }
        link.pass_on();
        if (at_once)
            check_received(link.receiver(), sent);
    }
    link.sender().flush();
    link.pass_on();
    HOLDS(link.is_broken() == (std::count_if(sent.begin(), sent.end(), [](const Sent& one) { return one.device != 0; }) > max_descriptors));
    if (link.is_broken())
        return;
    check_received(link.receiver(), sent);
    link.hang_up();
    HOLDS(!link.receiver().receive(net::Seconds(5)));
}

// Whoever asks a service gets its one whole message, or hears that there was none; also the second time.
void check_client(std::string_view answer)
{
    auto path = fuzz::scratch_directory() + "/service";
    ipc::Message question, expected;
    question.add("question", answer.substr(0, 20));
    ipc::Client client(path);
    {
        fuzz::Answerer service(path, std::string(answer));
        auto size = ipc::Message::take(answer, expected);
        bool is_good = size && *size > 0 && !expected.find("fd");
        auto reply = client.call(question);
        HOLDS(reply.operator bool() == is_good && (!is_good || reply->body() == expected.body()));
        bool is_all = is_good && *size == answer.size();  // else the rest passes for the next reply
        reply = client.call(question);
        HOLDS(!is_all || (reply && reply->body() == expected.body()));
    }
    client.close();
    HOLDS(!client.call(question));
}

}  // namespace

FUZZ(input)
{
    if (input.size() > 60000)
        return;
    check_attributes(input);
    HOLDS(read_all(input, false) == read_all(input, true));
    read_body(input);
    check_link(fuzz::Input(input));
    if (input.starts_with("ask"))
        check_client(input.substr(3));
}
