#include "config/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <functional>
#include <unordered_map>

#include "base/file.h"
#include "base/text.h"
#include "config/common.h"
#include "config/expand.h"
#include "config/lines.h"

namespace mta::config {

namespace {

struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

template <class T>
using Names = std::unordered_map<std::string, T, Hash, std::equal_to<>>;

std::string own_hostname()
{
    std::array<char, HOST_NAME_MAX + 1> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0')
        return "localhost";
    return name.data();
}

}  // namespace

struct Config::Known {
    std::string directory;
    std::vector<Setting> settings;
    std::vector<std::string> repetitions;
    Names<std::size_t> last;  // of the settings with that name
    Names<std::string> defaults;
    std::vector<Declaration> declarations;
    std::string hostname = own_hostname();
    bool is_computing_domain = false;

    void add(Setting setting)
    {
        last.insert_or_assign(setting.name, settings.size());
        settings.push_back(std::move(setting));
    }
};

std::string Place::text() const
{
    return line > 0 ? cat(file, ", line ", line) : file;
}

Config::Config() : known_(std::make_shared<Known>())
{
    declare_all<Common>(*this);
}

Result<Config> Config::load(const std::string& directory, const Overrides& overrides)
{
    auto file = cat(directory, "/main.cf");
    auto text = read_file(file);
    if (!text)
        return text.error();
    auto config = parse(*text, file, overrides);
    if (config)
        config->known_->directory = directory;
    return config;
}

Result<Config> Config::parse(std::string_view text, const std::string& file, const Overrides& overrides)
{
    Config config;
    auto& known = *config.known_;
    auto lines = logical_lines(text, file);
    if (!lines)
        return lines.error();
    for (const auto& line : *lines) {
        Place place{file, line.line};
        auto pair = split_name_value(line.text);
        if (!pair)
            return failure(cat(place.text(), ": ", pair.error().text));
        if (const auto* earlier = config.find(pair->first))
            known.repetitions.push_back(cat(place.text(), ": overriding earlier entry: ", earlier->name, "=", earlier->value));
        known.add({std::move(pair->first), std::move(pair->second), std::move(place)});
    }
    for (const auto& [name, value] : overrides)
        known.add({name, value, {cat("-o ", name), 0}});
    return config;
}

const std::string& Config::directory() const { return known_->directory; }
const std::vector<Setting>& Config::settings() const { return known_->settings; }
const std::vector<std::string>& Config::repetitions() const { return known_->repetitions; }

const Setting* Config::find(std::string_view name) const
{
    auto found = known_->last.find(name);
    return found == known_->last.end() ? nullptr : &known_->settings[found->second];
}

void Config::declare(std::string_view name, std::string_view default_value) const
{
    known_->defaults.insert_or_assign(std::string(name), std::string(default_value));
}

void Config::declare(Declaration declaration) const
{
    if (!is_declared(declaration.name))
        known_->declarations.push_back(declaration);
    declare(declaration.name, declaration.default_value);
}

const std::vector<Declaration>& Config::declarations() const { return known_->declarations; }

bool Config::is_declared(std::string_view name) const
{
    return known_->defaults.contains(name);
}

std::optional<std::string> Config::default_value(std::string_view name) const
{
    // As in Postfix, each of the two names helps to complete the other one.
    if (name == "myhostname" && known_->hostname.find('.') == std::string::npos)
        return cat(known_->hostname, ".", find("mydomain") ? "$mydomain" : "localdomain");
    if (name == "myhostname")
        return known_->hostname;
    if (name == "mydomain") {
        if (std::exchange(known_->is_computing_domain, true))
            return "localdomain";  // myhostname = host.$mydomain
        auto host = value("myhostname");
        known_->is_computing_domain = false;
        auto dot = host ? host->find('.') : std::string::npos;
        return dot == std::string::npos ? "localdomain" : host->substr(dot + 1);
    }
    if (name == "config_directory" && !known_->directory.empty())
        return known_->directory;
    auto found = known_->defaults.find(name);
    return found == known_->defaults.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Config::raw(std::string_view name) const
{
    if (const auto* setting = find(name))
        return setting->value;
    return default_value(name);
}

Result<std::string> Config::value(std::string_view name, std::optional<std::string_view> default_value) const
{
    const auto* setting = find(name);
    auto text = setting ? setting->value : default_value ? std::string(*default_value) : this->default_value(name).value_or("");
    if (text.find('$') == std::string::npos)
        return text;
    auto value = Expander([this](auto wanted) { return raw(wanted); }).expand_value(name, text);
    if (value)
        return value;
    return failure(cat(setting ? setting->place.text() : "default value", ": ", name, ": ", value.error().text));
}

Result<std::string> Config::expand(std::string_view text) const
{
    return Expander([this](auto name) { return raw(name); }).expand(text);
}

Config Config::for_declarations() const
{
    Config copy = *this;
    copy.only_declarations_ = true;
    return copy;
}

}  // namespace mta::config
