#include "queue/stock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "queue/id.h"
#include "t/unit/queue/fixture.h"

using namespace mta;
using namespace mta::queue;
using queue_test::TemporaryQueue;

namespace {

Envelope envelope()
{
    Envelope e;
    e.queue_id = new_id();
    e.reverse_path = "a@sender.example";
    e.recipients = {{"one@x.example", "", "", ""}};
    return e;
}

std::string add(Directory& directory, Stock& stock)
{
    auto mail = envelope();
    auto writer = directory.add(mail, stock);
    REQUIRE(writer);
    REQUIRE(writer->write("content\n"));
    REQUIRE(writer->commit());
    return mail.queue_id;
}

// A mail that is complete in a prepared file, as a writer leaves it that dies before the last step.
std::string left_behind(Directory& directory, TemporaryQueue& queue)
{
    Stock stock(directory);
    auto id = add(directory, stock);
    std::filesystem::rename(queue.path(id), queue.path(".p" + new_id()));
    return id;
}

void make_old(const std::string& path)
{
    timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("mails take prepared files first, and their own when there is none", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    Stock stock(directory);
    std::vector<std::string> ids;
    for (int i = 0; i < 12; ++i) {
        ids.push_back(add(directory, stock));
        stock.refill();
    }
    CHECK(*directory.list(State::incoming) == ids);
    for (const auto& id : ids) {
        auto mail = Directory::read(directory.open(State::incoming, id)->get());
        REQUIRE(mail);
        CHECK(mail->envelope.queue_id == id);
    }
}

TEST_CASE("a stock grows with its use up to eight files, and leaves none behind", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    {
        Stock stock(directory);
        std::size_t most = 0;
        for (int i = 0; i < 40; ++i) {
            stock.refill();
            stock.refill();
            auto before = queue.incoming().size();
            most = std::max(most, before);
            auto id = add(directory, stock);
            CHECK(queue.incoming().size() == before);
            REQUIRE(directory.remove(id, State::incoming));
        }
        CHECK(most == 8);
    }
    CHECK(queue.incoming().empty());
}

TEST_CASE("a mail that is cancelled takes its prepared file with it", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    Stock stock(directory);
    stock.refill();
    {
        auto writer = directory.add(envelope(), stock);
        REQUIRE(writer);
        REQUIRE(writer->write("content"));
    }
    CHECK(queue.incoming().empty());
}

TEST_CASE("a complete prepared file without an owner is a mail", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = left_behind(directory, queue);
    CHECK(directory.list(State::incoming)->empty());
    directory.settle_leftovers(3600);
    CHECK(*directory.list(State::incoming) == std::vector<std::string>{id});
    CHECK(queue.incoming() == std::vector<std::string>{id});
}

TEST_CASE("what is in the queue already is not taken a second time", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = left_behind(directory, queue);
    std::filesystem::copy_file(queue.path(queue.incoming().front()), queue.root + "/active/" + id);
    directory.settle_leftovers(3600);
    CHECK(queue.incoming().empty());
    CHECK(*directory.find(id) == State::active);
}

TEST_CASE("an incomplete prepared file vanishes when it is old enough", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    left_behind(directory, queue);
    auto path = queue.path(queue.incoming().front());
    auto cut = GENERATE(std::size_t{0}, std::size_t{20}, std::size_t{60});
    REQUIRE(replace_file(path, read_file(path)->substr(0, cut), 0600));
    directory.settle_leftovers(3600);
    CHECK(queue.incoming().size() == 1);
    make_old(path);
    directory.settle_leftovers(3600);
    CHECK(queue.incoming().empty());
}

TEST_CASE("a prepared file of a living process is left alone", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    Stock stock(directory);
    stock.refill();
    make_old(queue.path(queue.incoming().front()));
    Directory other(queue.root);
    other.settle_leftovers(0);
    CHECK(queue.incoming().size() == 1);
    add(directory, stock);
}

TEST_CASE("a complete prepared file with damaged content is kept as corrupt", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    auto id = left_behind(directory, queue);
    auto path = queue.path(queue.incoming().front());
    auto bytes = *read_file(path);
    auto at = bytes.find("content\n");
    bytes[at] = 'C';
    REQUIRE(replace_file(path, bytes, 0600));
    directory.settle_leftovers(3600);
    CHECK(*directory.find(id) == State::corrupt);
    CHECK(queue.incoming().empty());
}

TEST_CASE("a mail that somebody else settles in its last moment is accepted all the same", "[queue][stock]")
{
    TemporaryQueue queue;
    Directory directory(queue.root);
    Stock stock(directory);
    stock.refill();
    auto mail = envelope();
    auto writer = directory.add(mail, stock);
    REQUIRE(writer);
    REQUIRE(writer->write("content\n"));
    std::filesystem::rename(queue.path(queue.incoming().front()), queue.path(mail.queue_id));
    CHECK(writer->commit());
    CHECK(*directory.list(State::incoming) == std::vector<std::string>{mail.queue_id});
}
