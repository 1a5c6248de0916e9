// Covers: lib/auth/mechanism.cc lib/auth/scram.cc lib/auth/saslprep.cc
#include "auth/mechanism.h"

#include "auth/saslprep.h"
#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "t/fuzz/lib/target.h"

// SASL exchanges: who does not know the password never succeeds, whatever it says; who knows it does.
namespace {

using namespace mta;

constexpr std::string_view password = "pencil";

const auth::ScramKeys& keys()
{
    static const auto made = auth::ScramKeys::derive(password, "salt", 4096);
    return made;
}

void check_step(const auth::Step& step, const auth::Mechanism& mechanism)
{
    HOLDS(mechanism.user().empty() || auth::is_user_name(mechanism.user()));
    HOLDS(step.kind != auth::Step::Kind::failure || !step.data.empty());
    HOLDS(step.kind != auth::Step::Kind::password || !mechanism.user().empty());
    HOLDS(step.kind != auth::Step::Kind::keys || !mechanism.user().empty());
}

// Plays the server with what the client says line by line; success must come from the right password alone.
void talk(auth::Mechanism& mechanism, fuzz::Input in)
{
    std::optional<std::string> initial;
    if (in.flag())
        initial = std::string(in.text('\n'));
    auto step = mechanism.start(initial);
    bool was_right = false, is_scram = false;
    for (int i = 0; i < 10; ++i) {
        check_step(step, mechanism);
        switch (step.kind) {
        case auth::Step::Kind::challenge:
            step = mechanism.respond(in.text('\n'));
            break;
        case auth::Step::Kind::password:
            was_right = step.data == password;
            step = mechanism.checked(was_right);
            break;
        case auth::Step::Kind::keys:
            is_scram = true;
            step = mechanism.found(keys());
            break;
        case auth::Step::Kind::success:
            HOLDS(was_right && !is_scram);  // no input can hold a proof for a nonce that chance has made
            return;
        case auth::Step::Kind::failure: return;
        }
    }
}

// RFC 5802 section 3, the client's side, for the name and nonce of the input.
void check_scram(std::string_view first, std::string_view key)
{
    auth::ScramExchange exchange("server");
    if (!exchange.take_first(first))
        return;
    auto server_first = exchange.challenge(keys());
    auto header = first.substr(0, first.find(',', first.find(',') + 1) + 1);
    auto bare = first.substr(header.size());
    auto nonce = server_first.substr(2, server_first.find(',') - 2);
    auto without_proof = cat("c=", base64_encode(header), ",r=", nonce);
    auto message = cat(bare, ",", server_first, ",", without_proof);
    auto proof = hmac_sha256(keys().stored_key, message);
    for (std::size_t i = 0; i < proof.size(); ++i)
        proof[i] = static_cast<char>(proof[i] ^ key[i % key.size()]);
    auto final = exchange.finish(cat(without_proof, ",p=", base64_encode(proof)));
    HOLDS(final && final->has_value() == (sha256(key) == keys().stored_key));
}

// The client's key for our password: PBKDF2 with one output block, as derive() does it.
std::string client_key()
{
    static const std::string key = [] {
        auto block = hmac_sha256(password, std::string("salt\0\0\0\1", 8)), salted = block;
        for (int i = 1; i < 4096; ++i) {
            block = hmac_sha256(password, block);
            for (std::size_t k = 0; k < salted.size(); ++k)
                salted[k] = static_cast<char>(salted[k] ^ block[k]);
        }
        return hmac_sha256(salted, "Client Key");
    }();
    return key;
}

}  // namespace

FUZZ(input)
{
    fuzz::Input in(input);
    const auto& all = auth::mechanisms();
    auto mechanism = auth::make_mechanism(all[in.number(all.size())].name);
    HOLDS(mechanism);
    talk(*mechanism, in);
    check_scram(in.rest(), std::string(32, 'x'));
    check_scram(in.rest(), client_key());
    if (auto keys = auth::ScramKeys::parse(in.rest()))
        HOLDS(auth::ScramKeys::parse(keys->text()).has_value() && keys->text() == auth::ScramKeys::parse(keys->text())->text());
    auto prepared = auth::saslprep(in.rest());
    if (prepared)
        HOLDS(is_utf8(*prepared) && auth::saslprep(*prepared) == prepared);
    HOLDS(!is_ascii(in.rest()) || !prepared || *prepared == in.rest());
    HOLDS(auth::prepare_password(in.rest()) == prepared.value_or(std::string(in.rest())));
}
