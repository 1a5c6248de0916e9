#pragma once

#include <fcntl.h>

#include <string>
#include <string_view>

#include "t/fuzz/lib/target.h"
#include "net/stream.h"

namespace mta::fuzz {

// The other side of a conversation: says the input in pieces, then hangs up, and keeps what it is told.
class Peer : public net::Transport {
public:
    Peer(std::string_view says, std::size_t seed, std::string& heard) : says_(says), seed_(static_cast<std::uint32_t>(seed)), heard_(heard) {}

    std::size_t read(char* into, std::size_t size, Deadline) override
    {
        seed_ = seed_ * 1664525u + 1013904223u;
        auto piece = says_.substr(0, std::min<std::size_t>(size, seed_ % 2 == 0 ? 1 + (seed_ >> 20) % 64 : size));
        says_.remove_prefix(piece.size());
        std::copy(piece.begin(), piece.end(), into);
        return piece.size();
    }
    void write(std::string_view bytes, Deadline) override { heard_ += bytes; }

private:
    std::string_view says_;
    std::uint32_t seed_;
    std::string& heard_;
};

// A stream whose descriptor is always readable, as there is always more to come from the peer, if only the end.
inline net::Stream stream_to(std::string_view says, std::size_t seed, std::string& heard)
{
    net::Stream stream(Fd(::open("/dev/null", O_RDWR | O_CLOEXEC)));
    stream.set_transport(std::make_unique<Peer>(says, seed, heard));
    return stream;
}

// Nothing that is logged on the way shall slow us down; each line is made all the same.
void silence_log();

}  // namespace mta::fuzz
