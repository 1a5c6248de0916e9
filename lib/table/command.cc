#include "table/command.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <optional>

#include "base/encode.h"
#include "base/text.h"
#include "config/config.h"
#include "log/log.h"
#include "table/message_lines.h"
#include "table/table.h"

namespace mta::table {

namespace {

constexpr const char* default_config_directory = "/etc/buuta";

class Command {
public:
    explicit Command(const CommandDialect& dialect) : dialect_(dialect) { build_.syntax = dialect.syntax; }

    int run(int argc, char** argv)
    {
        log::set_tag(std::string(dialect_.program));
        log::open_stderr();
        read_options(argc, argv);
        build_.default_type = default_type();
        open_.default_type = build_.default_type;
        open_.fold = build_.fold;
        if (!query_.empty())
            return query() ? EXIT_SUCCESS : EXIT_FAILURE;
        if (!delete_.empty())
            return remove_keys() ? EXIT_SUCCESS : EXIT_FAILURE;
        lists_ ? list_all() : build_all();
        return EXIT_SUCCESS;
    }

private:
    [[noreturn]] void usage() const { log::fatal("usage: ", dialect_.program, " ", dialect_.usage); }

    void read_options(int argc, char** argv)
    {
        ::optind = 1;
        ::opterr = 0;
        for (int option = 0; (option = ::getopt(argc, argv, dialect_.letters)) != -1;)
            read_option(static_cast<char>(option));
        tables_.assign(argv + ::optind, argv + argc);
        if (takes_message() && query_ != "-")
            log::fatal("specify -b or -h only with \"-q -\"");
        if (tables_.empty())
            usage();
    }

    void read_option(char option)
    {
        switch (option) {
        case 'b': body_ = true; break;
        case 'c': config_directory_ = ::optarg; break;
        case 'd': choose(delete_); break;
        case 'f': build_.fold = false; break;
        case 'F': build_.values_are_files = true; break;
        case 'h': headers_ = true; break;
        case 'i': incremental_ = true; break;
        case 'j': json_ = true; break;
        case 'm': log::fatal("-m: MIME parsing of the message is not supported; -b and -h see the text as it is");
        case 'n': set_nul(false); break;
        case 'N': set_nul(true); break;
        case 'o': build_.become_owner = false; break;
        case 'p': build_.copy_mode = false; break;
        case 'q': choose(query_); break;
        case 'r': build_.replace = true; break;
        case 's': only_one(), lists_ = true; break;
        case 'u': build_.check_utf8 = false; break;
        case 'U': build_.check_utf8 = true; break;
        case 'v': log::set_verbose(true); break;
        case 'w': build_.ignore_duplicates = true; break;
        default: bad_option(option);
        }
    }

    // What getopt(3) would say, by the program's name.
    [[noreturn]] void bad_option(char option) const
    {
        auto place = std::string_view(dialect_.letters).find(static_cast<char>(::optopt));
        bool lacks_argument = option == '?' && ::optopt != ':' && place != std::string_view::npos;
        std::cerr << dialect_.program << (lacks_argument ? ": option requires an argument -- '" : ": invalid option -- '")
                  << static_cast<char>(::optopt) << "'\n";
        usage();
    }

    void only_one() const
    {
        if (lists_ || !query_.empty() || !delete_.empty())
            log::fatal(dialect_.only_one);
    }

    void choose(std::string& request)
    {
        only_one();
        request = ::optarg;
        if (request.empty())
            std::exit(EXIT_FAILURE);  // no table has an empty key
    }

    void set_nul(bool with_nul)
    {
        build_.add_nul = with_nul;
        open_.nul = with_nul;
    }

    bool takes_message() const { return body_ || headers_; }

    std::string default_type() const
    {
        auto environment = ::getenv("MAIL_CONFIG");
        std::string directory = !config_directory_.empty() ? config_directory_
                                : environment              ? environment
                                                           : default_config_directory;
        auto config = config::Config::load(directory);
        if (!config)
            log::fatal(config.error().text);
        auto type = config->value("default_database_type", "hash");
        if (!type)
            log::fatal(type.error().text);
        return *type;
    }

    template <class T>
    static T or_fatal(Result<T> result)
    {
        if (!result)
            log::fatal(result.error().text);
        return std::move(*result);
    }

    std::string shown_value(std::string_view table, std::string_view key, std::string value) const
    {
        if (!build_.values_are_files)
            return value;
        auto content = base64_decode(value);
        if (!content)
            log::fatal("table ", table, ": key ", key, ": malformed BASE64 value");
        return *content;
    }

    void print(std::string_view key, std::string_view value) const
    {
        if (json_)
            std::cout << "{" << json(key) << ": " << json(value) << "}\n";
        else
            std::cout << key << dialect_.separator << value << '\n';
    }

    static std::string json(std::string_view text)
    {
        std::string out = "\"";
        for (char c : text) {
            if (c == '"' || c == '\\')
                out += '\\';
            if (static_cast<unsigned char>(c) < 32)
                out += cat("\\u00", hex_encode({&c, 1}));
            else
                out += c;
        }
        return out + '"';
    }

    static void warn_of_empty_value(std::string_view table, std::string_view key)
    {
        log::warning("table ", table, ": key ", key, ": empty string result is not allowed");
        log::warning("table ", table, " should return NO RESULT in case of NOT FOUND");
    }

    // The first table that has the key; each one is opened only when it is needed.
    std::optional<std::string> find(std::string_view key)
    {
        opened_.resize(tables_.size());
        for (std::size_t i = 0; i < tables_.size(); ++i) {
            if (!opened_[i])
                opened_[i] = or_fatal(table::open(tables_[i], open_));
            auto found = opened_[i]->find(key);
            if (!found)
                log::fatal("table ", opened_[i]->name(), ": query error: ", found.error().text);
            if (!*found)
                continue;
            if ((*found)->empty())
                warn_of_empty_value(opened_[i]->name(), key);
            return shown_value(opened_[i]->name(), key, std::move(**found));
        }
        return std::nullopt;
    }

    bool query()
    {
        if (query_ != "-") {
            auto value = find(query_);
            if (value && json_)
                print(query_, *value);
            else if (value)
                std::cout << *value << '\n';
            return value.has_value();
        }
        bool has_hit = false;
        auto ask = [&](const std::string& key) {
            if (auto value = find(key)) {
                has_hit = true;
                print(key, *value);
            }
        };
        if (takes_message())
            for_each_message_line(std::cin, headers_, body_, ask);
        else
            for (std::string key; std::getline(std::cin, key);)
                ask(key);
        return has_hit;
    }

    bool remove_keys() const
    {
        std::vector<std::string> keys{delete_};
        if (delete_ == "-") {
            keys.clear();
            for (std::string key; std::getline(std::cin, key);)
                keys.push_back(key);
        }
        bool has_hit = false;
        for (const auto& name : tables_)
            for (bool was_there : or_fatal(table::remove(name, keys, build_)))
                has_hit |= was_there;
        return has_hit;
    }

    void list_all() const
    {
        for (const auto& name : tables_) {
            auto show = [&](std::string_view key, std::string_view value) {
                if (key.empty())
                    log::warning("table ", name, ": empty lookup key value is not allowed");
                else if (value.empty())
                    warn_of_empty_value(name, key);
                print(key, shown_value(name, key, std::string(value)));
            };
            if (auto listed = table::list(name, show, build_); !listed)
                log::fatal(listed.error().text);
        }
    }

    void build_all() const
    {
        std::string text;
        if (incremental_)
            text.assign(std::istreambuf_iterator<char>(std::cin), {});
        for (const auto& name : tables_)
            or_fatal(incremental_ ? table::add(name, text, "stdin", build_) : table::build(name, build_));
    }

    const CommandDialect& dialect_;
    BuildOptions build_;
    Options open_;
    std::string config_directory_, query_, delete_;
    bool lists_ = false, incremental_ = false, json_ = false, headers_ = false, body_ = false;
    std::vector<std::string> tables_;
    std::vector<std::unique_ptr<Table>> opened_;
};

}  // namespace

int run_command(const CommandDialect& dialect, int argc, char** argv)
{
    int status = Command(dialect).run(argc, argv);
    std::cout.flush();
    if (!std::cout)
        log::fatal("write error");
    return status;
}

}  // namespace mta::table
