#include <algorithm>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "daemon/confinement.h"

using namespace mta;

namespace {

struct SomeParams : config::Group {
    using Group::Group;
    config::Param<std::vector<std::string>> networks{*this, "networks", "", ""};
    config::Param<std::vector<std::string>> rules{*this, "rules", "", ""};
    config::Param<std::string> some_maps{*this, "some_maps", "", ""};
    config::Param<std::string> directory{*this, "directory", "/var/queue", ""};
    config::Param<std::string> users{*this, "auth_users", "", ""};
};

std::vector<std::string> directories(const std::string& text)
{
    auto config = config::Config::parse(cat("mydestination = localhost\n", text));
    REQUIRE(config);
    SomeParams params(*config);
    sandbox::Rules rules;
    daemon::add_tables(rules, *config);
    std::vector<std::string> names;
    for (const auto& path : rules.paths)
        names.push_back(path.name);
    return names;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("a daemon sees the directories of its tables, and no others", "[daemon][sandbox]")
{
    CHECK(directories("") == List{});
    CHECK(directories("some_maps = hash:/tables/a, regexp:/rules/b") == List{"/tables", "/rules"});
    CHECK(directories("rules = check_client_access cidr:/nets/c, reject") == List{"/nets"});
    CHECK(directories("some_maps = pipemap:{hash:/one/a,texthash:/two/b}") == List{"/one", "/two"});
    CHECK(directories("networks = 10.0.0.0/8 !/lists/networks") == List{"/lists"});
    CHECK(directories("some_maps = /tables/a") == List{"/tables"});
    CHECK(directories("auth_users = passwd-file:/secret/users") == List{"/secret"});
    CHECK(directories("directory = /elsewhere/queue") == List{});
    CHECK(directories("some_maps = inline:{ a=/not/a/file }") == List{});
    CHECK(directories("not_ours_maps = hash:/other/a") == List{});
}

TEST_CASE("a table of the host's users needs what finds them", "[daemon][sandbox]")
{
    auto found = directories("some_maps = unix:passwd.byname");
    CHECK(std::find(found.begin(), found.end(), "/etc") != found.end());
}
