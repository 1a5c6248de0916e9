#include <catch2/catch.hpp>

#include "auth/saslprep.h"
#include "auth/scram.h"
#include "base/encode.h"

using namespace mta;
using namespace mta::auth;

namespace {

// RFC 7677 section 3
const std::string client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string salt = *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
const std::string client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramExchange challenged(const std::string& first = client_first)
{
    ScramExchange exchange(server_nonce);
    REQUIRE(exchange.take_first(first));
    exchange.challenge(ScramKeys::derive("pencil", salt, 4096));
    return exchange;
}

}  // namespace

TEST_CASE("the example of RFC 7677 works step by step", "[auth]")
{
    ScramExchange exchange(server_nonce);
    REQUIRE(exchange.take_first(client_first));
    CHECK(exchange.user() == "user");
    CHECK(exchange.challenge(ScramKeys::derive("pencil", salt, 4096)) ==
          "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    auto final = exchange.finish(client_final);
    REQUIRE(final);
    REQUIRE(*final);
    CHECK(**final == server_final);
}

TEST_CASE("a wrong SCRAM password is no, not an error", "[auth]")
{
    ScramExchange exchange(server_nonce);
    REQUIRE(exchange.take_first(client_first));
    exchange.challenge(ScramKeys::derive("pen", salt, 4096));
    auto final = exchange.finish(client_final);
    REQUIRE(final);
    CHECK_FALSE(*final);
}

TEST_CASE("keys that were made up fit no password", "[auth]")
{
    auto one = ScramKeys::fake("nobody", "secret"), two = ScramKeys::fake("nobody", "secret");
    CHECK(one.salt == two.salt);
    CHECK(one.salt != ScramKeys::fake("somebody", "secret").salt);
    CHECK(one.salt != ScramKeys::fake("nobody", "other").salt);
    CHECK(one.stored_key != two.stored_key);
    CHECK(one.iterations == scram_iterations);
}

TEST_CASE("the client's messages are checked", "[auth]")
{
    for (auto bad : {"", "n", "n,,", "n,,n=user", "n,,r=x,n=user", "x,,n=user,r=abc", "n,,n=,r=abc", "n,,n=us=er,r=abc", "n,,n=user,r=",
                     "n,,m=ext,n=user,r=abc", "p=tls-exporter,,n=user,r=abc", "n,b=user,n=user,r=abc", "n,,n=us\x01"
                     "er,r=abc", "n,,n=user,r=\x7f", "n,,n=\xff,r=abc"}) {
        ScramExchange exchange;
        INFO(bad);
        CHECK_FALSE(exchange.take_first(bad));
    }
    auto nonce = std::string("rOprNGfwEbeRWgbNEkqO") + server_nonce;
    for (auto bad : {std::string(), std::string("c=biws"), "c=biws,r=" + nonce, "c=biws,r=" + nonce + ",p=!!!", "r=" + nonce + ",c=biws,p=" + client_final.substr(client_final.size() - 44),
                     "c=biws,r=" + nonce + ",p=AAAA"}) {
        auto exchange = challenged();
        INFO(bad);
        CHECK_FALSE(exchange.finish(bad));
    }
    auto proof = client_final.substr(client_final.find(",p="));
    for (auto lie : {"c=eSws,r=" + nonce + proof, "c=biws,r=" + nonce + "x" + proof, "c=biws,r=other" + proof, "c=,r=" + nonce + proof}) {
        auto exchange = challenged();
        auto final = exchange.finish(lie);
        INFO(lie);
        REQUIRE(final);
        CHECK_FALSE(*final);
    }
}

TEST_CASE("names are decoded", "[auth]")
{
    ScramExchange exchange;
    REQUIRE(exchange.take_first("y,a=x=2Cy,n=a=3Db=2Cc,r=abc"));
    CHECK(exchange.user() == "a=b,c");
    CHECK(exchange.authorization() == "x,y");
}

TEST_CASE("stored SCRAM keys are read and written", "[auth]")
{
    auto keys = ScramKeys::derive("pencil", salt, 4096);
    auto text = keys.text();
    CHECK(text == "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
    auto read = ScramKeys::parse(text);
    REQUIRE(read);
    CHECK(read->stored_key == keys.stored_key);
    CHECK(read->server_key == keys.server_key);
    for (auto bad : {"", "4096", "0,aaaa,bbbb,cccc", "4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
                     "x,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
                     "99999999999,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="})
        CHECK_FALSE(ScramKeys::parse(bad));
}

TEST_CASE("saslprep does the examples of RFC 4013", "[auth]")
{
    CHECK(saslprep("I\xc2\xadX") == "IX");
    CHECK(saslprep("user") == "user");
    CHECK(saslprep("USER") == "USER");
    CHECK(saslprep("\xc2\xaa") == "a");
    CHECK(saslprep("\xe2\x85\xa8") == "IX");
    CHECK_FALSE(saslprep("\x07"));
    CHECK(saslprep("a\xc2\xa0"
                   "b") == "a b");
    CHECK_FALSE(saslprep("\xee\x80\x80"));  // private use
    CHECK_FALSE(saslprep("\xff"));
    CHECK(prepare_password("\xff") == "\xff");
}
