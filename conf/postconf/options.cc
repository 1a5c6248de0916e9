#include "conf/postconf/options.h"

#include <getopt.h>

#include <array>
#include <cstdlib>

#include "base/text.h"
#include "config/lines.h"
#include "log/log.h"

namespace mta::postconf {

namespace {

constexpr const char* usage =
    "usage: postconf [-c config_dir] [-C param_class] [-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] "
    "[-F (master.cf fields)] [-h (no names)] [-H (no values)] [-j (JSON)] [-m (map types)] [-M (master.cf)] "
    "[-n (non-default parameters)] [-o name=value (override parameter value)] [-p (main.cf, default)] "
    "[-P (master.cf parameters)] [-v (verbose)] [-x (expand parameter values)] [-X (exclude)] [-# (comment-out)] "
    "[--check] [--manual] [name...]";

// Pairs that contradict each other.
constexpr std::array<std::string_view, 33> conflicts{"dn", "do", "de", "Xd", "#d", "en", "Xn", "#n", "Xe", "#e", "#X",
                                                     "FM", "MP", "FP", "Mm", "Fm", "Pm", "dm", "mn", "em", "Xm", "#m",
                                                     "ej", "Xj", "#j", "hH", "ex", "Xx", "#x", "ef", "Xf", "#f", "Hj"};
constexpr std::array<std::string_view, 9> not_with{"Md", "Mn", "MC", "Fd", "Fn", "FC", "Pd", "Pn", "PC"};

void refuse_conflicts(std::string_view given)
{
    auto has = [&](char option) { return given.find(option) != std::string_view::npos; };
    for (auto pair : conflicts)
        if (has(pair[0]) && has(pair[1]))
            log::fatal("specify one of -", pair[0], " -", pair[1]);
    for (auto pair : not_with)
        if (has(pair[0]) && has(pair[1]))
            log::fatal("with option -", pair[0], ", do not specify -", pair[1]);
    if (has('F') && (has('X') || has('#')))
        log::fatal("with option -F, do not specify -", has('X') ? 'X' : '#');
    if (has('P') && has('#'))
        log::fatal("with option -P, do not specify -#");
}

void choose_classes(Options& options, std::string_view text)
{
    options.builtin = options.service = options.user = false;
    for (auto name : split_words(text, ", \t")) {
        bool all = name == "all";
        if (!all && name != "builtin" && name != "service" && name != "user")
            log::fatal("unknown -C option value \"", name, "\" in \"", text, "\"");
        options.builtin |= all || name == "builtin";
        options.service |= all || name == "service";
        options.user |= all || name == "user";
    }
}

void add_override(Options& options, std::string_view text)
{
    auto bare = config::strip_braces(text);
    auto pair = bare ? config::split_name_value(*bare) : Result<std::pair<std::string, std::string>>(bare.error());
    if (!pair)
        log::fatal("invalid parameter override: ", text, ": missing '=' after attribute name");
    options.overrides.push_back(std::move(*pair));
}

void apply(Options& options, int option)
{
    switch (option) {
    case 'c': options.directory = optarg; options.directory_is_given = true; break;
    case 'C': choose_classes(options, optarg); break;
    case 'd': options.defaults = true; break;
    case 'e': options.action = Action::edit; break;
    case 'f': options.fold = true; break;
    case 'F': options.subject = Subject::fields; break;
    case 'h': options.hide_names = true; break;
    case 'H': options.hide_values = true; break;
    case 'j': options.json = true; break;
    case 'm': options.subject = Subject::table_types; break;
    case 'M': options.subject = Subject::entries; break;
    case 'n': options.non_defaults = true; break;
    case 'o': add_override(options, optarg); break;
    case 'p': break;
    case 'P': options.subject = Subject::overrides; break;
    case 'v': log::set_verbose(true); break;
    case 'x': options.expand = true; break;
    case 'X': options.action = Action::remove; break;
    case '#': options.action = Action::comment_out; break;
    case 1: options.subject = Subject::check; break;
    case 2: options.subject = Subject::manual; break;
    default: log::fatal(usage);
    }
}

}  // namespace

Options parse_options(int argc, char** argv)
{
    static const std::array<option, 3> long_options{{{"check", no_argument, nullptr, 1}, {"manual", no_argument, nullptr, 2}, {}}};
    Options options;
    options.directory = *config::Config().default_value("config_directory");
    if (const char* directory = std::getenv("MAIL_CONFIG")) {
        options.directory = directory;
        options.directory_is_given = true;
    }
    std::string given;
    for (int c; (c = ::getopt_long(argc, argv, "+c:C:defFhHjmMno:pPvxX#", long_options.data(), nullptr)) != -1;) {
        given += static_cast<char>(c);
        apply(options, c);
    }
    refuse_conflicts(given);
    options.arguments.assign(argv + optind, argv + argc);
    bool can_edit = given.find_first_of("dn") == std::string::npos;
    if (options.action == Action::show && can_edit && !options.arguments.empty() && options.arguments[0].find('=') != std::string::npos)
        options.action = Action::edit;
    if (options.action != Action::show && options.arguments.empty())
        log::fatal(options.action == Action::edit ? "-e requires name=value argument" : "missing service argument");
    return options;
}

namespace {

std::string json_string(std::string_view text)
{
    std::string out = "\"";
    for (char c : is_utf8(text) ? std::string(text) : printable(text)) {
        if (c == '"' || c == '\\')
            out += cat('\\', c);
        else if (static_cast<unsigned char>(c) < 0x20)
            out += cat("\\u00", c < 0x10 ? '0' : '1', "0123456789abcdef"[c & 15]);
        else
            out += c;
    }
    return out + "\"";
}

}  // namespace

std::string json_line(const std::vector<std::pair<std::string, std::string>>& members)
{
    std::vector<std::string> parts;
    for (const auto& [name, value] : members)
        parts.push_back(cat(json_string(name), ": ", json_string(value)));
    return cat("{", join(parts, ", "), "}");
}

void refuse_bad_request(const Options& options, std::string_view argument)
{
    if (argument.find_first_of("\r\n") != std::string_view::npos)
        log::fatal("-e, -X, or -# accepts no multi-line input");
    if (trim(argument).starts_with('#'))
        log::fatal("-e, -X, or -# accepts no comment input");
    if (options.action != Action::edit && argument.find('=') != std::string_view::npos)
        log::fatal("specify one of -e ", options.action == Action::remove ? "-X" : "-#");
}

std::string show_line(const Options& options, const std::string& name, const std::string& value)
{
    constexpr std::size_t line_limit = 80;
    if (options.hide_values)
        return name;
    if (options.json)
        return json_line({{name, value}});
    std::string out;
    std::size_t length = 0;
    auto whole = options.hide_names ? value : cat(name, " = ", value);
    for (auto word : split_words(whole)) {
        if (options.fold && length > 0 && length + word.size() >= line_limit) {
            out += "\n    ";
            length = 4;
        } else if (length > 0) {
            out += ' ';
            ++length;
        }
        out += word;
        length += word.size();
    }
    return out;
}

}  // namespace mta::postconf
