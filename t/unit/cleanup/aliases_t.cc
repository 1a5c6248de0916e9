#include "cleanup/aliases.h"

#include <catch2/catch.hpp>

#include "ipc/message.h"
#include "trivial-rewrite/expansion.h"

using namespace mta;

namespace {

// cleanup and trivial-rewrite without a socket between them, but with its limit.
class Bench {
public:
    explicit Bench(const std::string& main_cf) : config_(*config::Config::parse(main_cf)), common_(config_), params_(config_)
    {
        auto router = route::Router::open(common_, params_);
        REQUIRE(router);
        router_.emplace(*std::move(router));
    }

    Result<std::vector<queue::Recipient>> expand(const std::vector<queue::Recipient>& recipients)
    {
        return cleanup::expand_aliases(recipients, "a@sender.example", [&](const service::ResolveRequest& request) -> Result<service::ResolveReply> {
            ++questions;
            auto reply = ipc::pack(change(rewrite::expand(*router_, request)));
            if (reply.encoded().size() > ipc::max_message_bytes)
                return failure("message too long");
            return ipc::unpack<service::ResolveReply>(reply);
        });
    }

    int questions = 0;
    std::function<service::ResolveReply(service::ResolveReply)> change = [](service::ResolveReply reply) { return reply; };

private:
    config::Config config_;
    config::Common common_;
    route::Params params_;
    std::optional<route::Router> router_;
};

std::string member(int list, int number) { return cat("member", number, std::string(100, 'x'), "@list", list, ".example"); }

std::string lists_of(int lists, int members)
{
    std::string text = "myhostname = mx.example\nvirtual_alias_maps = inline:{";
    for (int list = 0; list < lists; ++list) {
        text += cat(" {list", list, "@example.com=");
        for (int i = 0; i < members; ++i)
            text += cat(i > 0 ? ", " : "", member(list, i));
        text += "}";
    }
    return text + " }\n";
}

}  // namespace

TEST_CASE("aliases of more addresses than fit a message are expanded, in order", "[cleanup][rewrite]")
{
    Bench bench(lists_of(2, 999));
    auto expanded = bench.expand({{"plain@example.com", "", "", ""}, {"list0@example.com", "", "rfc822;list0", "NEVER"}, {"list1@example.com", "first@example.com", "", ""}});
    REQUIRE(expanded);
    REQUIRE(expanded->size() == 1 + 2 * 999);
    CHECK(bench.questions > 2);
    CHECK(expanded->at(0).address == "plain@example.com");
    for (int i = 0; i < 999; ++i) {
        auto at = static_cast<std::size_t>(i) + 1;
        REQUIRE(expanded->at(at).address == member(0, i));
        REQUIRE(expanded->at(at + 999).address == member(1, i));
    }
    CHECK(expanded->at(5).original == "list0@example.com");
    CHECK(expanded->at(5).orcpt == "rfc822;list0");
    CHECK(expanded->at(5).notify == "NEVER");
    CHECK(expanded->at(1500).original == "first@example.com");
}

TEST_CASE("an alias above the limit is a temporary failure", "[cleanup][rewrite]")
{
    auto expanded = Bench("virtual_alias_expansion_limit = 1000\n" + lists_of(1, 1002)).expand({{"list0@example.com", "", "", ""}});
    REQUIRE_FALSE(expanded);
    CHECK_FALSE(expanded.error().is_permanent());
}

TEST_CASE("an alias that changes between two parts of its expansion loses nobody", "[cleanup][rewrite]")
{
    Bench bench(lists_of(1, 999));
    bench.change = [&](service::ResolveReply reply) {
        if (bench.questions > 1)
            reply.results[0].expansion += "x";
        return reply;
    };
    auto expanded = bench.expand({{"list0@example.com", "", "", ""}});
    REQUIRE_FALSE(expanded);
    CHECK_FALSE(expanded.error().is_permanent());
}

TEST_CASE("answers that lead nowhere are refused", "[cleanup][rewrite]")
{
    Bench bench("myhostname = mx.example\n");
    bench.change = [](service::ResolveReply reply) {
        reply.results[0].has_more = true;
        reply.results[0].expanded.clear();
        return reply;
    };
    CHECK_FALSE(bench.expand({{"a@example.com", "", "", ""}}));
    bench.change = [](service::ResolveReply) { return service::ResolveReply(); };
    CHECK_FALSE(bench.expand({{"a@example.com", "", "", ""}}));
}
