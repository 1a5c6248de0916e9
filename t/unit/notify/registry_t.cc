#include "notify/registry.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace mta;
using namespace mta::notify;
using namespace std::chrono_literals;

namespace {

constexpr uid_t vmail = 5000, anna = 1000;
constexpr Client front = 7, other = 8;

std::string key(int number)
{
    auto digits = cat(number);
    return std::string(Registry::key_bytes - digits.size(), '0') + digits;
}

std::string told(const std::vector<Registry::Told>& all)
{
    std::string text;
    for (const auto& [client, name] : all)
        text += cat(client, ":", name.substr(name.find_first_not_of('0')), " ");
    return text;
}

std::string unused(Registry& registry)
{
    std::string text;
    for (const auto& [uid, watch] : registry.take_unused())
        text += cat(uid, "/", watch, " ");
    return text;
}

struct Fixture {
    Registry registry{{4, 3}};
    Registry::Clock::time_point now{};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a key is told of the first event, and of no other", "[notify]")
{
    REQUIRE(registry.add(vmail, key(1), {3, 4, 5}, now));
    CHECK_FALSE(registry.claim(key(1), front));
    CHECK(told(registry.happened(vmail, 9)).empty());
    CHECK(told(registry.happened(anna, 4)).empty());  // the numbers are each uid's own
    CHECK(told(registry.happened(vmail, 4)) == "7:1 ");
    CHECK(told(registry.happened(vmail, 4)).empty());
    CHECK(unused(registry) == "5000/3 5000/4 5000/5 ");
    CHECK(registry.size() == 0);
}

TEST_CASE_METHOD(Fixture, "what happens before the key is claimed is told with the claim", "[notify]")
{
    REQUIRE(registry.add(vmail, key(1), {3}, now));
    CHECK(told(registry.happened(vmail, 3)).empty());
    CHECK(registry.claim(key(1), front));
    CHECK(registry.size() == 0);
    CHECK(registry.claim(key(1), front));  // and a key that nobody knows is told, to be on the safe side
}

TEST_CASE_METHOD(Fixture, "a watch is needed until its last key is gone", "[notify]")
{
    REQUIRE(registry.add(vmail, key(1), {3, 4}, now));
    REQUIRE(registry.add(vmail, key(2), {4, 5}, now));
    registry.claim(key(2), front);
    registry.forget(key(1));
    CHECK(unused(registry) == "5000/3 ");
    CHECK(registry.is_used(vmail, 4));
    registry.leave(front);
    CHECK(unused(registry) == "5000/4 5000/5 ");
    CHECK_FALSE(registry.is_used(vmail));
    registry.forget(key(1));
    CHECK(unused(registry).empty());
}

TEST_CASE_METHOD(Fixture, "the keys of a client go with it, those of others stay", "[notify]")
{
    REQUIRE(registry.add(vmail, key(1), {3}, now));
    REQUIRE(registry.add(anna, key(2), {3}, now));
    REQUIRE(registry.add(anna, key(3), {3}, now));
    registry.claim(key(1), front);
    registry.claim(key(2), other);
    registry.leave(front);
    registry.leave(0xffff);
    CHECK(registry.size() == 2);
    CHECK(told(registry.happened(anna, 3)) == "8:2 ");
    CHECK(registry.size() == 1);  // the third has news for who will claim it
    CHECK(registry.claim(key(3), other));
}

TEST_CASE_METHOD(Fixture, "when events are lost, all keys of the uid are told", "[notify]")
{
    REQUIRE(registry.add(vmail, key(1), {3}, now));
    REQUIRE(registry.add(vmail, key(2), {4}, now));
    REQUIRE(registry.add(anna, key(3), {3}, now));
    for (int i = 1; i <= 3; ++i)
        CHECK_FALSE(registry.claim(key(i), front));
    CHECK(told(registry.happened(vmail)) == "7:1 7:2 ");
    CHECK(registry.size() == 1);
}

TEST_CASE_METHOD(Fixture, "keys that nobody claims within a minute are forgotten", "[notify]")
{
    REQUIRE(registry.add(vmail, key(1), {3}, now));
    REQUIRE(registry.add(vmail, key(2), {4}, now));
    REQUIRE(registry.add(vmail, key(3), {5}, now + 30s));
    registry.claim(key(2), front);
    registry.happened(vmail, 3);
    registry.expire(now + 59s);
    CHECK(registry.size() == 3);
    registry.expire(now + 60s);
    CHECK(registry.size() == 2);
    registry.expire(now + 24h);
    CHECK(registry.size() == 1);
    CHECK_FALSE(registry.claim(key(2), front));
}

TEST_CASE_METHOD(Fixture, "a uid has so many keys, and not all of them unclaimed", "[notify]")
{
    for (int i = 1; i <= 3; ++i)
        REQUIRE(registry.add(vmail, key(i), {i}, now));
    CHECK_FALSE(registry.add(vmail, key(4), {4}, now));
    CHECK(registry.add(anna, key(5), {4}, now));
    registry.claim(key(1), front);
    REQUIRE(registry.add(vmail, key(4), {4}, now));
    registry.claim(key(2), front);
    CHECK_FALSE(registry.add(vmail, key(6), {6}, now));
    CHECK(told(registry.happened(vmail, 1)) == "7:1 ");
    CHECK(registry.add(vmail, key(6), {6}, now));
}

TEST_CASE_METHOD(Fixture, "what is no key or has no watches is refused", "[notify]")
{
    REQUIRE(registry.add(vmail, key(1), {1}, now));
    CHECK_FALSE(registry.add(vmail, key(1), {1}, now));
    CHECK_FALSE(registry.add(vmail, "", {1}, now));
    CHECK_FALSE(registry.add(vmail, std::string(Registry::key_bytes, 'x'), {1}, now));
    CHECK_FALSE(registry.add(vmail, key(2) + "0", {1}, now));
    CHECK_FALSE(registry.add(vmail, key(2), {}, now));
    CHECK_FALSE(registry.add(vmail, key(2), std::vector<int>(Registry::max_watches_per_key + 1, 1), now));
    CHECK(registry.size() == 1);
}
