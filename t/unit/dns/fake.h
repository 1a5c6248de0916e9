#pragma once

#include <ldns/ldns.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "event/event.h"
#include "net/address.h"

// DNS packets for tests, made by ldns, and a server on 127.0.0.1 that sends them.
namespace mta::test {

using Packet = std::unique_ptr<ldns_pkt, Release<ldns_pkt_free>>;

inline std::string wire(const ldns_pkt* packet)
{
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    ldns_pkt2wire(&bytes, packet, &size);
    std::string text(reinterpret_cast<char*>(bytes), size);
    std::free(bytes);
    return text;
}

inline Packet parse(std::string_view bytes)
{
    ldns_pkt* packet = nullptr;
    ldns_wire2pkt(&packet, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    return Packet(packet);
}

struct Reply {
    int code = 0;
    std::vector<std::string> answer{}, authority{};  // "example.com. 300 IN A 192.0.2.1"
    bool ad = false, truncated = false;
    int id_offset = 0;             // added to the right ID
    std::string question{};        // another name in the question section
    bool bare = false;             // no question section at all
    bool is_referral = false;      // of a server that neither knows nor asks

    std::string to(std::string_view query) const
    {
        auto asked = parse(query);
        Packet packet(ldns_pkt_new());
        ldns_pkt_set_id(packet.get(), static_cast<std::uint16_t>(ldns_pkt_id(asked.get()) + id_offset));
        ldns_pkt_set_qr(packet.get(), true);
        ldns_pkt_set_rd(packet.get(), true);
        ldns_pkt_set_ra(packet.get(), !is_referral);
        ldns_pkt_set_ad(packet.get(), ad);
        ldns_pkt_set_tc(packet.get(), truncated);
        ldns_pkt_set_rcode(packet.get(), static_cast<std::uint8_t>(code));
        if (!bare) {
            auto* record = ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(asked.get()), 0));
            if (!question.empty()) {
                ldns_rdf_deep_free(ldns_rr_owner(record));
                ldns_rr_set_owner(record, ldns_dname_new_frm_str(question.c_str()));
            }
            ldns_pkt_push_rr(packet.get(), LDNS_SECTION_QUESTION, record);
        }
        add(packet.get(), LDNS_SECTION_ANSWER, answer);
        add(packet.get(), LDNS_SECTION_AUTHORITY, authority);
        return wire(packet.get());
    }

private:
    static void add(ldns_pkt* packet, ldns_pkt_section section, const std::vector<std::string>& records)
    {
        for (const auto& text : records) {
            ldns_rr* record = nullptr;
            if (ldns_rr_new_frm_str(&record, text.c_str(), 0, nullptr, nullptr) != LDNS_STATUS_OK)
                throw std::runtime_error("bad record in test: " + text);
            ldns_pkt_push_rr(packet, section, record);
        }
    }
};

// Runs in the test's own event loop. The handler gives the packets to send for a query, none to be silent.
class Server {
public:
    struct Asked {
        std::string bytes;
        bool by_tcp;
        std::string name() const
        {
            auto packet = parse(bytes);
            std::unique_ptr<char, Release<std::free>> text(ldns_rdf2str(ldns_rr_owner(ldns_rr_list_rr(ldns_pkt_question(packet.get()), 0))));
            return text.get();
        }
        bool has_edns() const { return ldns_pkt_edns(parse(bytes).get()); }
    };
    using Handler = std::function<std::vector<std::string>(const Asked&)>;

    Server(event::Loop& loop, Handler handler) : loop_(loop), handler_(std::move(handler))
    {
        sockaddr_storage storage;
        net::Endpoint any{*net::Address::parse("127.0.0.1"), 0};
        for (int attempt = 0; attempt < 50; ++attempt) {  // the same port for both
            udp_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            tcp_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            auto size = any.to(storage);
            ::bind(udp_.get(), reinterpret_cast<sockaddr*>(&storage), size);
            endpoint = net::Endpoint::local_of(udp_.get());
            size = endpoint.to(storage);
            if (::bind(tcp_.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0 && ::listen(tcp_.get(), 10) == 0)
                break;
        }
        udp_watch_ = std::make_unique<event::Watch>(loop, udp_.get(), event::readable, [this](short) { read_udp(); });
        tcp_watch_ = std::make_unique<event::Watch>(loop, tcp_.get(), event::readable, [this](short) { accept(); });
    }

    net::Endpoint endpoint;
    std::vector<Asked> asked;

private:
    void read_udp()
    {
        char buffer[4096];
        sockaddr_storage from;
        socklen_t size = sizeof from;
        auto count = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
        asked.push_back({std::string(buffer, static_cast<std::size_t>(count)), false});
        for (const auto& reply : handler_(asked.back()))
            ::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }

    void accept()
    {
        auto fd = ::accept(tcp_.get(), nullptr, nullptr);
        connections_.emplace_back(fd);
        watches_.push_back(std::make_unique<event::Watch>(loop_, fd, event::readable, [this, fd, n = watches_.size()](short) {
            char buffer[4096];
            auto count = ::read(fd, buffer, sizeof buffer);
            if (count < 3)
                return watches_[n]->change(0);
            asked.push_back({std::string(buffer + 2, static_cast<std::size_t>(count - 2)), true});
            for (const auto& reply : handler_(asked.back())) {
                std::string framed{static_cast<char>(reply.size() >> 8), static_cast<char>(reply.size() & 255)};
                framed += reply;
                if (::write(fd, framed.data(), 1) != 1)  // in two pieces: the reader must wait for the rest
                    return;
                [[maybe_unused]] auto written = ::write(fd, framed.data() + 1, framed.size() - 1);
            }
        }));
    }

    event::Loop& loop_;
    Handler handler_;
    Fd udp_, tcp_;
    std::vector<Fd> connections_;
    std::vector<std::unique_ptr<event::Watch>> watches_;
    std::unique_ptr<event::Watch> udp_watch_, tcp_watch_;
};

}  // namespace mta::test
