#include "conf/postconf/master_cf.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "config/lines.h"
#include "log/log.h"
#include "conf/postconf/catalog.h"
#include "conf/postconf/document.h"

// postconf -M, -F and -P: the services of master.cf, their columns, their -o options.
namespace mta::postconf {

std::vector<Entry> load_entries(const Options& options, bool is_needed)
{
    auto text = read_file(options.master_cf());
    if (!text && is_needed)
        log::fatal(text.error().text);
    if (!text) {
        log::warning(text.error().text);
        return {};
    }
    std::vector<Entry> entries;
    Document document(*text);
    for (const auto& logical : document.entries()) {
        auto entry = parse_entry(logical.text);
        if (!entry)
            log::fatal("file ", options.master_cf(), ": line ", logical.line, ": ", entry.error().text);
        entry->line = logical.line;
        entries.push_back(std::move(*entry));
    }
    return entries;
}

bool is_known_macro(std::string_view name)
{
    static const std::set<std::string, std::less<>> names{
        "recipient", "sender", "user", "extension", "domain", "mailbox", "nexthop", "original_recipient", "queue_id", "size",
        "client_address", "client_name", "client_port", "client_protocol", "client_helo", "sasl_method", "sasl_sender", "sasl_username",
        "home", "shell", "local", "recipient_delimiter", "stress", "process_id", "config_directory", "rbl_code", "rbl_domain",
        "rbl_reason", "rbl_txt", "rbl_what", "rbl_class", "helo_name", "sender_domain", "sender_name", "recipient_domain",
        "recipient_name", "reverse_client_name", "server_name", "ccert_subject", "ccert_issuer", "envid", "notify"};
    return names.contains(name);
}

namespace {

bool matches(std::string_view pattern, std::string_view text) { return pattern == "*" || pattern == text; }

// "service/type/name" with the later parts left out or "*".
struct Pattern {
    std::vector<std::string> parts;
    bool is_used = false;

    bool fits(const Entry& entry) const
    {
        return matches(parts[0], entry.fields[0]) && (parts.size() < 2 || matches(parts[1], entry.fields[1]));
    }
    bool fits(const Entry& entry, std::string_view name) const { return fits(entry) && (parts.size() < 3 || matches(parts[2], name)); }
};

Pattern parse_pattern(std::string_view text, std::size_t max_parts)
{
    Pattern pattern;
    for (std::size_t slash; pattern.parts.size() + 1 < max_parts && (slash = text.find('/')) != std::string_view::npos;) {
        pattern.parts.emplace_back(text.substr(0, slash));
        text.remove_prefix(slash + 1);
    }
    pattern.parts.emplace_back(text);
    return pattern;
}

// With -x: the values of the -o options expanded as the service would see them.
void expand_options(const Options& options, Entry& entry)
{
    auto overrides = entry.overrides();
    overrides.insert(overrides.begin(), {{"service_name", entry.fields[0]}, {"process_name", entry.fields.back()}});
    overrides.insert(overrides.end(), options.overrides.begin(), options.overrides.end());
    auto config = config::Config::load(options.directory, overrides);
    if (!config)
        log::fatal(config.error().text);
    for (const auto& [name, parameter] : builtin_parameters())
        config->declare(name, parameter.declaration.default_value);
    for (auto at : entry.option_values()) {
        auto bare = config::strip_braces(entry.arguments[at]);
        auto pair = bare ? config::split_name_value(*bare) : Result<std::pair<std::string, std::string>>(bare.error());
        auto value = pair ? config->value(pair->first) : Result<std::string>(pair.error());
        if (!value)
            log::fatal(options.master_cf(), ", line ", entry.line, ": ", value.error().text);
        entry.arguments[at] = option_text(pair->first, *value);
    }
}

void show_entry(const Options& options, const Entry& entry)
{
    if (!options.json) {
        std::puts(print_entry(entry, options.fold).c_str());
        return;
    }
    std::vector<std::pair<std::string, std::string>> members;
    for (std::size_t i = 0; i < entry.fields.size(); ++i)
        members.emplace_back(field_names[i], i + 1 < entry.fields.size() ? entry.fields[i] : entry.command_line());
    std::puts(json_line(members).c_str());
}

// The last column with its arguments, which are never taken apart.
std::string show_command(const Options& options, const Entry& entry)
{
    auto name = cat(entry.key(), "/", field_names.back());
    if (options.hide_values || options.json)
        return show_line(options, name, entry.command_line());
    return print_command(entry, options.hide_names ? "" : cat(name, " = "), options.fold);
}

// Shows what fits the pattern; false if nothing does.
bool show_matching(const Options& options, const Entry& entry, const Pattern& pattern)
{
    if (options.subject == Subject::entries) {
        if (pattern.fits(entry))
            show_entry(options, entry);
        return pattern.fits(entry);
    }
    std::vector<std::pair<std::string, std::string>> pairs;
    if (options.subject == Subject::fields) {
        for (std::size_t i = 0; i < entry.fields.size(); ++i)
            pairs.emplace_back(field_names[i], entry.fields[i]);
    } else {
        std::map<std::string, std::string> sorted;
        for (auto& [name, value] : entry.overrides())
            sorted.insert_or_assign(name, value);
        pairs.assign(sorted.begin(), sorted.end());
    }
    bool found = false;
    for (const auto& [name, value] : pairs)
        if (pattern.fits(entry, name)) {
            auto line = show_line(options, cat(entry.key(), "/", name), value);
            if (options.subject == Subject::fields && name == field_names.back())
                line = show_command(options, entry);
            std::puts(line.c_str());
            found = true;
        }
    return found;
}

}  // namespace

void show_services(const Options& options)
{
    auto entries = load_entries(options, true);
    if (options.expand)
        for (auto& entry : entries)
            expand_options(options, entry);
    auto max_parts = options.subject == Subject::entries ? 2 : 3;
    if (options.arguments.empty())
        for (const auto& entry : entries)
            show_matching(options, entry, parse_pattern("*", 1));
    for (const auto& argument : options.arguments) {
        bool found = false;
        auto pattern = parse_pattern(argument, static_cast<std::size_t>(max_parts));
        for (const auto& entry : entries)
            found = show_matching(options, entry, pattern) || found;
        if (!found)
            log::warning("unmatched request: \"", argument, "\"");
    }
}

namespace {

struct Request {
    Pattern pattern;
    std::string argument, value;
};

// The part of the name before "=", and how many parts it must have.
std::vector<Request> read_requests(const Options& options)
{
    bool is_entry = options.subject == Subject::entries;
    std::string_view what = is_entry                              ? "-Me, -MX or -M# requires service_name/type"
                            : options.subject == Subject::fields ? "-Fe or -FX requires service_name/type/field_name"
                                                                  : "-Pe or -PX requires service_name/type/parameter";
    std::vector<Request> requests;
    for (const auto& argument : options.arguments) {
        refuse_bad_request(options, argument);
        Request request{{}, argument, ""};
        auto equals = argument.find('=');
        if (options.action == Action::edit && equals == std::string::npos)
            log::fatal("-e requires name=value argument");
        auto name = std::string(trim(argument.substr(0, equals)));
        if (equals != std::string::npos)
            request.value = trim(argument.substr(equals + 1));
        request.pattern = parse_pattern(name, is_entry ? 2 : 3);
        const auto& parts = request.pattern.parts;
        if (parts.size() != (is_entry ? 2U : 3U) || std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); }))
            log::fatal(what);
        requests.push_back(std::move(request));
    }
    return requests;
}

void set_field(Entry& entry, const Request& request)
{
    const auto& name = request.pattern.parts[2];
    auto field = static_cast<std::size_t>(std::find(field_names.begin(), field_names.end(), name) - field_names.begin());
    if (field == field_names.size())
        log::fatal("invalid service attribute name: \"", name, "\"");
    if (auto good = check_field(field, request.value, request.value); !good)
        log::fatal(good.error().text);
    entry.fields[field] = request.value;
    if (field + 1 < field_names.size())
        return;
    auto whole = parse_entry(cat("x unix - - - - - ", request.value));
    if (!whole)
        log::fatal(whole.error().text);
    entry.fields[field] = whole->fields.back();
    entry.arguments = whole->arguments;
}

// Puts -o name=value in the place of an earlier one, else behind the other options; or takes it out.
void set_override(Entry& entry, const Options& options, const Request& request)
{
    const auto& name = request.pattern.parts[2];
    auto values = entry.option_values();
    auto pairs = entry.overrides();
    bool is_set = false;
    for (std::size_t i = std::min(values.size(), pairs.size()); i-- > 0;) {
        if (pairs[i].first != name)
            continue;
        auto at = entry.arguments.begin() + static_cast<long>(values[i]);
        if (options.action == Action::edit && !std::exchange(is_set, true))
            *at = option_text(name, request.value);
        else
            entry.arguments.erase(at - 1, at + 1);
    }
    if (options.action == Action::edit && !is_set) {
        auto end = entry.arguments.begin() + static_cast<long>(entry.option_count());
        entry.arguments.insert(end, {"-o", option_text(name, request.value)});
    }
}

Result<void> edit_entry(const Options& options, Document& document, const Request& request)
{
    bool found = false;
    for (std::size_t i = 0, count = document.entries().size(); i < count; ++i) {
        const auto& logical = document.entries()[i];
        auto entry = parse_entry(logical.text);
        if (!entry)
            return failure(cat("file ", options.master_cf(), ": line ", logical.line, ": ", entry.error().text));
        if (!request.pattern.fits(*entry))
            continue;
        if (options.action == Action::comment_out)
            document.comment_out(i);
        else if (options.subject == Subject::entries && (options.action == Action::remove || found))
            document.remove(i);
        else {
            if (options.subject == Subject::fields)
                set_field(*entry, request);
            else if (options.subject == Subject::overrides)
                set_override(*entry, options, request);
            auto whole = options.subject == Subject::entries ? parse_entry(request.value) : entry;
            document.replace(i, print_entry(*whole, true), true);
        }
        found = true;
    }
    if (found)
        return {};
    if (options.subject != Subject::entries)
        log::warning("unmatched service_name/type: \"", request.argument, "\"");
    else if (options.action == Action::edit)
        document.append(print_entry(*parse_entry(request.value), true));
    return {};
}

}  // namespace

void edit_services(const Options& options)
{
    auto requests = read_requests(options);
    for (const auto& request : requests)
        if (options.subject == Subject::entries && options.action == Action::edit)
            if (auto entry = parse_entry(request.value); !entry)
                log::fatal(entry.error().text, entry.error().text == "bad field count" ? cat(": \"", request.argument, "\"") : "");
    auto done = edit_file(options.master_cf(), [&](Document& document) -> Result<void> {
        for (const auto& request : requests)
            if (auto edited = edit_entry(options, document, request); !edited)
                return edited;
        return {};
    });
    if (!done)
        log::fatal(done.error().text);
}

}  // namespace mta::postconf
