#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "config/lines.h"
#include "log/log.h"
#include "conf/postconf/catalog.h"
#include "conf/postconf/document.h"
#include "conf/postconf/master_cf.h"
#include "conf/postconf/options.h"

// postconf without -M, -F, -P: the parameters of main.cf.
namespace mta::postconf {

namespace {

// What main.cf says with all that is known about its names.
struct View {
    config::Config config;
    std::vector<Entry> entries;
    Catalog catalog;
};

config::Config load_config(const Options& options)
{
    auto overrides = options.overrides;
    if (options.directory_is_given)
        overrides.insert(overrides.begin(), {"config_directory", options.directory});
    if (options.defaults)
        return config::Config();
    auto config = config::Config::load(options.directory, overrides);
    if (!config)
        log::fatal(config.error().text);
    return *config;
}

View make_view(const Options& options)
{
    View view{load_config(options), load_entries(options, false), builtin_parameters()};
    add_service_parameters(view.catalog, view.entries);
    if (!options.defaults)
        add_user_parameters(view.catalog, view.config, view.entries);
    for (const auto& [name, parameter] : view.catalog)
        if (parameter.kind != Kind::user)
            view.config.declare(name, parameter.declaration.default_value);
    view.config.declare("process_name", "postconf");
    return view;
}

bool is_wanted(const Options& options, const Parameter& parameter)
{
    switch (parameter.kind) {
    case Kind::builtin: return options.builtin;
    case Kind::service: return options.service;
    default: return options.user;
    }
}

void show_parameter(const Options& options, const View& view, const std::string& name)
{
    const auto* setting = options.defaults ? nullptr : view.config.find(name);
    if (options.non_defaults && !setting)
        return;
    auto value = setting ? setting->value : view.config.default_value(name).value_or("");
    if (options.expand && !options.hide_values) {
        auto expanded = view.config.value(name);
        if (!expanded)
            log::fatal(expanded.error().text);
        value = *expanded;
    }
    std::puts(show_line(options, name, value).c_str());
}

void warn_of_unused(const Options& options, const View& view)
{
    std::set<std::string> said;
    for (const auto& setting : view.config.settings())
        if (setting.place.line > 0 && !view.catalog.contains(setting.name) && view.config.find(setting.name) == &setting)
            log::warning(options.main_cf(), ": unused parameter: ", setting.name, "=", setting.value, " (line ", setting.place.line, ")",
                         suggestion(view.catalog, setting.name));
    for (const auto& entry : view.entries)
        for (const auto& [name, value] : entry.overrides())
            if (!view.catalog.contains(name) && said.insert(cat(name, "=", value)).second)
                log::warning(options.master_cf(), ": unused parameter: ", name, "=", value, " (line ", entry.line, ")",
                             suggestion(view.catalog, name));
}

// A $name that means nothing is mostly a slip of the pen.
void warn_of_undefined(const Options& options, const View& view)
{
    for (const auto& setting : view.config.settings()) {
        auto names = config::references(setting.value);
        if (!names)
            log::warning(setting.place.text(), ": ", setting.name, ": ", names.error().text);
        for (const auto& name : names ? *names : std::vector<std::string>())
            if (!view.catalog.contains(name) && !is_known_macro(name))
                log::warning(options.main_cf(), ": undefined parameter: ", name, " (in ", setting.name, ", line ", setting.place.line, ")",
                             suggestion(view.catalog, name));
    }
}

}  // namespace

void warn_about_names(const Options& options)
{
    auto view = make_view(options);
    warn_of_undefined(options, view);
    warn_of_unused(options, view);
}

void show_parameters(const Options& options)
{
    auto view = make_view(options);
    for (const auto& repetition : view.config.repetitions())
        log::warning(repetition);
    if (!options.defaults)
        warn_of_undefined(options, view);
    if (options.arguments.empty())
        for (const auto& [name, parameter] : view.catalog)
            if (is_wanted(options, parameter))
                show_parameter(options, view, name);
    for (const auto& name : options.arguments) {
        if (view.catalog.contains(name))
            show_parameter(options, view, name);
        else
            log::warning(name, ": unknown parameter", suggestion(view.catalog, name));
    }
    (void)std::fflush(stdout);
    if (!options.defaults)
        warn_of_unused(options, view);
}

namespace {

struct Request {
    std::string name, value;
    bool is_done = false;
};

std::vector<Request> read_requests(const Options& options)
{
    std::vector<Request> requests;
    for (const auto& argument : options.arguments) {
        refuse_bad_request(options, argument);
        Request request{std::string(trim(argument)), ""};
        if (options.action == Action::edit) {
            auto pair = config::split_name_value(argument);
            if (!pair)
                log::fatal(pair.error().text);
            request = {pair->first, pair->second};
        }
        auto earlier = std::find_if(requests.begin(), requests.end(), [&](const auto& other) { return other.name == request.name; });
        if (earlier != requests.end()) {
            log::warning("ignoring earlier request: '", earlier->name, " = ", earlier->value, "'");
            requests.erase(earlier);
        }
        requests.push_back(std::move(request));
    }
    return requests;
}

void apply(const Options& options, Document& document, std::size_t entry, const Request& request)
{
    switch (options.action) {
    case Action::remove: return document.remove(entry);
    case Action::comment_out: return document.comment_out(entry);
    default: return document.replace(entry, cat(request.name, " = ", request.value), false);
    }
}

}  // namespace

void edit_parameters(const Options& options)
{
    auto requests = read_requests(options);
    auto done = edit_file(options.main_cf(), [&](Document& document) -> Result<void> {
        for (std::size_t i = 0, count = document.entries().size(); i < count; ++i) {
            const auto& text = document.entries()[i].text;
            auto name = text.substr(0, text.find_first_of("= \t\r"));
            auto request = std::find_if(requests.begin(), requests.end(), [&](const auto& each) { return each.name == name; });
            if (request == requests.end())
                continue;
            if (std::exchange(request->is_done, true))
                log::warning(options.main_cf(), ": multiple entries for \"", name, "\"");
            apply(options, document, i, *request);
        }
        for (const auto& request : requests)
            if (!request.is_done && options.action == Action::edit)
                document.append(cat(request.name, " = ", request.value));
        return {};
    });
    if (!done)
        log::fatal(done.error().text);
}

}  // namespace mta::postconf
