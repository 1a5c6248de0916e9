#include "queue/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "ipc/message.h"
#include "queue/id.h"
#include "t/unit/queue/fixture.h"

using namespace mta;
using namespace mta::queue;
using queue_test::TemporaryQueue;

namespace {

Envelope envelope(const std::string& id = new_id())
{
    Envelope e;
    e.queue_id = id;
    e.reverse_path = "a@sender.example";
    e.arrival = 1700000000123456;
    e.recipients = {{"one@x.example", "", "", ""}, {"two@x.example", "alias@x.example", "rfc822;alias@x.example", "NEVER"}};
    return e;
}

std::string add(Directory& directory, const std::string& content)
{
    auto mail = envelope();
    auto writer = directory.add(mail);
    REQUIRE(writer);
    REQUIRE(writer->write(content));
    REQUIRE(writer->commit());
    return mail.queue_id;
}

Mail read(Directory& directory, const std::string& id, State state = State::incoming)
{
    auto fd = directory.open(state, id);
    REQUIRE(fd);
    auto mail = Directory::read(fd->get());
    REQUIRE(mail);
    return *std::move(mail);
}

}  // namespace

TEST_CASE("queue IDs are sortable by time, unique and safe in paths", "[queue]")
{
    CHECK(new_id(1700000000000001, 5) < new_id(1700000000000002, 1));
    CHECK(new_id(1700000000999999, 5) < new_id(1700000001000000, 1));
    CHECK(new_id() != new_id());
    CHECK(is_id(new_id()));
    for (const char* bad : {"", ".", "../../etc/passwd", "4BcdFGHjkLz2345", "4BcdFGHjkLz23456A", "4BcdFGHjkL/23456"})
        CHECK_FALSE(is_id(bad));
}

TEST_CASE("a mail comes out of its file as it went in, small and large", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    for (std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{65000}, std::size_t{66000}, std::size_t{1000000}}) {
        std::string content(size, 'x');
        auto id = add(directory, content);
        auto mail = read(directory, id);
        CHECK(mail.envelope.queue_id == id);
        CHECK(mail.envelope.reverse_path == "a@sender.example");
        CHECK(mail.envelope.arrival == 1700000000123456);
        REQUIRE(mail.envelope.recipients.size() == 2);
        CHECK(mail.envelope.recipients[1].original == "alias@x.example");
        CHECK(mail.envelope.recipients[1].notify == "NEVER");
        CHECK(mail.content_bytes == size);
        auto fd = *directory.open(State::incoming, id);
        CHECK(*read_at(fd.get(), mail.content_offset, size) == content);
        CHECK(Directory::verify_content(fd.get(), mail));
    }
}

TEST_CASE("an uncommitted mail leaves nothing behind", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    {
        auto writer = directory.add(envelope());
        REQUIRE(writer);
        REQUIRE(writer->write("content"));
    }
    CHECK(std::filesystem::is_empty(queue.root + "/incoming"));
}

TEST_CASE("outcomes and notes are appended, the latest counts", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = add(directory, "content\n");
    auto fd = *directory.open(State::incoming, id);
    REQUIRE(Directory::append(fd.get(), Outcome{0, "deferred", "4.4.1", "connect: refused", "", "", 1}, false));
    REQUIRE(Directory::append(fd.get(), Note{"delay_warning", 2}, true));
    REQUIRE(Directory::append(fd.get(), Outcome{0, "sent", "2.0.0", "ok", "mx", "250 ok", 3}, true));
    auto mail = read(directory, id);
    CHECK(mail.is_done(0));
    CHECK_FALSE(mail.is_done(1));
    CHECK(mail.outcomes[0]->text == "ok");
    CHECK(mail.has_note("delay_warning"));
}

// A crash may come between the two notifications: the second must still be sent then, and the first not again.
TEST_CASE("a note covers one kind of results, and only those before it", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    for (auto told : {successes_told, failures_told}) {
        auto id = add(directory, "content\n");
        auto fd = *directory.open(State::incoming, id);
        REQUIRE(Directory::append(fd.get(), Outcome{0, "sent", "2.0.0", "ok", "mx", "250 ok", 1}, true));
        REQUIRE(Directory::append(fd.get(), Outcome{1, "bounced", "5.1.1", "unknown", "mx", "550 no", 1}, true));
        REQUIRE(Directory::append(fd.get(), Note{std::string(told), 2}, true));
        auto mail = read(directory, id);
        CHECK(mail.outcomes[0]->notified == (told == successes_told));
        CHECK(mail.outcomes[1]->notified == (told == failures_told));
    }
    auto id = add(directory, "content\n");
    auto fd = *directory.open(State::incoming, id);
    REQUIRE(Directory::append(fd.get(), Note{std::string(failures_told), 1}, true));
    REQUIRE(Directory::append(fd.get(), Outcome{0, "expired", "4.4.1", "refused", "", "", 2}, true));
    CHECK_FALSE(read(directory, id).outcomes[0]->notified);
}

TEST_CASE("a file that cannot be read now is not damaged", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    for (std::size_t size : {std::size_t{100}, std::size_t{100000}}) {
        auto id = add(directory, std::string(size, 'x'));
        auto path = cat(queue.root, "/incoming/", id);
        auto mail = read(directory, id);
        Fd unreadable(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        auto failed = Directory::read(unreadable.get());
        REQUIRE_FALSE(failed);
        CHECK_FALSE(failed.error().is_permanent());
        auto unverified = Directory::verify_content(unreadable.get(), mail);
        REQUIRE_FALSE(unverified);
        CHECK_FALSE(unverified.error().is_permanent());
        REQUIRE(::truncate(path.c_str(), static_cast<off_t>(mail.content_offset + size)) == 0);
        auto cut = Directory::read(directory.open(State::incoming, id)->get());
        REQUIRE_FALSE(cut);
        CHECK(cut.error().is_permanent());
    }
}

TEST_CASE("a torn tail is ignored at every length, and cut off before more is appended", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = add(directory, "content\n");
    auto path = queue.root + "/incoming/" + id;
    auto whole = *read_file(path);
    auto record = encode_record(Type::outcome, ipc::pack(Outcome{1, "sent", "2.0.0", "ok", "", "", 3}).body());
    for (std::size_t have = 1; have < record.size(); ++have) {
        REQUIRE(replace_file(path, whole + record.substr(0, have), 0600));
        auto mail = read(directory, id);
        CHECK_FALSE(mail.is_done(1));
        auto fd = *directory.open(State::incoming, id);
        REQUIRE(Directory::trim(fd.get(), mail));
        REQUIRE(Directory::append(fd.get(), Outcome{0, "sent", "2.0.0", "ok", "", "", 3}, false));
        CHECK(read(directory, id).is_done(0));
    }
}

TEST_CASE("no damage of header, envelope or end goes unnoticed", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = add(directory, "content\n");
    auto path = queue.root + "/incoming/" + id;
    auto whole = *read_file(path);
    auto intact = read(directory, id);
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        REQUIRE(replace_file(path, damaged, 0600));
        auto fd = *directory.open(State::incoming, id);
        auto mail = Directory::read(fd.get());
        auto checked = mail ? Directory::verify_content(fd.get(), *mail) : Result<void>(mail.error());
        REQUIRE_FALSE(checked);
        CHECK(checked.error().is_permanent());
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
        REQUIRE(replace_file(path, whole.substr(0, size), 0600));
        CHECK_FALSE(Directory::read(directory.open(State::incoming, id)->get()));
    }
}

TEST_CASE("a mail that cannot be looked for is not taken for removed", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    CHECK_FALSE(directory.find(std::string(300, 'x')));  // too long for a file system
    auto nowhere = directory.find(new_id());
    REQUIRE(nowhere);
    CHECK(*nowhere == std::nullopt);
}

TEST_CASE("mail moves between the states and is found in each", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = add(directory, "content\n");
    REQUIRE(directory.move(id, State::incoming, State::active));
    REQUIRE(directory.move(id, State::active, State::deferred));
    CHECK(*directory.find(id) == State::deferred);
    CHECK(*directory.list(State::deferred) == std::vector<std::string>{id});
    CHECK_FALSE(directory.move(id, State::active, State::hold));
    REQUIRE(directory.set_due(id, State::deferred, 1900000000));
    CHECK(directory.due(id, State::deferred) == 1900000000);
    REQUIRE(directory.remove(id, State::deferred));
    CHECK(*directory.find(id) == std::nullopt);
}

TEST_CASE("a mail of the same queue ID is never overwritten", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = add(directory, "first\n");
    auto writer = directory.add(envelope(id));
    REQUIRE(writer);
    REQUIRE(writer->write("second\n"));
    CHECK_FALSE(writer->commit());
    auto fd = *directory.open(State::incoming, id);
    CHECK(*read_at(fd.get(), read(directory, id).content_offset, 6) == "first\n");
}

TEST_CASE("processes that commit at the same time share directory syncs", "[queue]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    std::vector<pid_t> children;
    for (int child = 0; child < 4; ++child) {
        pid_t pid = ::fork();
        if (pid == 0) {
            for (int i = 0; i < 20; ++i) {
                auto mail = envelope();
                auto writer = directory.add(mail);
                if (!writer || !writer->write("x\n") || !writer->commit())
                    ::_exit(1);
                if (child == 0 && i == 10)
                    ::_exit(0);
            }
            ::_exit(0);
        }
        children.push_back(pid);
    }
    for (auto pid : children) {
        int status = 0;
        REQUIRE(::waitpid(pid, &status, 0) == pid);
        CHECK(status == 0);
    }
    CHECK(directory.list(State::incoming)->size() == 71);
}
