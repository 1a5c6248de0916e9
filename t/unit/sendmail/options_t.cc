#include "sendmail/options.h"

#include <catch2/catch.hpp>
#include <sysexits.h>

#include "base/text.h"

using namespace mta;
using sendmail::Mode;

namespace {

Result<sendmail::Options> parse(std::vector<std::string> words)
{
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    return sendmail::parse_options(static_cast<int>(words.size()), argv.data());
}

}  // namespace

TEST_CASE("the command's name and options choose what sendmail does", "[sendmail]")
{
    struct Case { std::vector<std::string> words; Mode mode; std::string argument; };
    for (const auto& c : {Case{{"sendmail", "a"}, Mode::submit, ""}, {{"/usr/bin/mailq"}, Mode::list, ""}, {{"newaliases"}, Mode::aliases, ""},
                          {{"sendmail", "-bp"}, Mode::list, ""}, {{"sendmail", "-bs"}, Mode::smtp, ""}, {{"sendmail", "-bi"}, Mode::aliases, ""},
                          {{"sendmail", "-I"}, Mode::aliases, ""}, {{"sendmail", "-bd"}, Mode::daemon, ""}, {{"sendmail", "-q"}, Mode::flush, ""},
                          {{"sendmail", "-qI4XQ1"}, Mode::flush_id, "4XQ1"}, {{"sendmail", "-qRexample.com"}, Mode::flush_site, "example.com"},
                          {{"sendmail", "-q30m", "-bd"}, Mode::daemon, ""}}) {
        INFO(join(c.words, " "));
        auto options = parse(c.words);
        REQUIRE(options);
        CHECK(options->mode == c.mode);
        CHECK(options->argument == c.argument);
    }
}

TEST_CASE("a submission's options end up in its envelope", "[sendmail]")
{
    auto options = parse({"sendmail", "-oi", "-t", "-f", "<list@example.com>", "-FThe List", "-R", "hdrs", "-V", "id=1", "-B8bitmime", "a@example.org"});
    REQUIRE(options);
    CHECK_FALSE(options->dot_ends_input);
    auto mail = sendmail::mail_of(*options, "me", "My Name");
    REQUIRE(mail);
    CHECK(mail->reverse_path == "list@example.com");
    CHECK(mail->full_name == "The List");
    CHECK(mail->ret == "HDRS");
    CHECK(mail->envid == "id+3D1");
    CHECK(mail->body == "8BITMIME");
    CHECK(mail->extract_recipients);
    auto recipients = sendmail::recipients_of(*options);
    REQUIRE(recipients->size() == 1);
    CHECK(recipients->front().address == "a@example.org");
    auto notified = parse({"sendmail", "-Nsuccess,failure", "-f", "", "b"});
    CHECK(sendmail::recipients_of(*notified)->front().notify == "SUCCESS,FAILURE");
    CHECK(sendmail::mail_of(*notified, "me", "")->reverse_path.empty());
    auto plain = parse({"sendmail", "b"});
    CHECK(plain->dot_ends_input);
    CHECK(sendmail::mail_of(*plain, "me", "My Name")->reverse_path == "me");
    CHECK(sendmail::mail_of(*plain, "me", "My Name")->full_name == "My Name");
}

TEST_CASE("-G says that the mail is only passed on", "[sendmail]")
{
    CHECK(sendmail::mail_of(*parse({"sendmail", "a"}), "me", "")->origin == "local");
    CHECK(sendmail::mail_of(*parse({"sendmail", "-G", "a"}), "me", "")->origin == "gateway");
}

TEST_CASE("options of old mailers are accepted", "[sendmail]")
{
    auto options = parse({"sendmail", "-Am", "-em", "-oem", "-odb", "-h5", "-Ltag", "-m", "-n", "-U", "-x", "-c", "-p", "smtp", "-O", "a=b", "-X", "log", "-i", "a"});
    REQUIRE(options);
    CHECK(options->mode == Mode::submit);
    CHECK(options->recipients == std::vector<std::string>{"a"});
}

TEST_CASE("mistakes in sendmail's command line are told", "[sendmail]")
{
    for (const auto& words : {std::vector<std::string>{"sendmail", "-Z"}, {"sendmail", "-bz"}, {"sendmail", "-bv", "a"}, {"sendmail", "-Nnever,delay", "a"},
                              {"sendmail", "-Rall", "a"}, {"sendmail", "-B", "BINARY", "a"}, {"sendmail", "-XV", "a"}, {"sendmail", "-bp", "a"},
                              {"sendmail", "-bs", "-t"}, {"sendmail", "-f"}, {"sendmail", "-V", "\x01", "a"}, {"sendmail", "-qI"}, {"sendmail", "-qx"}}) {
        INFO(join(words, " "));
        auto options = parse(words);
        REQUIRE_FALSE(options);
        CHECK(sendmail::exit_status(options.error().status) == EX_USAGE);
    }
    CHECK_FALSE(sendmail::mail_of(*parse({"sendmail"}), "me", ""));
    CHECK_FALSE(sendmail::recipients_of(*parse({"sendmail", "-t", "-N", "never"})));
}

TEST_CASE("an argument may hold several addresses, and must hold one", "[sendmail]")
{
    using List = std::vector<std::string>;
    CHECK(*sendmail::addresses_in("a@example.com, B C <b@example.com>") == List{"a@example.com", "b@example.com"});
    CHECK(*sendmail::addresses_in("root") == List{"root"});
    CHECK(*sendmail::addresses_in("\"a b\"@example.com") == List{"a b@example.com"});
    for (const auto* bad : {"", "a b@", "<>", ",", "a b"})
        CHECK_FALSE(sendmail::addresses_in(bad));
    CHECK(*sendmail::sender_in("<>") == "");
    CHECK(*sendmail::sender_in("Me <me@example.com>") == "me@example.com");
    CHECK_FALSE(sendmail::sender_in("a, b"));
}

TEST_CASE("the full name is that of the account", "[sendmail]")
{
    CHECK(sendmail::full_name_of("Anna Beispiel,Room 1,555", "anna") == "Anna Beispiel");
    CHECK(sendmail::full_name_of("& Beispiel", "anna") == "Anna Beispiel");
    CHECK(sendmail::full_name_of("", "anna").empty());
}

TEST_CASE("the exit status tells programs whether to try again", "[sendmail]")
{
    struct Case { std::string status; int exit; };
    for (const auto& c : {Case{"4.3.0", EX_TEMPFAIL}, {"4.7.1", EX_TEMPFAIL}, {"", EX_TEMPFAIL}, {"5.7.1", EX_NOPERM}, {"5.1.3", EX_DATAERR},
                          {"5.3.4", EX_DATAERR}, {"5.5.4", EX_USAGE}, {"5.6.0", EX_DATAERR}, {"5.0.0", EX_UNAVAILABLE}, {"5.1.1", EX_NOUSER}})
        CHECK(sendmail::exit_status(c.status) == c.exit);
}
