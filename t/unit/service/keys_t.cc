#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>

#include "base/encode.h"
#include "base/text.h"
#include "net/stream.h"
#include "service/keys.h"

using namespace mta;
using namespace mta::service;
using namespace std::chrono_literals;

namespace {

// A client and what it asks, in one loop that ends after a while in any case.
class Place {
public:
    Place() : limit_(loop, [this] { loop.stop(); })
    {
        char name[] = "/tmp/keys-client.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
        listener = *net::listen_unix(path_ + "/keys", 0600);
        limit_.start(20s);
    }
    ~Place() { std::filesystem::remove_all(path_); }
    Place(const Place&) = delete;
    KeysAccess access() const { return {path_ + "/keys", "smtp", "ticket"}; }
    const std::string& path() const { return path_; }

    mta::event::Loop loop;
    Fd listener;

private:
    std::string path_;
    mta::event::Timer limit_;
};

const tls::SignRequest request{"abc", tls::find_scheme("ecdsa-sha256"), std::string(32, 'x')};

}  // namespace

TEST_CASE("who gives no answer is waited for up to the limit, also when he is not there at all", "[service][keys]")
{
    Place place;
    if (GENERATE(false, true))
        place.listener.reset();
    KeysClient client(place.loop, place.access(), 100ms);
    std::string said;
    client.sign(request, [&](const Result<std::string>& signature) {
        said = signature ? "signed" : signature.error().text;
        place.loop.stop();
    });
    place.loop.run();
    CHECK(said.ends_with("/keys: no answer in time"));
}

TEST_CASE("a question that is lost with keys is asked again, one that is refused is not", "[service][keys]")
{
    Place place;
    int asked = 0;
    ipc::Server server(place.loop, place.listener.get(), [&](const ipc::Message& message, const ipc::Server::Reply& reply) {
        if (++asked == 1)
            return reply(ipc::Message());  // ends the connection
        auto question = ipc::unpack<SignQuestion>(message);
        REQUIRE(question);
        CHECK(question->service + question->ticket + question->key + question->scheme + question->data == cat("smtpticket", "tls/abc", "ecdsa-sha256", hex_encode(request.data)));
        reply(ipc::pack(asked == 2 ? SignReply{hex_encode("signature"), ""} : SignReply{"", "there is no such key"}));
    });
    KeysClient client(place.loop, place.access(), 10s);
    std::vector<std::string> said;
    auto note = [&](const Result<std::string>& signature) {
        said.push_back(signature ? *signature : signature.error().text);
        place.loop.stop();
    };
    client.sign(request, note);
    place.loop.run();
    client.sign(request, note);
    place.loop.run();
    CHECK(said == std::vector<std::string>{"signature", "no signature: there is no such key"});
    CHECK(asked == 3);
}

TEST_CASE("certificates are asked for until there are others, also after an answer that said nothing", "[service][keys]")
{
    Place place;
    std::vector<std::string> known;
    ipc::Server server(place.loop, place.listener.get(), [&](const ipc::Message& message, const ipc::Server::Reply& reply) {
        known.push_back(ipc::unpack<ChainsQuestion>(message)->known);
        if (known.size() == 1)
            return reply(ipc::pack(ChainsReply{"", {}, "unknown"}));
        if (known.size() < 4)
            reply(ipc::pack(ChainsReply{cat("v", known.size()), {"chain"}, ""}));
    });
    KeysClient client(place.loop, place.access(), 10s);
    std::string heard;
    client.watch_chains([&](const Result<ChainsReply>& reply) {
        heard += cat(reply ? reply->version : "error", " ");
        if (heard.ends_with("v3 "))
            place.loop.stop();
    });
    place.loop.run();
    CHECK(heard == " v2 v3 ");
    CHECK(known == std::vector<std::string>{"", "", "v2"});
}

TEST_CASE("tickets differ by secret, set and service", "[service][keys]")
{
    Place place;
    auto secret = [&] {
        REQUIRE(Secret::make(place.path() + "/secret"));
        return *Secret::load(place.path() + "/secret");
    };
    auto one = secret(), other = secret();
    auto ticket = keys_ticket(one, "tls", "smtp");
    CHECK(ticket.size() == 64);
    CHECK(ticket == keys_ticket(one, "tls", "smtp"));
    for (const auto& different : {keys_ticket(other, "tls", "smtp"), keys_ticket(one, "dkim", "smtp"), keys_ticket(one, "tls", "imap")})
        CHECK(ticket != different);
}
