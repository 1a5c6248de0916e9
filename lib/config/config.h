#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// main.cf: Postfix's syntax and semantics (postconf(5)), and parameters declared where they are used.
namespace mta::config {

// Where a value was written, for messages: "main.cf, line 12" or "-o option".
struct Place {
    std::string file;
    int line = 0;
    std::string text() const;
};

struct Setting {
    std::string name;
    std::string value;  // as written, not expanded; continuation lines joined by a space
    Place place;
};

// One declared parameter, for postconf and the manual.
struct Declaration {
    std::string name, default_value, type, doc;
};

using Overrides = std::vector<std::pair<std::string, std::string>>;  // -o name=value, the last one wins

namespace detail {
struct Base;
}

// The settings of one main.cf and the defaults of all parameters that were declared in this process. A copy shares both.
class Config {
public:
    Config();  // an empty main.cf
    // Reads directory/main.cf. An Error names file, line and what is wrong. The overrides stand above the file.
    static Result<Config> load(const std::string& directory, const Overrides& overrides = {});
    // The same from a text, for tests.
    static Result<Config> parse(std::string_view text, const std::string& file = "main.cf", const Overrides& overrides = {});

    const std::string& directory() const;

    // What main.cf or an override says, not expanded; null if it says nothing.
    const Setting* find(std::string_view name) const;
    const std::vector<Setting>& settings() const;  // in the order of the file, then overrides
    // A message for each setting of main.cf that stands above another one of its name. master and postconf show them.
    const std::vector<std::string>& repetitions() const;

    // Makes a parameter's default known, for $name in other values. A declaration (Param) does it by itself; those of
    // Common are known from the start. A value can refer only to what was declared before it is read:
    // declare_all<Params>(config) makes all parameters of a Group known at once.
    void declare(std::string_view name, std::string_view default_value) const;
    bool is_declared(std::string_view name) const;
    // The declared default, not expanded; myhostname, mydomain and config_directory are computed.
    std::optional<std::string> default_value(std::string_view name) const;

    // The explicit value or else the default (the declared one, if default_value is not given), expanded:
    // $name ${name} ${name?text} ${name?{text}:{text}} ${name:text} ${{a} == {b} ? {text} : {text}} (== != < <= > >=,
    // <=level and the like for compatibility levels) and $$. Unknown names expand to nothing. An Error for
    // a loop or bad syntax names the place.
    Result<std::string> value(std::string_view name, std::optional<std::string_view> default_value = std::nullopt) const;
    Result<std::string> expand(std::string_view text) const;

    // A copy for which a Group only makes its declarations and reads no value, so that nothing can be fatal.
    Config for_declarations() const;
    bool is_for_declarations() const { return only_declarations_; }
    // All declarations up to now, the first one of each name, in their order.
    const std::vector<Declaration>& declarations() const;

private:
    friend struct detail::Base;
    void declare(Declaration declaration) const;
    struct Known;
    std::optional<std::string> raw(std::string_view name) const;
    std::shared_ptr<Known> known_;
    bool only_declarations_ = false;
};

class Group;

namespace detail {
struct Base {  // registers with the group and reads the expanded text
    Base(Group& group, std::string_view name, std::string_view default_value, std::string_view type, std::string_view doc);
    std::string text;
    std::string name;
    std::string where;  // for messages: "main.cf, line 3: smtpd_timeout"
    bool is_read = true;  // false in a Config::for_declarations()
};
[[noreturn]] void bad_value(const Base& base, std::string_view why);  // log::fatal with file, line, what is wrong
void parse(const Base&, bool&);                                 // yes no (also true false, on off, 1 0)
void parse(const Base&, long&);                                 // a whole number, also negative
void parse(const Base&, double&);
void parse(const Base&, std::string&);
void parse(const Base&, std::chrono::seconds&);                 // 30 30s 5m 1h 2d 1w; without a unit: seconds
void parse(const Base&, std::chrono::milliseconds&);            // the same and ms; without a unit: seconds
void parse(const Base&, std::vector<std::string>&);             // words between commas and white space; { a b } is one
template <class T> constexpr std::string_view type_name();
template <> constexpr std::string_view type_name<bool>() { return "yes or no"; }
template <> constexpr std::string_view type_name<long>() { return "number"; }
template <> constexpr std::string_view type_name<double>() { return "number"; }
template <> constexpr std::string_view type_name<std::string>() { return "text"; }
template <> constexpr std::string_view type_name<std::chrono::seconds>() { return "time"; }
template <> constexpr std::string_view type_name<std::chrono::milliseconds>() { return "time"; }
template <> constexpr std::string_view type_name<std::vector<std::string>>() { return "list"; }
}  // namespace detail

// What a program reads from main.cf: derive, `using Group::Group;`, and declare Param members. Reads all values when
// constructed; a bad one is log::fatal() with file and line. Construct it before the sandbox.
class Group {
public:
    explicit Group(const Config& config) : config_(config) {}
    const Config& config() const { return config_; }

private:
    Config config_;
};

template <class T>
class Param : private detail::Base {
public:
    Param(Group& group, std::string_view parameter, std::string_view default_value, std::string_view doc)
        : Base(group, parameter, default_value, detail::type_name<T>(), doc)
    {
        if (is_read)
            detail::parse(*this, value_);
    }
    const T& operator()() const { return value_; }
    operator const T&() const { return value_; }

private:
    T value_{};
};

// Makes all parameters of the Groups known, so that values may refer to them in any order.
template <class... Groups>
void declare_all(const Config& config)
{
    (static_cast<void>(Groups(config.for_declarations())), ...);
}

// The names that a text refers to as $name, also in the branches that are not taken. An Error as for Config::expand().
Result<std::vector<std::string>> references(std::string_view text);

// Splits as a list parameter is split: at commas and white space, { a b } stays together (without its braces).
Result<std::vector<std::string>> split_list(std::string_view text);

// "30", "5m", "250ms": a whole number and s, m, h, d, w or ms; nothing if it is no time. Never negative.
std::optional<std::chrono::milliseconds> parse_time(std::string_view text, char default_unit = 's');

// The name among the candidates that somebody may have meant, by edit distance; nothing if none is near.
std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates);

// One line of master.cf.
struct Service {
    std::string name;      // "smtp", "127.0.0.1:10025", "private/..." is not part of it
    std::string type;      // inet, unix, pass
    bool is_private = true;  // never for inet
    bool unprivileged = true;
    bool chroot = false;
    long wakeup = 0;       // seconds, 0 = never
    bool wakeup_if_used = false;
    std::optional<long> maxproc;  // nothing: $default_process_limit; 0: no limit
    std::string command;   // program name, then arguments
    std::vector<std::string> arguments;  // all words after the command, braces removed
    Overrides overrides;   // the -o options among them
    Place place;
};

// All services of directory/master.cf in order, or an Error naming file, line, what is wrong and what was perhaps meant.
Result<std::vector<Service>> load_services(const std::string& directory);
Result<std::vector<Service>> parse_services(std::string_view text, const std::string& file = "master.cf");

}  // namespace mta::config
