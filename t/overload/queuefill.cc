// queuefill DIRECTORY COUNT RECIPIENT STATE SECONDS [RECIPIENTS]: so many mails in a queue, written as the suite itself does:
// in incoming, or deferred and due in so many seconds. RECIPIENT has a number put before its "@" for each of RECIPIENTS.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "base/text.h"
#include "queue/directory.h"
#include "queue/id.h"

namespace mta {

namespace {

template <class T>
T checked(Result<T> result)
{
    if (!result)
        throw std::runtime_error(result.error().text);
    return *std::move(result);
}

void check(const Result<void>& result)
{
    if (!result)
        throw std::runtime_error(result.error().text);
}

// The files belong to whom the queue belongs to.
void become_owner(const std::string& root)
{
    struct stat status {};
    if (::stat(cat(root, "/incoming").c_str(), &status) != 0)
        throw_errno("stat the queue");
    if (::geteuid() == 0 && (::setegid(status.st_gid) != 0 || ::seteuid(status.st_uid) != 0))
        throw_errno("seteuid");
}

struct Wish {
    std::string recipient;
    bool is_deferred = false;
    std::int64_t seconds = 0;
    long recipients = 1;
};

std::string add(queue::Directory& queue, const Wish& wish)
{
    queue::Envelope envelope;
    envelope.queue_id = queue::new_id();
    envelope.reverse_path = "sender@client.example.test";
    envelope.arrival = queue::now();
    auto at = wish.recipient.rfind('@');
    for (long i = 0; i < wish.recipients; ++i)
        envelope.recipients.push_back({wish.recipients == 1 ? wish.recipient : cat(wish.recipient.substr(0, at), i, wish.recipient.substr(at)), "", "", ""});
    auto writer = checked(queue.add(envelope));
    check(writer.write("Subject: overload\n\nx\n"));
    check(writer.commit());
    return envelope.queue_id;
}

void fill(const std::string& root, long count, const Wish& wish)
{
    become_owner(root);
    queue::Directory queue(root);
    for (long i = 0; i < count; ++i) {
        auto id = add(queue, wish);
        if (!wish.is_deferred)
            continue;
        check(queue.set_due(id, queue::State::incoming, queue::now() / 1000000 + wish.seconds));
        check(queue.move(id, queue::State::incoming, queue::State::deferred));
    }
}

}  // namespace

}  // namespace mta

int main(int argc, char** argv)
{
    try {
        if (argc < 6)
            throw std::runtime_error("usage: queuefill DIRECTORY COUNT RECIPIENT incoming|deferred SECONDS [RECIPIENTS]");
        mta::Wish wish{argv[3], argv[4] == std::string("deferred"), std::stol(argv[5]), argc > 6 ? std::stol(argv[6]) : 1};
        mta::fill(argv[1], std::stol(argv[2]), wish);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "queuefill: %s\n", error.what());
        return 1;
    }
}
