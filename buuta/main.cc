#include <getopt.h>

#include <array>
#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "buuta/check.h"
#include "buuta/control.h"
#include "buuta/passwd.h"
#include "log/log.h"

namespace mta::buuta {

namespace {

struct Command {
    std::string_view name;
    int (*run)(const Context&);  // null: passwd, which has arguments
    std::string_view help;
};

constexpr std::array<Command, 10> commands{{
    {"start", start, "check the configuration and start the mail system"},
    {"start-fg", start_foreground, "the same, in the foreground, also as process 1 of a container"},
    {"stop", stop, "let everything finish what it has in hand, and stop"},
    {"abort", abort, "stop at once"},
    {"reload", reload, "use the changed configuration, without losing a session"},
    {"status", status, "say whether the mail system is running"},
    {"check", check, "look for mistakes in configuration, files and directories"},
    {"flush", flush, "try to deliver all deferred mail now"},
    {"passwd", nullptr, "set or delete the password of a mail user"},
    {"set-permissions", set_permissions, "correct owners and modes of directories and files"},
}};

std::string usage()
{
    std::string text = "usage: buuta [-c config_directory] [-v] command\n";
    for (const auto& command : commands)
        text += cat("  ", command.name, std::string(18 - command.name.size(), ' '), command.help, "\n");
    return text;
}

std::string version()
{
    auto defaults = config::Config::parse("");
    config::Common common(*defaults);
    return cat(common.mail_name(), " ", common.mail_version(), "\n");
}

[[noreturn]] void wrong_usage()
{
    (void)write_all(2, usage()).operator bool();
    std::exit(1);
}

const Command* find_command(std::string_view name)
{
    std::vector<std::string> names;
    for (const auto& command : commands) {
        if (command.name == name)
            return &command;
        names.emplace_back(command.name);
    }
    auto guess = config::nearest(name, names);
    log::error("unknown command: ", name, guess ? cat("; did you mean ", *guess, "?") : "");
    return nullptr;
}

int main(int argc, char** argv)
{
    log::open_stderr();
    log::set_tag("buuta");  // until there is a Context
    const char* variable = std::getenv("MAIL_CONFIG");
    std::string directory = variable ? variable : "/etc/buuta";
    bool is_verbose = false;
    static const option long_options[] = {{"help", no_argument, nullptr, 'h'}, {"version", no_argument, nullptr, 'V'}, {nullptr, 0, nullptr, 0}};
    for (int letter; (letter = ::getopt_long(argc, argv, "+c:v", long_options, nullptr)) != -1;) {
        switch (letter) {
        case 'c': directory = optarg; break;
        case 'v': is_verbose = true; break;
        case 'h': return write_all(1, usage()) ? 0 : 1;
        case 'V': return write_all(1, version()) ? 0 : 1;
        default: wrong_usage();
        }
    }
    if (optind == argc)
        wrong_usage();
    const auto* command = find_command(argv[optind]);
    if (!command)
        wrong_usage();
    if (!command->run)
        return passwd(argc - optind, argv + optind, Context(directory, is_verbose));
    if (optind + 1 != argc)
        log::fatal(command->name, ": takes no arguments");
    return command->run(Context(directory, is_verbose));
}

}  // namespace

}  // namespace mta::buuta

int main(int argc, char** argv) { return mta::buuta::main(argc, argv); }
