#include <catch2/catch.hpp>

#include "auth/mechanism.h"

using namespace mta;
using namespace mta::auth;
using Kind = Step::Kind;
using namespace std::string_literals;

TEST_CASE("PLAIN takes one message", "[auth]")
{
    auto plain = make_mechanism("plain");
    SECTION("with the command")
    {
        auto step = plain->start("\0Anna@Example.com\0secret"s);
        CHECK(step.kind == Kind::password);
        CHECK(step.data == "secret");
        CHECK(plain->user() == "anna@example.com");
        CHECK(plain->checked(true).kind == Kind::success);
        CHECK(plain->checked(false).kind == Kind::failure);
    }
    SECTION("after an empty challenge")
    {
        auto step = plain->start(std::nullopt);
        CHECK(step.kind == Kind::challenge);
        CHECK(step.data.empty());
        CHECK(plain->respond("anna\0anna\0secret"s).kind == Kind::password);
    }
    SECTION("broken")
    {
        for (auto bad : {""s, "secret"s, "\0anna"s, "\0\0secret"s, "\0anna\0"s, "\0anna\0secret\0"s, "\0anna\0"s + std::string(1025, 'x')}) {
            auto step = make_mechanism("PLAIN")->start(bad);
            CHECK(step.kind == Kind::failure);
            CHECK(step.malformed);
        }
    }
    SECTION("nobody acts for somebody else, and names are names")
    {
        for (auto bad : {"otto\0anna\0secret"s, "\0an na\0secret"s, "\0an:na\0secret"s, "\0../x\0secret"s, "\0an\nna\0secret"s, "\0\xff\0secret"s,
                         "\0"s + std::string(256, 'a') + "\0x"s}) {
            auto step = make_mechanism("PLAIN")->start(bad);
            CHECK(step.kind == Kind::failure);
        }
    }
}

TEST_CASE("LOGIN asks twice", "[auth]")
{
    auto login = make_mechanism("LOGIN");
    SECTION("without an initial response")
    {
        auto step = login->start(std::nullopt);
        CHECK(step.data == "Username:");
        step = login->respond("anna");
        CHECK(step.kind == Kind::challenge);
        CHECK(step.data == "Password:");
        step = login->respond("secret");
        CHECK(step.kind == Kind::password);
        CHECK(step.data == "secret");
        CHECK(login->user() == "anna");
    }
    SECTION("with the name in the command") { CHECK(login->start("anna").data == "Password:"); }
    SECTION("an empty answer is a broken message")
    {
        login->start(std::nullopt);
        CHECK(login->respond("").malformed);
    }
}

TEST_CASE("SCRAM asks for keys, and ends with an empty answer", "[auth]")
{
    auto scram = make_mechanism("SCRAM-SHA-256");
    auto step = scram->start("n,,n=Anna,r=abc");
    CHECK(step.kind == Kind::keys);
    CHECK(scram->user() == "anna");
    auto keys = ScramKeys::derive("pencil", "salt", 4096);
    step = scram->found(keys);
    CHECK(step.kind == Kind::challenge);
    CHECK(step.data.starts_with("r=abc"));
    CHECK(scram->respond("c=biws,r=wrong,p=AAAA").kind == Kind::failure);
}

TEST_CASE("SCRAM for somebody else fails", "[auth]")
{
    CHECK(make_mechanism("SCRAM-SHA-256")->start("n,a=otto,n=anna,r=abc").kind == Kind::failure);
    CHECK(make_mechanism("SCRAM-SHA-256")->start("n,a=anna,n=anna,r=abc").kind == Kind::keys);
    CHECK(make_mechanism("SCRAM-SHA-256")->start("").kind == Kind::challenge);
}

TEST_CASE("only known mechanisms exist", "[auth]")
{
    for (auto name : {"CRAM-MD5", "NTLM", "", "PLAINX", "EXTERNAL"})
        CHECK_FALSE(make_mechanism(name));
    for (const auto& info : mechanisms())
        CHECK(make_mechanism(info.name));
}
