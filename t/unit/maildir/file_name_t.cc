#include "maildir/file_name.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "maildir/mailbox.h"

namespace mta::maildir {

TEST_CASE("a file name splits into base name and suffix", "[maildir]")
{
    const struct {
        std::string name, base, suffix;
        int flags;
    } cases[] = {
        {"1.M2.host", "1.M2.host", "", 0},
        {"1.M2.host:2,", "1.M2.host", ":2,", 0},
        {"1.M2.host:2,FS", "1.M2.host", ":2,FS", flagged | seen},
        {"1.M2.host,S=5:2,DFRST", "1.M2.host,S=5", ":2,DFRST", draft | flagged | answered | seen | deleted},
        {"1.M2.host:2,Sab,T", "1.M2.host", ":2,Sab,T", seen},
        {"1.M2.host;2,S", "1.M2.host", ";2,S", seen},
        {"1.M2.host!2,R", "1.M2.host", "!2,R", answered},
        {"1.M2.host:1,S", "1.M2.host:1,S", "", 0},
        {"2,x", "2,x", "", 0},
        {"", "", "", 0},
    };
    for (const auto& [name, base, suffix, flags] : cases) {
        CAPTURE(name);
        CHECK(split_name(name).base == base);
        CHECK(split_name(name).suffix == suffix);
        CHECK(flags_of(suffix) == flags);
    }
}

TEST_CASE("changing flags keeps letters that are not ours and what follows a comma", "[maildir]")
{
    CHECK(with_flags("", 0) == ":2,");
    CHECK(with_flags("", seen | draft) == ":2,DS");
    CHECK(with_flags(":2,FPSab", answered) == ":2,PRab");
    CHECK(with_flags(":2,S,extra:T", deleted) == ":2,T,extra:T");
    CHECK(with_flags("!2,", seen) == "!2,S");
}

TEST_CASE("a base name of ours tells date, sizes and id", "[maildir]")
{
    const auto base = make_base(1700000000, "0123456789abcdef", "mx.example.com", 1000, 1020);
    CHECK(facts_of(base).date == 1700000000);
    CHECK(facts_of(base).size == 1000u);
    CHECK(facts_of(base).crlf_size == 1020u);
    CHECK(id_of(base) == "0123456789abcdef");
    CHECK(id_of(base + ",U=5:2,S") == "0123456789abcdef");
    CHECK(facts_of(make_base(5, unique_id(), "h", 7, std::nullopt)).crlf_size == std::nullopt);
}

TEST_CASE("names of other programs tell their sizes, but no date and no id", "[maildir]")
{
    const auto facts = facts_of("1700000000.M123P456.host,S=500,W=512");
    CHECK_FALSE(facts.date);
    CHECK(facts.size == 500u);
    CHECK(facts.crlf_size == 512u);
    for (const auto* name : {"1700000000.M123P456.host", "x.M123456H0123456789abcdef.h", "1.M12345xH0123456789abcdef.h",
                             "1.M123456H0123456789abcdeX.h", "1.M123456H0123456789abcdef", "1.", ".", ""})
        CHECK(id_of(name).empty());
    CHECK_FALSE(facts_of("1.host,S=500,W=400").crlf_size);  // smaller than the stored size cannot be
    CHECK_FALSE(facts_of("1.host,S=,W=x").size);
}

TEST_CASE("a host name cannot break the form of a file name", "[maildir]")
{
    const auto base = make_base(1, unique_id(), "ev/il:2,S host", 1, 1);
    CHECK(base.find('/') == std::string::npos);
    CHECK(split_name(base).suffix.empty());
    CHECK(facts_of(base).size == 1u);
}

TEST_CASE("the id of a delivery depends on queue ID and recipient", "[maildir]")
{
    CHECK(delivery_id("A1", "u@e") == delivery_id("A1", "u@e"));
    CHECK(delivery_id("A1", "u@e") != delivery_id("A2", "u@e"));
    CHECK(delivery_id("A1", "u@e") != delivery_id("A1u", "@e"));
    CHECK(unique_id() != unique_id());
    CHECK(unique_id().size() == 16);
}

TEST_CASE("names with a dot in front or control characters are no messages", "[maildir]")
{
    CHECK(is_message_name("1.x:2,S"));
    CHECK_FALSE(is_message_name(".hidden"));
    CHECK_FALSE(is_message_name(""));
    CHECK_FALSE(is_message_name("a\nb"));
}

}  // namespace mta::maildir
