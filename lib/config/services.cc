#include <map>

#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "config/lines.h"

// master.cf(5): one logical line per service.
namespace mta::config {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates)
{
    auto guess = nearest(word, candidates);
    return guess ? cat("; did you mean ", *guess, "?") : std::string();
}

Result<std::string> read_type(const std::string& word)
{
    static const std::vector<std::string> types{"inet", "unix", "pass"};
    for (const auto& type : types)
        if (word == type)
            return word;
    if (word == "fifo")
        return failure("service type fifo is not supported; use unix, every service here listens on a socket");
    if (word == "unix-dgram")
        return failure("service type unix-dgram is not supported; remove this line, logging needs no service here");
    return failure(cat("bad service type: \"", word, "\", must be inet, unix or pass", suggestion(word, types)));
}

Result<bool> read_flag(const std::string& word, std::string_view field, bool default_value)
{
    if (word == "-")
        return default_value;
    if (word != "y" && word != "n")
        return failure(cat("field \"", field, "\" has bad value: \"", word, "\", must be y, n or -"));
    return word == "y";
}

Result<std::optional<long>> read_count(const std::string& word, std::string_view field)
{
    if (word == "-")
        return std::optional<long>();
    auto number = parse_number<long>(word);
    if (!number || *number < 0)
        return failure(cat("field \"", field, "\" has bad value: \"", word, "\", must be a number or -"));
    return number;
}

Result<void> read_wakeup(std::string word, Service& service)
{
    service.wakeup_if_used = word.size() > 1 && word.ends_with('?');
    if (service.wakeup_if_used)
        word.pop_back();
    auto seconds = read_count(word, "wakeup");
    if (!seconds)
        return seconds.error();
    service.wakeup = seconds->value_or(0);
    return {};
}

// The -o options among the arguments; what follows the first word that is no option belongs to the program.
Result<void> read_overrides(Service& service)
{
    const auto& words = service.arguments;
    for (std::size_t i = 0; i < words.size() && words[i].size() > 1 && words[i].front() == '-' && words[i] != "--"; ++i) {
        if (!words[i].starts_with("-o"))
            continue;
        bool is_separate = words[i] == "-o";
        if (is_separate && ++i == words.size())
            return failure("option -o needs name=value");
        auto text = is_separate ? words[i] : words[i].substr(2);
        auto pair = split_name_value(text);
        if (!pair)
            return failure(cat("option -o: ", pair.error().text));
        if (!is_name(pair->first))
            return failure(cat("option -o: bad parameter name: \"", pair->first, "\""));
        service.overrides.push_back(std::move(*pair));
    }
    return {};
}

// The command and its arguments; { } around an argument holds it together and is removed.
Result<void> read_command(const std::vector<std::string>& words, Service& service)
{
    service.command = words[7];
    if (service.command.find('/') != std::string::npos || service.command.starts_with('-') || service.command.starts_with('.'))
        return failure(cat("field \"command\" has bad value: \"", service.command, "\", must be the name of a program in $daemon_directory"));
    for (std::size_t i = 8; i < words.size(); ++i) {
        auto word = strip_braces(words[i]);
        if (!word)
            return word.error();
        service.arguments.push_back(std::move(*word));
    }
    return read_overrides(service);
}

Result<void> read_fields(const std::vector<std::string>& words, Service& service)
{
    static const std::vector<std::string> fields{"service name", "service type", "private", "unprivileged",
                                                 "chroot",       "wakeup",       "maxproc", "command"};
    if (words.size() < fields.size())
        return failure(cat("missing \"", fields[words.size()], "\" field; the columns are: service type private unpriv chroot wakeup maxproc command"));
    service.name = words[0];
    auto type = read_type(words[1]);
    if (!type)
        return type.error();
    service.type = *type;
    auto is_private = read_flag(words[2], fields[2], true);
    auto unprivileged = read_flag(words[3], fields[3], true);
    auto chroot = read_flag(words[4], fields[4], false);
    for (const auto* flag : {&is_private, &unprivileged, &chroot})
        if (!*flag)
            return flag->error();
    service.is_private = *is_private && service.type != "inet";
    service.unprivileged = *unprivileged;
    service.chroot = *chroot;
    if (auto wakeup = read_wakeup(words[5], service); !wakeup)
        return wakeup;
    auto maxproc = read_count(words[6], fields[6]);
    if (!maxproc)
        return maxproc.error();
    service.maxproc = *maxproc;
    return read_command(words, service);
}

}  // namespace

Result<std::vector<Service>> parse_services(std::string_view text, const std::string& file)
{
    auto lines = logical_lines(text, file);
    if (!lines)
        return lines.error();
    std::vector<Service> services;
    std::map<std::pair<std::string, std::string>, int> known;  // where each is
    for (const auto& line : *lines) {
        Service service;
        service.place = {file, line.line};
        auto words = split_braced(line.text, blanks);
        auto done = words ? read_fields(*words, service) : Result<void>(words.error());
        if (!done)
            return failure(cat(service.place.text(), ": ", done.error().text));
        auto [first, is_new] = known.try_emplace({service.name, service.type}, line.line);
        if (!is_new)
            return failure(cat(service.place.text(), ": duplicate service ", service.name, " ", service.type,
                               ", the first one is in line ", first->second));
        services.push_back(std::move(service));
    }
    return services;
}

Result<std::vector<Service>> load_services(const std::string& directory)
{
    auto file = cat(directory, "/master.cf");
    auto text = read_file(file);
    if (!text)
        return text.error();
    return parse_services(*text, file);
}

}  // namespace mta::config
