// Covers: lib/config/config.cc lib/config/expand.cc lib/config/lines.cc
#include "base/text.h"
#include "config/common.h"
#include "config/expand.h"
#include "config/lines.h"
#include "t/fuzz/lib/peer.h"

// main.cf with anything in it, and the values that $name makes of it.
namespace {

using namespace mta;

void check_words(std::string_view text)
{
    auto words = config::split_list(text);
    if (words)
        for (const auto& word : *words)
            HOLDS(word.size() <= text.size());
    if (auto braced = config::split_braced(text, ", \t"))
        HOLDS(join(*braced, "").size() <= text.size());
    if (auto bare = config::strip_braces(text))
        HOLDS(bare->size() <= text.size());
    config::parse_time(text);
    if (auto pair = config::split_name_value(text))
        HOLDS(!pair->first.empty() && trim(pair->second) == pair->second);
    auto names = config::references(text);
    if (names)
        for (const auto& name : *names)
            HOLDS(config::is_name(name));
}

// A text whose names mean nothing becomes what its dollars say; without one it stays.
void check_expansion(const config::Config& config, std::string_view text)
{
    auto value = config.expand(text);
    if (text.find('$') == std::string_view::npos)
        HOLDS(value && *value == text);
    auto quoted = config.expand(replace_all(text, "$", "$$"));
    HOLDS(quoted && *quoted == text);
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    auto config = config::Config::parse(input);
    check_words(input);
    if (!config) {
        HOLDS(config.error().text.starts_with("main.cf, line "));
        return;
    }
    check_expansion(*config, input);
    std::size_t count = 0;
    for (const auto& setting : config->settings()) {
        HOLDS(config->find(setting.name) && setting.place.line > 0);
        (void)config->value(setting.name).operator bool();
        config::nearest(setting.name, {"mydestination", "myhostname"});
        check_words(setting.value);
        if (++count > 50)
            return;
    }
}
