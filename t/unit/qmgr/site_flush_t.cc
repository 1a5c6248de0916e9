#include "qmgr/site_flush.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "queue/id.h"

using namespace mta;
using namespace std::chrono_literals;

TEST_CASE("a site's mail is looked for in small steps between other events", "[qmgr]")
{
    char name[] = "/tmp/buuta-site-XXXXXX";
    std::string root = ::mkdtemp(name);
    REQUIRE(queue::Directory::create(root));
    {
        queue::Directory directory(root);
        qmgr::DueHeap due;
        std::set<std::string> wanted;
        for (int i = 0; i < 100; ++i) {
            queue::Envelope envelope;
            envelope.queue_id = queue::new_id();
            envelope.recipients.push_back({i % 10 == 0 ? "a@Site.example" : "a@other.example", "", "", ""});
            auto writer = directory.add(envelope);
            REQUIRE(writer);
            REQUIRE(writer->commit());
            REQUIRE(directory.move(envelope.queue_id, queue::State::incoming, queue::State::deferred));
            due.add(envelope.queue_id, queue::State::deferred, 4000000000 - i);
            if (i % 10 == 0)
                wanted.insert(envelope.queue_id);
        }
        mta::event::Loop loop;
        std::set<std::string> found;
        int other_events = 0;
        qmgr::SiteFlush flush(loop, due, directory, [&] {
            while (due.next_due() < 3000000000)
                found.insert(due.take_first().id);
        });
        REQUIRE(flush.add("site.EXAMPLE"));
        CHECK(flush.add("nobody.example"));
        CHECK(flush.add("nobody.example"));
        mta::event::Timer timer(loop, [&] {
            if (++other_events > 1000 || found.size() == wanted.size())
                return loop.stop();
            timer.start(0ms);
        });
        timer.start(0ms);
        loop.run();
        CHECK(found == wanted);
        CHECK(other_events >= 5);
    }
    std::filesystem::remove_all(root);
}
