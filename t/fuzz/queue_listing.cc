// Covers: lib/queue/listing.cc lib/queue/id.cc
#include "queue/listing.h"

#include "base/text.h"
#include "t/fuzz/lib/json.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"
#include "t/fuzz/lib/target.h"
#include "queue/id.h"

// The list of the queue as showq sends it, as mailq shows it and as JSON.
namespace {

using namespace mta;

bool same(const queue::Listed& a, const queue::Listed& b)
{
    auto is_same = [](const auto& x, const auto& y) { return x.address == y.address && x.original == y.original && x.reason == y.reason; };
    return a.queue_name == b.queue_name && a.queue_id == b.queue_id && a.arrival == b.arrival && a.size == b.size && a.sender == b.sender &&
           a.forced_expire == b.forced_expire &&
           std::equal(a.recipients.begin(), a.recipients.end(), b.recipients.begin(), b.recipients.end(), is_same);
}

void check_texts(const queue::Listed& mail)
{
    queue::MailqFormat format;
    HOLDS(format.end() == "Mail queue is empty\n");
    auto text = format.mail(mail) + format.mail(mail) + format.end();
    HOLDS(text.find_first_of(std::string_view("\0\r\x1b", 3)) == std::string::npos);
    auto line = queue::json_line(mail);
    HOLDS(line.ends_with('\n') && line.find('\n') + 1 == line.size());
    std::string_view rest = line;
    fuzz::take_json(rest);
    HOLDS(rest == "\n");
}

void check_sent(const queue::Listed& mail)
{
    queue::Listed again;
    auto encoded = queue::encode(mail);
    auto taken = queue::decode(encoded, again);
    HOLDS(taken && *taken == encoded.size() && same(mail, again));
}

// A queue with one mail lists one, whatever its file holds.
void check_queue(std::string_view file)
{
    auto& directory = fuzz::queue_directory();
    fuzz::write_file(cat(directory.root(), "/", queue::Directory::path_of(queue::State::hold, "4jdNLX1XdBz1c9X7")), file);
    std::size_t listed = 0;
    HOLDS(queue::list_queue(directory, [&](const queue::Listed& mail) {
        ++listed;
        check_texts(mail);
        check_sent(mail);
    }));
    HOLDS(listed == 1);
}

// Names of mails are names, and in the order of time.
void check_ids(fuzz::Input in)
{
    auto earlier = static_cast<std::int64_t>(in.number(std::size_t{1} << 52)), later = static_cast<std::int64_t>(in.number(std::size_t{1} << 52));
    auto first = queue::new_id(std::min(earlier, later), in.number(65536)), last = queue::new_id(std::max(earlier, later), in.number(65536));
    HOLDS(queue::is_id(first) && queue::is_id(last) && first.substr(0, 11) <= last.substr(0, 11));
    HOLDS((first.substr(0, 11) == last.substr(0, 11)) == (earlier == later));
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    std::string_view rest = input;
    while (!rest.empty()) {
        queue::Listed mail;
        auto size = queue::decode(rest, mail);
        if (!size || *size == 0)
            break;
        HOLDS(*size <= rest.size());
        rest.remove_prefix(*size);
        check_texts(mail);
        check_sent(mail);
    }
    check_queue(input);
    check_ids(fuzz::Input(input));
    if (queue::is_id(input))
        HOLDS(queue::may_be_id(input) && input.find('/') == std::string_view::npos && input.front() != '.');
}
