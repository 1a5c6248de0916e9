#include "route/router.h"

#include <catch2/catch.hpp>

#include <optional>

#include "base/text.h"
#include "t/unit/table/scratch.h"

using namespace mta;

namespace {

constexpr auto main_cf = R"(
myhostname = mx.here.example
mydomain = here.example
myorigin = here.example
mydestination = here.example, mx.here.example
inet_interfaces = 192.0.2.25, 2001:db8::25
recipient_delimiter = +
local_recipient_maps = inline:{ user=x, alias=x }
alias_maps = inline:{ alias=user, nobody=user }
virtual_mailbox_domains = vbox.example
virtual_mailbox_maps = inline:{ box@vbox.example=x }
virtual_uid_maps = inline:{ box@vbox.example=5001, low@vbox.example=1, @vbox.example=5000 }
virtual_gid_maps = static:5000
virtual_alias_domains = valias.example
relay_domains = relay.example
relay_recipient_maps = inline:{ known@relay.example=x }
)";

class Routes {
public:
    explicit Routes(std::string_view settings = "")
        : config_(*config::Config::parse(main_cf, "main.cf", overrides(settings))), common_(config_), params_(config_)
    {
        auto router = route::Router::open(common_, params_);
        REQUIRE(router);
        router_.emplace(*std::move(router));
    }
    route::Router* operator->() { return &*router_; }

    // "transport:nexthop", or the Error's status and text.
    std::string resolve(std::string_view recipient, std::string_view sender = "a@client.example") const
    {
        auto route = router_->resolve(sender, recipient);
        return route ? cat(route->transport, ":", route->nexthop) : cat(route.error().status, " ", route.error().text);
    }
    std::string owner(std::string_view recipient) const
    {
        auto route = router_->resolve("", recipient);
        return route ? route->owner : cat(route.error().status, " ", route.error().text);
    }
    std::string check(std::string_view recipient, std::string_view sender = "a@client.example") const
    {
        auto result = router_->check(sender, recipient);
        return result ? std::string(route::name_of(*result)) : cat(result.error().status, " ", result.error().text);
    }
    std::string expand(std::string_view recipient) const
    {
        auto result = router_->expand(recipient);
        return result ? join(*result, " ") : result.error().status;
    }

private:
    static config::Overrides overrides(std::string_view settings)
    {
        config::Overrides list;
        for (auto line : split(settings, '\n'))
            if (auto equals = line.find('='); equals != std::string_view::npos)
                list.emplace_back(trim(line.substr(0, equals)), trim(line.substr(equals + 1)));
        return list;
    }
    config::Config config_;
    config::Common common_;
    route::Params params_;
    std::optional<route::Router> router_;
};

}  // namespace

TEST_CASE("each address class has its transport", "[route]")
{
    Routes routes;
    struct Case { std::string recipient, route; };
    for (const auto& c : {Case{"user@here.example", "local:mx.here.example"},
                          {"user@HERE.Example", "local:mx.here.example"},
                          {"user", "local:mx.here.example"},
                          {"user@here.example.", "local:mx.here.example"},
                          {"x@Elsewhere.example.", "smtp:elsewhere.example"},
                          {"x@Bücher.example", "smtp:xn--bcher-kva.example"},
                          {"x@[192.0.2.26]", "smtp:[192.0.2.26]"},
                          {"user@[192.0.2.25]", "local:mx.here.example"},
                          {"user@[IPv6:2001:db8::25]", "local:mx.here.example"},
                          {"", "local:mx.here.example"},
                          {"box@vbox.example", "virtual:vbox.example"},
                          {"x@valias.example", "error:5.1.1 User unknown in virtual alias table"},
                          {"x@relay.example", "relay:relay.example"},
                          {"x@sub.relay.example", "relay:sub.relay.example"},
                          {"x@elsewhere.example", "smtp:elsewhere.example"},
                          {"x@sub.here.example", "smtp:sub.here.example"},
                          {"x@[198.51.100.1]", "smtp:[198.51.100.1]"}}) {
        CAPTURE(c.recipient);
        CHECK(routes.resolve(c.recipient) == c.route);
    }
}

TEST_CASE("with inet_interfaces = all the host's own literals are local", "[route]")
{
    Routes routes("inet_interfaces = all\n");
    CHECK(routes.resolve("user@[127.0.0.1]") == "local:mx.here.example");
    CHECK(routes.resolve("user@[192.0.2.25]") == "smtp:[192.0.2.25]");
}

TEST_CASE("relayhost takes what leaves this host, a transport's own nexthop wins", "[route]")
{
    Routes routes("relayhost = [gw.example]:587\n");
    CHECK(routes.resolve("x@elsewhere.example") == "smtp:[gw.example]:587");
    CHECK(routes.resolve("x@relay.example") == "relay:[gw.example]:587");
    CHECK(routes.resolve("user@here.example") == "local:mx.here.example");
    CHECK(routes.resolve("box@vbox.example") == "virtual:vbox.example");
    Routes explicit_routes("relayhost = [gw.example]\ndefault_transport = smtp:[other.example]:26\nvirtual_transport = lmtp:unix:private/lmtp\n");
    CHECK(explicit_routes.resolve("x@elsewhere.example") == "smtp:[other.example]:26");
    CHECK(explicit_routes.resolve("box@vbox.example") == "lmtp:unix:private/lmtp");
}

TEST_CASE("senders can have their own relayhost and transport", "[route]")
{
    Routes routes("relayhost = [gw.example]\n"
                  "sender_dependent_relayhost_maps = inline:{ joe@client.example=[joe.example], @other.example=[other.example]:26, no@client.example=DUNNO }\n"
                  "sender_dependent_default_transport_maps = inline:{ slow@client.example=slow: }\n");
    CHECK(routes.resolve("x@elsewhere.example", "joe@client.example") == "smtp:[joe.example]");
    CHECK(routes.resolve("x@elsewhere.example", "joe+ext@client.example") == "smtp:[joe.example]");
    CHECK(routes.resolve("x@elsewhere.example", "any@other.example") == "smtp:[other.example]:26");
    CHECK(routes.resolve("x@elsewhere.example", "") == "smtp:[gw.example]");
    CHECK(routes.resolve("x@elsewhere.example", "else@client.example") == "smtp:[gw.example]");
    CHECK(routes.resolve("x@elsewhere.example", "slow@client.example") == "slow:[gw.example]");
    CHECK(routes.resolve("user@here.example", "joe@client.example") == "local:mx.here.example");
    CHECK(routes.resolve("x@elsewhere.example", "no@client.example") == "smtp:[gw.example]");
    Routes null("sender_dependent_relayhost_maps = inline:{ <>=[bounces.example] }\nsender_dependent_default_transport_maps = inline:{ <>=slow: }\n");
    CHECK(null.resolve("x@elsewhere.example", "") == "slow:[bounces.example]");
    CHECK(null.resolve("x@elsewhere.example", "a@client.example") == "smtp:elsewhere.example");
}

TEST_CASE("transport_maps override transport, nexthop or both", "[route]")
{
    Routes routes("relayhost = [gw.example]\ntransport_maps = inline:{ both.example=smtp:[a.example]:26, transport.example=slow:, nexthop.example=:[b.example], "
                  "none.example=:, user@both.example=lmtp:inet:c.example, .up.example=slow:[d.example], parent.example=slow:, {dead.example=error:5.1.2 no such domain}, "
                  "bare.example=slow, void.example=error:, here.example=slow:[e.example], x@valias.example=slow: }\n");
    struct Case { std::string recipient, route; };
    for (const auto& c : {Case{"x@both.example", "smtp:[a.example]:26"}, {"user@both.example", "lmtp:inet:c.example"},
                          {"user+ext@both.example", "lmtp:inet:c.example"}, {"x@transport.example", "slow:transport.example"},
                          {"x@bare.example", "slow:bare.example"}, {"x@nexthop.example", "smtp:[b.example]"}, {"x@none.example", "smtp:[gw.example]"},
                          {"x@sub.up.example", "slow:[d.example]"}, {"x@sub.parent.example", "smtp:[gw.example]"}, {"x@parent.example", "slow:parent.example"}, {"x@dead.example", "error:5.1.2 no such domain"},
                          {"x@void.example", "error:Address is undeliverable"},
                          {"user@here.example", "slow:[e.example]"}, {"x@elsewhere.example", "smtp:[gw.example]"}}) {
        CAPTURE(c.recipient);
        CHECK(routes.resolve(c.recipient) == c.route);
    }
    Routes all("transport_maps = inline:{ here.example=:, *=slow:[all.example] }\n");
    CHECK(all.resolve("x@elsewhere.example") == "slow:[all.example]");
    CHECK(all.resolve("user@here.example") == "local:mx.here.example");
}

TEST_CASE("recipients exist or not, class by class", "[route]")
{
    Routes routes("virtual_alias_maps = inline:{ info@valias.example=user@here.example, moved@here.example=x@elsewhere.example }\n");
    struct Case { std::string recipient, result; };
    for (const auto& c : {Case{"user@here.example", "local"}, {"USER@here.example", "local"}, {"user+ext@here.example", "local"},
                          {"postmaster@here.example", "local"}, {"moved@here.example", "local"}, {"info@valias.example", "virtual_alias"},
                          {"box@vbox.example", "virtual_mailbox"}, {"box+ext@vbox.example", "virtual_mailbox"}, {"known@relay.example", "relay"},
                          {"any@elsewhere.example", "default"}, {"x@here.example", "5.1.1 User unknown in local recipient table"},
                          {"x@valias.example", "5.1.1 User unknown in virtual alias table"}, {"x@vbox.example", "5.1.1 User unknown in virtual mailbox table"},
                          {"x@relay.example", "5.1.1 User unknown in relay recipient table"}}) {
        CAPTURE(c.recipient);
        CHECK(routes.check(c.recipient) == c.result);
    }
    Routes open("local_recipient_maps =\nvirtual_mailbox_maps =\nrelay_recipient_maps =\n");
    for (std::string recipient : {"x@here.example", "x@vbox.example", "x@relay.example"})
        CHECK(open.check(recipient).substr(0, 5) != "5.1.1");
}

TEST_CASE("system users exist by default", "[route]")
{
    Routes routes("local_recipient_maps = unix:passwd.byname $alias_maps\n");
    CHECK(routes.check("root@here.example") == "local");
    CHECK(routes.check("root+ext@here.example") == "local");
    CHECK(routes.check("alias@here.example") == "local");
    CHECK(routes.check("no-such-user-here@here.example").starts_with("5.1.1"));
    CHECK(routes.owner("root@here.example") == "root");
    CHECK(routes.owner("root+ext@here.example") == "root");
    CHECK(routes.owner("nobody@here.example").empty());  // an alias of the same name comes first
    CHECK(routes.owner("alias@here.example").empty());
    CHECK(routes.owner("no-such-user-here@here.example").empty());
}

TEST_CASE("virtual mailboxes have owners", "[route]")
{
    Routes routes;
    CHECK(routes.owner("box@vbox.example") == "5001:5000");
    CHECK(routes.owner("box+ext@vbox.example") == "5001:5000");
    CHECK(routes.owner("other@vbox.example") == "5000:5000");
    CHECK(routes.owner("low@vbox.example").starts_with("4."));
    CHECK(Routes("virtual_uid_maps = inline:{ x@y=1 }\n").owner("box@vbox.example").starts_with("4."));
    CHECK(Routes("virtual_transport = lmtp:unix:x\nvirtual_uid_maps =\n").owner("box@vbox.example").empty());
}

TEST_CASE("virtual aliases are expanded until nothing changes", "[route]")
{
    Routes routes("virtual_alias_maps = inline:{ {one@valias.example=user@here.example}, {list@valias.example=a@x.example, b@x.example, one@valias.example}, "
                  "{self@here.example=self@here.example, copy@x.example}, {@catch.example=all@x.example}, {@move.example=@moved.example}, "
                  "{bare@valias.example=user}, {user2=other@x.example}, {quoted@valias.example=\"a b\"@x.example} }\n"
                  "propagate_unmatched_extensions = virtual\n");
    struct Case { std::string recipient, result; };
    for (const auto& c : {Case{"any@elsewhere.example", "any@elsewhere.example"}, {"one@valias.example", "user@here.example"},
                          {"one+ext@valias.example", "user+ext@here.example"}, {"list@valias.example", "a@x.example b@x.example user@here.example"},
                          {"self@here.example", "self@here.example copy@x.example"}, {"any@catch.example", "all@x.example"},
                          {"joe@move.example", "joe@moved.example"}, {"bare@valias.example", "user@here.example"}, {"user2@here.example", "other@x.example"},
                          {"user2@x.example", "user2@x.example"}, {"quoted@valias.example", "a b@x.example"}, {"ONE@Valias.Example", "user@here.example"}}) {
        CAPTURE(c.recipient);
        CHECK(routes.expand(c.recipient) == c.result);
    }
    CHECK(Routes("virtual_alias_maps = inline:{ one@valias.example=user@here.example }\npropagate_unmatched_extensions =\n").expand("one+ext@valias.example") ==
          "user@here.example");
}

TEST_CASE("alias loops and floods are errors, not endless", "[route]")
{
    CHECK(Routes("virtual_alias_maps = inline:{ a@x.example=b@x.example, b@x.example=a@x.example }\n").expand("a@x.example").starts_with("4."));  // our own mistake bounces nothing
    CHECK(Routes("virtual_alias_maps = regexp:/dev/null\n").expand("a@x.example") == "a@x.example");
    Routes few("virtual_alias_expansion_limit = 2\nvirtual_alias_maps = inline:{ {a@x.example=b@x.example, c@x.example, d@x.example} }\n");
    CHECK(few.expand("a@x.example").starts_with("4."));
    std::string many;
    for (int i = 0; i < 1200; ++i)
        many += cat(i > 0 ? ", " : "", "m", i, "@x.example");
    auto settings = cat("virtual_alias_maps = inline:{ {a@x.example=", many, "} }\n");  // nobody may be left out in silence
    CHECK(Routes(settings + "virtual_alias_expansion_limit = 1199\n").expand("a@x.example").starts_with("4."));
    CHECK(Routes(settings + "virtual_alias_expansion_limit = 1200\n").expand("a@x.example").ends_with(" m1199@x.example"));
    Routes shallow("virtual_alias_recursion_limit = 2\nvirtual_alias_maps = inline:{ a@x.example=b@x.example, b@x.example=c@x.example, c@x.example=d@x.example }\n");
    CHECK(shallow.expand("a@x.example").starts_with("4."));
}

TEST_CASE("trouble with any table is temporary", "[route]")
{
    struct Case { std::string setting, recipient; };
    for (const auto& c : {Case{"virtual_alias_maps = fail:x\n", "user@here.example"}, {"local_recipient_maps = fail:x\n", "user@here.example"},
                          {"virtual_mailbox_maps = fail:x\n", "box@vbox.example"}, {"relay_recipient_maps = fail:x\n", "known@relay.example"},
                          {"mydestination = fail:x\n", "any@elsewhere.example"}, {"virtual_mailbox_domains = fail:x\n", "any@elsewhere.example"},
                          {"relay_domains = fail:x\n", "any@elsewhere.example"}}) {
        CAPTURE(c.setting);
        CHECK(Routes(c.setting).check(c.recipient).starts_with("4."));
    }
    CHECK(Routes("transport_maps = fail:x\n").resolve("x@elsewhere.example").starts_with("4."));
    CHECK(Routes("sender_dependent_relayhost_maps = fail:x\n").resolve("x@elsewhere.example").starts_with("4."));
    CHECK(Routes("virtual_uid_maps = fail:x\n").owner("box@vbox.example").starts_with("4."));
    CHECK(Routes("alias_maps = fail:x\nlocal_recipient_maps =\n").owner("user@here.example").starts_with("4."));
    CHECK(Routes("virtual_alias_maps = fail:x\n").expand("user@here.example").starts_with("4."));
}

TEST_CASE("recipients whose transport is error are refused with its reason, whatever their class", "[route]")
{
    Routes routes("transport_maps = inline:{ {gone.example=error:5.1.2 no such domain}, {user@here.example=error:5.7.1 not for users}, "
                  "{void.example=error:}, {later.example=retry:4.4.1 not now}, {known@relay.example=error:moved away} }\n"
                  "virtual_alias_maps = inline:{ alias@gone.example=other@elsewhere.example }\n"
                  "sender_dependent_default_transport_maps = inline:{ {bad@client.example=error:5.7.1 you may not} }\n");
    struct Case { std::string recipient, result; };
    for (const auto& c : {Case{"x@gone.example", "5.1.2 no such domain"}, {"user@here.example", "5.7.1 not for users"}, {"alias@here.example", "local"},
                          {"x@void.example", "5.1.1 Address is undeliverable"}, {"x@later.example", "default"}, {"known@relay.example", "5.1.1 moved away"},
                          {"alias@gone.example", "default"}, {"x@elsewhere.example", "default"}}) {
        CAPTURE(c.recipient);
        CHECK(routes.check(c.recipient) == c.result);
    }
    CHECK(routes.check("x@elsewhere.example", "bad@client.example") == "5.7.1 you may not");
}

TEST_CASE("which lists know subdomains by their parent is a matter of configuration", "[route]")
{
    auto settings = [](std::string_view lists) {
        return cat("transport_maps = inline:{ parent.example=slow: }\nparent_domain_matches_subdomains = ", lists, "\n");
    };
    Routes transports(settings("transport_maps"));
    CHECK(transports.resolve("x@sub.parent.example") == "slow:sub.parent.example");
    CHECK(transports.resolve("x@sub.relay.example") == "smtp:sub.relay.example");
    Routes relays(settings("relay_domains"));
    CHECK(relays.resolve("x@sub.parent.example") == "smtp:sub.parent.example");
    CHECK(relays.resolve("x@sub.relay.example") == "relay:sub.relay.example");
}

TEST_CASE("domains without a dot are completed if that is wanted", "[route]")
{
    CHECK(Routes().resolve("x@other") == "smtp:other");
    Routes routes("append_dot_mydomain = yes\n");
    CHECK(routes.resolve("x@other") == "smtp:other.here.example");
    CHECK(routes.resolve("user@mx") == "local:mx.here.example");
    CHECK(routes.resolve("x@[192.0.2.26]") == "smtp:[192.0.2.26]");
    CHECK(routes.resolve("x@a.b") == "smtp:a.b");
}

TEST_CASE("a table that is not there yet is temporary trouble for those who need it, until it is there", "[route]")
{
    table::Scratch dir;
    table::CapturedLog log(dir);
    Routes routes(cat("relay_recipient_maps = texthash:", dir.path("recipients"), "\nvirtual_mailbox_domains = vbox.example, cidr:", dir.path("networks"), "\n"));
    CHECK(routes.check("user@here.example") == "local");
    CHECK(routes.check("box@vbox.example") == "virtual_mailbox");
    CHECK(routes.check("new@relay.example").starts_with("4."));
    CHECK(log.text().find("recipients is unavailable: open ") != std::string::npos);
    dir.write("recipients", "new@relay.example x\n");
    dir.write("networks", "10.0.0.0/8 x\n");
    routes->renew();
    CHECK(routes.check("new@relay.example") == "relay");
    CHECK(routes.check("other@relay.example") == "5.1.1 User unknown in relay recipient table");
}
