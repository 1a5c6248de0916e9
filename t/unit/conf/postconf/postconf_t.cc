#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <map>

#include "base/file.h"
#include "base/text.h"
#include "conf/postconf/catalog.h"
#include "conf/postconf/document.h"
#include "conf/postconf/entry.h"
#include "conf/postconf/options.h"

using namespace mta;
using namespace mta::postconf;

namespace {

// A configuration directory and what postconf's functions say about it, as a process of its own would.
class Files {
public:
    Files(std::string_view main_cf, std::string_view master_cf)
    {
        char name[] = "/tmp/postconf_t.XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        directory_ = name;
        REQUIRE(replace_file(main_cf_(), main_cf, 0640));
        REQUIRE(replace_file(master_cf_(), master_cf, 0644));
    }
    Files(const Files&) = delete;
    ~Files()
    {
        for (const auto& path : {main_cf_(), master_cf_(), directory_ + "/out", directory_ + "/err"})
            ::unlink(path.c_str());
        ::rmdir(directory_.c_str());
    }

    std::string run(std::vector<std::string> words)
    {
        words.insert(words.begin(), {"postconf", "-c", directory_});
        std::cout.flush();  // or the child writes it again
        auto child = ::fork();
        if (child == 0)
            ::_exit(work(words));
        int status = 0;
        ::waitpid(child, &status, 0);
        status_ = WEXITSTATUS(status);
        errors_ = replace_all(*read_file(directory_ + "/err"), directory_, "DIR");
        return replace_all(*read_file(directory_ + "/out"), directory_, "DIR");
    }
    int status() const { return status_; }
    const std::string& errors() const { return errors_; }
    std::string main_cf() const { return *read_file(main_cf_()); }
    std::string master_cf() const { return *read_file(master_cf_()); }
    const std::string& directory() const { return directory_; }

private:
    std::string main_cf_() const { return directory_ + "/main.cf"; }
    std::string master_cf_() const { return directory_ + "/master.cf"; }
    int work(const std::vector<std::string>& words)
    {
        std::vector<char*> argv;
        for (const auto& word : words)
            argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        std::freopen((directory_ + "/out").c_str(), "w", stdout);
        std::freopen((directory_ + "/err").c_str(), "w", stderr);
        optind = 0;
        auto options = parse_options(static_cast<int>(words.size()), argv.data());
        int result = 0;
        bool is_shown = options.action == Action::show;
        if (options.subject == Subject::check)
            result = check(options);
        else if (options.subject == Subject::manual)
            print_manual();
        else if (options.subject == Subject::parameters)
            is_shown ? show_parameters(options) : edit_parameters(options);
        else
            is_shown ? show_services(options) : edit_services(options);
        std::fflush(stdout);
        return result;
    }

    std::string directory_, errors_;
    int status_ = 0;
};

constexpr std::string_view sample_main =
    "# head comment\nmyhostname = a.example\nmydestination = $myhostname,\n# inside\n   localhost   ,  x\n\nfoo_map = hash:/x\n"
    "myorigin = $foo_map\nmydestinatoin = y\n# end\n";
constexpr std::string_view sample_master =
    "# comment\nsmtp      inet  n       -       y       -       -       smtpd\nsubmission inet n - y - - smtpd\n"
    "  -o syslog_name=postfix/$service_name -o myorigin=here\n# c\n  -o { mydestination = one, two }\n  -o nonsense=3 -v\n"
    "maildrop  unix  -       n       n       -       -       pipe\n  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}\n";

}  // namespace

TEST_CASE("postconf shows main.cf as Postfix's does", "[postconf]")
{
    Files files(sample_main, sample_master);
    CHECK(files.run({"-n"}) == "config_directory = DIR\nfoo_map = hash:/x\nmydestination = $myhostname, localhost , x\n"
                               "myhostname = a.example\nmyorigin = $foo_map\n");
    CHECK(files.status() == 0);
    CHECK(files.errors().find("warning: DIR/main.cf: unused parameter: mydestinatoin=y (line 9); did you mean mydestination?\n") != std::string::npos);
    CHECK(files.errors().find("warning: DIR/master.cf: unused parameter: nonsense=3 (line 3)\n") != std::string::npos);
    CHECK(files.run({"-h", "mydestination", "myhostname"}) == "$myhostname, localhost , x\na.example\n");
    CHECK(files.run({"-H", "myhostname"}) == "myhostname\n");
    CHECK(files.run({"-x", "mydestination"}) == "mydestination = a.example, localhost , x\n");
    CHECK(files.run({"-d", "mydestination"}) == "mydestination = $myhostname, localhost.$mydomain, localhost\n");
    CHECK(files.run({"-o", "mydestination=zz", "mydestination"}) == "mydestination = zz\n");
    CHECK(files.run({"-C", "user"}) == "foo_map = hash:/x\n");
    CHECK(files.run({"-j", "myhostname"}) == "{\"myhostname\": \"a.example\"}\n");
    CHECK(files.run({"myhostnam"}).empty());
    CHECK(files.errors().find("warning: myhostnam: unknown parameter; did you mean myhostname?\n") != std::string::npos);
}

TEST_CASE("postconf folds lines where Postfix does", "[postconf]")
{
    Files files("mydestination = permit_mynetworks, reject_unauth_destination, check_client_access hash:/etc/postfix/aaaaaaaaaaa\n", "");
    CHECK(files.run({"-fn", "mydestination"}) == "mydestination = permit_mynetworks, reject_unauth_destination,\n"
                                                 "    check_client_access hash:/etc/postfix/aaaaaaaaaaa\n");
}

TEST_CASE("postconf edits main.cf and leaves all else as it was", "[postconf]")
{
    struct Case { std::vector<std::string> words; std::string from, to; };
    for (const auto& c : {
             Case{{"-e", "myhostname = b.example"}, "myhostname = a.example\n", "myhostname = b.example\n"},
             {{"myhostname=b"}, "myhostname = a.example\n", "myhostname = b\n"},
             {{"-e", "mydestination=x,  y"}, "mydestination = $myhostname,\n# inside\n   localhost   ,  x\n", "mydestination = x,  y\n# inside\n"},
             {{"-e", "myhostname="}, "myhostname = a.example\n", "myhostname = \n"},
             {{"-e", "new=1", "a.b=2"}, "# end\n", "# end\nnew = 1\na.b = 2\n"},
             {{"-X", "myhostname", "nosuch"}, "myhostname = a.example\n", ""},
             {{"-X", "mydestination"}, "mydestination = $myhostname,\n# inside\n   localhost   ,  x\n", "# inside\n"},
             {{"-#", "mydestination"}, "mydestination = $myhostname,\n# inside\n   localhost   ,  x\n", "#mydestination = $myhostname,\n# inside\n#   localhost   ,  x\n"},
         }) {
        Files files(sample_main, sample_master);
        CHECK(files.run(c.words).empty());
        CHECK(files.status() == 0);
        CHECK(files.errors().empty());
        CHECK(files.main_cf() == replace_all(sample_main, c.from, c.to));
        struct stat status {};
        REQUIRE(::stat((files.directory() + "/main.cf").c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0640);
    }
}

TEST_CASE("an edited main.cf without a last line end gets one, and a link stays a link", "[postconf]")
{
    Files files("a = b", "");
    auto link = files.directory() + "/main.cf", real = files.directory() + "/real";
    REQUIRE(::rename(link.c_str(), real.c_str()) == 0);
    REQUIRE(::symlink("real", link.c_str()) == 0);
    files.run({"-e", "c=d"});
    CHECK(*read_file(real) == "a = b\nc = d\n");
    ::unlink(real.c_str());
}

TEST_CASE("wrong use of postconf ends with status 1 and Postfix's text", "[postconf]")
{
    struct Case { std::vector<std::string> words; std::string message; };
    Files files(sample_main, sample_master);
    for (const auto& c : {
             Case{{"-nd"}, "specify one of -d -n"}, {{"-e"}, "-e requires name=value argument"}, {{"-X"}, "missing service argument"},
             {{"-e", "x"}, "missing '=' after attribute name: \"x\""}, {{"-e", "=x"}, "missing attribute name: \"=x\""},
             {{"-e", "a=b\nc"}, "-e, -X, or -# accepts no multi-line input"}, {{"-e", "#a=b"}, "-e, -X, or -# accepts no comment input"},
             {{"-X", "a=b"}, "specify one of -e -X"}, {{"-MP"}, "specify one of -M -P"}, {{"-Mn"}, "with option -M, do not specify -n"},
             {{"-FX", "a"}, "with option -F, do not specify -X"}, {{"-C", "xx"}, "unknown -C option value \"xx\" in \"xx\""},
             {{"-o", "x"}, "invalid parameter override: x: missing '=' after attribute name"},
             {{"-MX", "submission"}, "-Me, -MX or -M# requires service_name/type"},
             {{"-P", "a=b"}, "-Pe or -PX requires service_name/type/parameter"},
             {{"-M", "a/unix=a unix - - n -"}, "bad field count: \"a/unix=a unix - - n -\""},
             {{"-M", "a/unix=a unix x - n - - b"}, "invalid private field \"x\" in \"a unix x - n - - b\""},
             {{"-F", "smtp/inet/chroot=x"}, "invalid chroot field \"x\" in \"x\""},
             {{"-F", "smtp/inet/nosuch=x"}, "invalid service attribute name: \"nosuch\""},
         }) {
        files.run(c.words);
        CHECK(files.status() == 1);
        CHECK(files.errors().find(cat("fatal: ", c.message, "\n")) != std::string::npos);
        CHECK(files.main_cf() == sample_main);
        CHECK(files.master_cf() == sample_master);
    }
}

TEST_CASE("postconf shows master.cf's lines, columns and options", "[postconf]")
{
    Files files(sample_main, sample_master);
    CHECK(files.run({"-M", "smtp"}) == "smtp       inet  n       -       y       -       -       smtpd\n");
    CHECK(files.run({"-M", "submission/inet"}) == "submission inet  n       -       y       -       -       smtpd -o syslog_name=postfix/$service_name "
                                                  "-o myorigin=here -o {mydestination=one, two} -o nonsense=3 -v\n");
    CHECK(files.run({"-Mf"}) == "smtp       inet  n       -       y       -       -       smtpd\n"
                                "submission inet  n       -       y       -       -       smtpd\n"
                                "    -o syslog_name=postfix/$service_name\n    -o myorigin=here\n    -o {mydestination=one, two}\n"
                                "    -o nonsense=3\n    -v\n"
                                "maildrop   unix  -       n       n       -       -       pipe flags=DRXhu\n"
                                "    user=vmail argv=/usr/bin/maildrop -d ${recipient}\n");
    CHECK(files.run({"-F", "*/*/chroot"}) == "smtp/inet/chroot = y\nsubmission/inet/chroot = y\nmaildrop/unix/chroot = n\n");
    CHECK(files.run({"-P"}) == "submission/inet/mydestination = one, two\nsubmission/inet/myorigin = here\n"
                               "submission/inet/nonsense = 3\nsubmission/inet/syslog_name = postfix/$service_name\n");
    CHECK(files.run({"-xhP", "submission/inet/syslog_name"}) == "postfix/submission\n");
    CHECK(files.run({"-jF", "smtp/inet/type"}) == "{\"smtp/inet/type\": \"inet\"}\n");
    CHECK(files.run({"-M", "nosuch"}).empty());
    CHECK(files.errors().find("warning: unmatched request: \"nosuch\"\n") != std::string::npos);
}

TEST_CASE("a long service name takes room from the next columns, and only -o has a line of its own", "[postconf]")
{
    auto entry = parse_entry("averyverylongname unix - - n - - pipe -o a=b -D -v x y");
    REQUIRE(entry);
    CHECK(print_entry(*entry, true) == "averyverylongname unix - -       n       -       -       pipe\n    -o a=b\n    -D -v x y");
    entry = parse_entry("s4 unix - - n - - pipe -v x -o y");
    REQUIRE(entry);
    CHECK(print_entry(*entry, true) == "s4         unix  -       -       n       -       -       pipe -v x -o y");
}

TEST_CASE("postconf edits master.cf as Postfix's does", "[postconf]")
{
    const std::string maildrop = "maildrop  unix  -       n       n       -       -       pipe\n  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}\n";
    struct Case { std::vector<std::string> words; std::string from, to; };
    for (const auto& c : {
             Case{{"-M", "smtp/inet=smtp inet n - n - 9 smtpd -o a=1"}, "smtp      inet  n       -       y       -       -       smtpd\n",
                  "smtp       inet  n       -       n       -       9       smtpd\n    -o a=1\n"},
             {{"-M", "new/unix=new unix - - n - 9 smtp -o { x = 1 2 }"}, maildrop, maildrop + "new        unix  -       -       n       -       9       smtp\n    -o {x=1 2}\n"},
             {{"-MX", "maildrop/unix"}, maildrop, ""},
             {{"-M#", "maildrop/unix"}, maildrop, "#" + replace_all(maildrop, "\n  f", "\n#  f")},
             {{"-F", "smtp/inet/process_limit=7"}, "smtp      inet  n       -       y       -       -       smtpd\n", "smtp       inet  n       -       y       -       7       smtpd\n"},
             {{"-P", "maildrop/unix/foo=bar"}, maildrop, "maildrop   unix  -       n       n       -       -       pipe\n    -o foo=bar\n    flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}\n"},
             {{"-PX", "submission/inet/myorigin"},
              "submission inet n - y - - smtpd\n  -o syslog_name=postfix/$service_name -o myorigin=here\n# c\n  -o { mydestination = one, two }\n  -o nonsense=3 -v\n",
              "# c\nsubmission inet  n       -       y       -       -       smtpd\n    -o syslog_name=postfix/$service_name\n    -o {mydestination=one, two}\n    -o nonsense=3\n    -v\n"},
         }) {
        Files files(sample_main, sample_master);
        CHECK(files.run(c.words).empty());
        CHECK(files.errors().empty());
        CHECK(files.master_cf() == replace_all(sample_master, c.from, c.to));
    }
    Files files(sample_main, sample_master);
    files.run({"-F", "nosuch/unix/chroot=n"});
    CHECK(files.errors().find("warning: unmatched service_name/type: \"nosuch/unix/chroot=n\"\n") != std::string::npos);
}

TEST_CASE("postconf --check finds what would stop a program", "[postconf]")
{
    Files good("myhostname = a.example\n", "smtp inet n - n - - smtpd\n");
    good.run({"--check"});
    CHECK(good.errors().empty());
    CHECK(good.status() == 0);
    struct Case { std::string main_cf, master_cf, message; };
    for (const auto& c : {
             Case{"max_use = many\n", "", "DIR/main.cf, line 1: max_use: bad numerical value: \"many\""},
             {"", "smtp inet n - n - - smtpd\n  -o max_idle=5x\n", "-o max_idle: max_idle: bad time value"},
             {"", "smtp inet n - n -\n", "DIR/master.cf, line 1: missing \"maxproc\" field"},
             {"x\n", "", "DIR/main.cf, line 1: missing '=' after attribute name: \"x\""},
         }) {
        Files bad(c.main_cf, c.master_cf);
        bad.run({"--check"});
        CHECK(bad.status() == 1);
        INFO(bad.errors());
        CHECK(bad.errors().find(c.message) != std::string::npos);
    }
}

TEST_CASE("postconf --check tells what has no effect", "[postconf]")
{
    Files files("enable_long_queue_ids = no\n", "");
    files.run({"--check"});
    CHECK(files.errors().find("DIR/main.cf, line 1: enable_long_queue_ids = no has no effect: queue IDs are always long\n") != std::string::npos);
    CHECK(files.status() == 0);
    Files good("enable_long_queue_ids = yes\n", "");
    good.run({"--check"});
    CHECK(good.errors().empty());
}

TEST_CASE("postconf --check warns of limits that are switched off", "[postconf][limits]")
{
    Files files("smtpd_session_message_limit = none\nclient_memory_limit = $limit\nlimit = None\nsmtpd_data_time_limit = none\n",
                "smtp inet n - n - - smtpd\n  -o message_line_length_limit=none\n  -o smtpd_anonymous_recipient_limit=7\n");
    files.run({"--check"});
    CHECK(files.errors().find("DIR/main.cf, line 1: smtpd_session_message_limit = none: there is no limit\n") != std::string::npos);
    CHECK(files.errors().find("DIR/main.cf, line 2: client_memory_limit = None: there is no limit\n") != std::string::npos);
    CHECK(files.errors().find("DIR/main.cf, line 4: smtpd_data_time_limit = none: there is no limit\n") != std::string::npos);
    CHECK(files.errors().find("DIR/master.cf, line 1: message_line_length_limit = none: there is no limit\n") != std::string::npos);
    CHECK(files.errors().find("anonymous_recipient_limit") == std::string::npos);
    CHECK(files.status() == 0);
}

TEST_CASE("programs that share a parameter agree about it, and each is documented", "[postconf]")
{
    std::map<std::string, config::Declaration> known;
    for (const auto& section : sections()) {
        config::Config config;
        section.read(config.for_declarations());
        for (const auto& declared : config.declarations()) {
            INFO(section.program << ": " << declared.name);
            auto [other, is_new] = known.try_emplace(declared.name, declared);
            CHECK(other->second.default_value == declared.default_value);
            CHECK(other->second.type == declared.type);
            CHECK_FALSE(declared.doc.empty());
            CHECK(declared.doc.ends_with('.'));
        }
    }
}

TEST_CASE("the manual has every parameter", "[postconf]")
{
    Files files("", "");
    auto page = files.run({"--manual"});
    CHECK(page.starts_with(".\\\" "));
    for (const auto& [name, parameter] : builtin_parameters())
        CHECK(page.find(cat(".It Ic ", name, "\n")) != std::string::npos);
}
