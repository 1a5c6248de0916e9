#include "maildir/delivery.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "fixture.h"
#include "maildir/file_name.h"

namespace mta::maildir::test {

TEST_CASE("a delivery makes the maildir and stores header and content", "[maildir]")
{
    const Place place;
    Letter letter("4XQ1", "Subject: x\n\nbody\n");
    const auto delivered = deliver(place.path() + "/a/b/box/", letter.delivery);
    REQUIRE(delivered);
    CHECK_FALSE(delivered->was_there_before);
    const auto box = place.path() + "/a/b/box";
    REQUIRE(files_in(box + "/new") == std::vector{delivered->file_name});
    CHECK(files_in(box + "/tmp").empty());
    const std::string text = "Delivered-To: user@example.com\nSubject: x\n\nbody\n";
    CHECK(content_of(box + "/new/" + delivered->file_name) == text);
    const auto facts = facts_of(delivered->file_name);
    CHECK(facts.size == text.size());
    CHECK(facts.crlf_size == text.size() + 4);
    CHECK(delivered->file_name.find(".mx.example.com,") != std::string::npos);
    struct stat status {};
    REQUIRE(::stat((box + "/new").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("a delivery into a Maildir++ folder marks it as one", "[maildir]")
{
    const Place place;
    REQUIRE(deliver(place.box() + "/.Lists/", Letter("4XQ1", "x\n").delivery));
    CHECK(exists(place.box() + "/.Lists/maildirfolder"));
    CHECK_FALSE(exists(place.box() + "/maildirfolder"));
}

TEST_CASE("big messages arrive whole", "[maildir]")
{
    const Place place;
    for (std::size_t size : {0u, 1u, 262144u, 262143u, 262145u, 3'000'000u}) {
        std::string text;
        while (text.size() < size)
            text += std::string(70, static_cast<char>('a' + text.size() % 23)) + (text.size() % 2 ? "\r\n" : "\n");
        text.resize(size);
        Letter letter(cat("Q", size), text);
        const auto delivered = deliver(place.box(), letter.delivery);
        REQUIRE(delivered);
        const auto whole = letter.delivery.header + text;
        CHECK(content_of(place.box() + "/new/" + delivered->file_name) == whole);
        bool after_cr = false;
        CHECK(facts_of(delivered->file_name).crlf_size == count_crlf(whole, after_cr));
    }
}

TEST_CASE("a retry finds the copy, also when the user has moved or deleted it", "[maildir]")
{
    const Place place;
    Letter letter("4XQ1", "x\n"), other_recipient("4XQ1", "x\n", "other@example.com"), other_mail("4XQ2", "x\n");
    const auto first = deliver(place.box(), letter.delivery);
    REQUIRE(first);
    CHECK(deliver(place.box(), letter.delivery)->was_there_before);
    std::filesystem::rename(place.box() + "/new/" + first->file_name, place.box() + "/cur/" + first->file_name + ":2,S");
    CHECK(deliver(place.box(), letter.delivery)->was_there_before);
    std::filesystem::remove(place.box() + "/cur/" + first->file_name + ":2,S");
    CHECK(deliver(place.box(), letter.delivery)->was_there_before);
    CHECK(files_in(place.box() + "/new").empty());
    CHECK_FALSE(deliver(place.box(), other_recipient.delivery)->was_there_before);
    CHECK_FALSE(deliver(place.box(), other_mail.delivery)->was_there_before);
}

TEST_CASE("a copy that another mail has brought is known also at the first try", "[maildir]")
{
    const Place place;
    Letter letter("4XQ1", "x\n");
    letter.delivery.is_first_try = letter.delivery.has_sibling = true;
    REQUIRE(deliver(place.box(), letter.delivery));
    const auto again = deliver(place.box(), letter.delivery);
    REQUIRE(again);
    CHECK(again->was_there_before);
    CHECK(files_in(place.box() + "/new").size() == 1);
}

TEST_CASE("without a delivery log the copy is found by its name", "[maildir]")
{
    const Place place;
    Letter letter("4XQ1", "x\n");
    const auto first = deliver(place.box(), letter.delivery);
    REQUIRE(first);
    std::filesystem::remove(place.box() + "/buuta-deliveries");
    const auto again = deliver(place.box(), letter.delivery);
    CHECK(again->was_there_before);
    CHECK(again->file_name == first->file_name);
    std::filesystem::rename(place.box() + "/new/" + first->file_name, place.box() + "/cur/" + first->file_name + ",U=3:2,S");
    std::filesystem::remove(place.box() + "/buuta-deliveries");
    CHECK(deliver(place.box(), letter.delivery)->was_there_before);
    CHECK(files_in(place.box() + "/new").empty());
}

TEST_CASE("the log remembers a thousand deliveries and does not grow for ever", "[maildir]")
{
    const Place place;
    const auto log = place.box() + "/buuta-deliveries";
    REQUIRE(deliver(place.box(), Letter("first", "x\n").delivery));
    std::string lines;
    for (int i = 0; i < 3999; ++i) {
        const auto id = delivery_id(cat("Q", i), "user@example.com");
        lines += cat(id, " d\n");
    }
    {
        const Fd fd(::open(log.c_str(), O_WRONLY | O_APPEND));
        REQUIRE(write_all(fd.get(), lines));
    }
    REQUIRE(deliver(place.box(), Letter("last", "x\n").delivery));
    CHECK(std::filesystem::file_size(log) <= 20'000);
    CHECK(deliver(place.box(), Letter("last", "x\n").delivery)->was_there_before);
    CHECK(deliver(place.box(), Letter("Q3998", "x\n").delivery)->was_there_before);
    CHECK(deliver(place.box(), Letter("Q3002", "x\n").delivery)->was_there_before);
    CHECK_FALSE(deliver(place.box(), Letter("Q5", "x\n").delivery)->was_there_before);
    write_file(log, std::string(100, '\0') + delivery_id("Z", "user@example.com") + " d");  // torn: says nothing
    CHECK_FALSE(deliver(place.box(), Letter("Z", "x\n").delivery)->was_there_before);
}

TEST_CASE("the log does not grow for ever when all is delivered at the first try", "[maildir]")
{
    const Place place;
    Letter letter("Q", "x\n");
    REQUIRE(deliver(place.box(), letter.delivery));
    std::string lines;
    for (int i = 0; i < 4000; ++i)
        lines += cat(delivery_id(cat("Q", i), "user@example.com"), " d\n");
    write_file(place.box() + "/buuta-deliveries", lines + lines);
    letter.delivery.is_first_try = true;
    for (int i = 0; i < 3000 && std::filesystem::file_size(place.box() + "/buuta-deliveries") > 100'000; ++i) {
        letter.delivery.queue_id = cat("R", i);
        REQUIRE(deliver(place.box(), letter.delivery));
    }
    CHECK(std::filesystem::file_size(place.box() + "/buuta-deliveries") < 100'000);
}

TEST_CASE("a first delivery takes 13 system calls with 2 syncs, a retry a look at three directories more", "[maildir]")
{
    const Place place;
    Letter warm_up("Q0", std::string(4096, 'x')), retry("Q1", std::string(4096, 'x')), first("Q2", std::string(4096, 'x'));
    first.delivery.is_first_try = true;
    REQUIRE(deliver(place.box(), warm_up.delivery));
    CHECK(trace([&] { (void)deliver(place.box(), retry.delivery); }).size() <= 31);
    const auto calls = trace([&] { (void)deliver(place.box(), first.delivery); });
    CHECK(calls.size() <= 13);
    CHECK(std::count(calls.begin(), calls.end(), SYS_fsync) == 2);
    CHECK(files_in(place.box() + "/new").size() == 3);
    // The content is durable before it has a name, and the name before we say so.
    const auto name = std::find(calls.begin(), calls.end(), SYS_renameat2);
    CHECK(std::find(calls.begin(), name, SYS_fsync) != name);
    CHECK(std::find(name, calls.end(), SYS_fsync) != calls.end());
}

TEST_CASE("a delivery that is killed at any step and tried again is there exactly once", "[maildir][crash]")
{
    Place place;
    const std::string text = "Subject: x\n\n" + std::string(5000, 'y') + "\n";
    Letter letter("4XQ1", text), neighbour("4XQ0", "old\n");
    const auto prepare = [&] {
        std::filesystem::remove_all(place.box());
        REQUIRE(deliver(place.box(), neighbour.delivery));
    };
    const auto kill_it = [&] { (void)deliver(place.box(), letter.delivery); };
    SECTION("nobody looked meanwhile")
    {
        kill_at_every_step(prepare, kill_it, [&](bool) {
            REQUIRE(deliver(place.box(), letter.delivery));
            const auto files = files_in(place.box() + "/new");
            REQUIRE(files.size() == 2);
            CHECK(files_in(place.box() + "/tmp").empty());
            CHECK(std::count_if(files.begin(), files.end(), [&](auto& name) {
                      return content_of(place.box() + "/new/" + name) == letter.delivery.header + text;
                  }) == 1);
        });
    }
    SECTION("the user has read and deleted all that was there")
    {
        kill_at_every_step(prepare, kill_it, [&](bool finished) {
            const auto box = open_box(place.box());
            auto folder = open_folder(*box);
            const auto seen_before = folder->messages().size();
            REQUIRE(folder->expunge(uids_of(*folder)));
            const auto again = deliver(place.box(), letter.delivery);
            REQUIRE(again);
            CHECK(seen_before - 1 + files_in(place.box() + "/new").size() == 1);
            CHECK((!finished || again->was_there_before));
        });
    }
    SECTION("and the machine was started again")
    {
        kill_at_every_step(prepare, kill_it, [&](bool) {
            std::filesystem::remove(place.box() + "/buuta-deliveries");
            REQUIRE(deliver(place.box(), letter.delivery));
            CHECK(files_in(place.box() + "/new").size() == 2);
        });
    }
}

TEST_CASE("two processes that deliver the same message at once leave one copy", "[maildir]")
{
    const Place place;
    REQUIRE(deliver(place.box(), Letter("warm", "x\n").delivery));
    for (int round = 0; round < 30; ++round) {
        Letter letter(cat("Q", round), "text\n");
        std::vector<pid_t> children;
        for (int i = 0; i < 3; ++i) {
            children.push_back(::fork());
            if (children.back() == 0)
                ::_exit(deliver(place.box(), letter.delivery) ? 0 : 1);
        }
        for (pid_t child : children) {
            int status = 0;
            ::waitpid(child, &status, 0);
            REQUIRE(status == 0);
        }
    }
    CHECK(files_in(place.box() + "/new").size() == 31);
}

TEST_CASE("a delivery that fails keeps nothing, and its retry delivers", "[maildir]")
{
    const Place place;
    Letter letter("4XQ1", std::string(100'000, 'x'));
    SECTION("file too large stands for every failed write")
    {
        REQUIRE(deliver(place.box(), Letter("Q0", "x\n").delivery));
        const pid_t child = ::fork();
        if (child == 0) {
            ::signal(SIGXFSZ, SIG_IGN);
            const rlimit limit{50'000, 50'000};
            ::setrlimit(RLIMIT_FSIZE, &limit);
            const auto delivered = deliver(place.box(), letter.delivery);
            ::_exit(!delivered && delivered.error().status == "4.3.0" ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(status == 0);
        CHECK(files_in(place.box() + "/tmp").empty());
        CHECK(files_in(place.box() + "/new").size() == 1);
        CHECK_FALSE(deliver(place.box(), letter.delivery)->was_there_before);
        CHECK(files_in(place.box() + "/new").size() == 2);
    }
    SECTION("content that is shorter than it should be")
    {
        letter.delivery.size += 1000;
        const auto delivered = deliver(place.box(), letter.delivery);
        REQUIRE_FALSE(delivered);
        CHECK_FALSE(delivered.error().is_permanent());
        CHECK(files_in(place.box() + "/tmp").empty());
        CHECK(files_in(place.box() + "/new").empty());
    }
    SECTION("something else stands where the maildir should be")
    {
        write_file(place.box(), "a file\n");
        const auto delivered = deliver(place.box(), letter.delivery);
        REQUIRE_FALSE(delivered);
        CHECK(delivered.error().status.starts_with("4."));
        CHECK(content_of(place.box()) == "a file\n");
    }
    SECTION("no permission")
    {
        if (::geteuid() == 0)
            return;
        std::filesystem::create_directory(place.box());
        ::chmod(place.box().c_str(), 0500);
        CHECK(deliver(place.box(), letter.delivery).error().status == "4.2.0");
        ::chmod(place.box().c_str(), 0700);
    }
}

}  // namespace mta::maildir::test
