// Covers: lib/maildir/file_name.cc lib/maildir/remembered.cc
// Options: -rss_limit_mb=512
#include "base/text.h"
#include "t/fuzz/lib/target.h"
#include "maildir/file_name.h"
#include "maildir/mailbox.h"
#include "maildir/remembered.h"

// Names of message files that other programs gave, and the view of a folder as bytes that others have kept.
namespace {

using namespace mta;

void check_name(std::string_view name)
{
    auto parts = maildir::split_name(name);
    HOLDS(cat(parts.base, parts.suffix) == name);
    auto flags = maildir::flags_of(parts.suffix);
    for (std::uint8_t wanted : {0, 31, 5}) {
        auto suffix = maildir::with_flags(parts.suffix, wanted);
        HOLDS(maildir::flags_of(suffix) == wanted);
        HOLDS(maildir::with_flags(suffix, wanted) == suffix);
        auto again = cat(parts.base, suffix);
        HOLDS(maildir::flags_of(maildir::split_name(again).suffix) == wanted || parts.base.find("2,") != std::string_view::npos);
    }
    HOLDS(flags <= 31);
    auto facts = maildir::facts_of(parts.base);
    HOLDS(!facts.size || !facts.crlf_size || *facts.crlf_size >= *facts.size);
    auto id = maildir::id_of(name);
    HOLDS(id.empty() || id.size() == 16);
}

void check_own_name(std::string_view host)
{
    auto id = maildir::delivery_id("queue", host);
    auto base = maildir::make_base(1700000000, id, host, 5, 7);
    HOLDS(maildir::is_message_name(base) && base.find('/') == std::string::npos && maildir::id_of(base) == id);
    auto facts = maildir::facts_of(base);
    HOLDS(facts.date == 1700000000 && facts.size == 5u && facts.crlf_size == 7u && maildir::split_name(base).suffix.empty());
}

void check_view(std::string_view bytes)
{
    auto view = maildir::decode(bytes);
    if (!view)
        return;
    maildir::Uid last = 0;
    for (const auto& message : view->messages) {
        HOLDS(message.uid > last && message.uid < view->uid_next);
        last = message.uid;
    }
    if (view->messages.size() > 100000)
        return;  // some bytes can become millions: that is what it is for
    auto encoded = maildir::encode(*view, 1u << 20);
    HOLDS(encoded);
    auto again = maildir::decode(*encoded);
    HOLDS(again && maildir::encode(*again, 1u << 20) == encoded && again->messages.size() == view->messages.size());
}

}  // namespace

FUZZ(input)
{
    if (maildir::is_message_name(input))
        check_name(input);
    maildir::split_name(input);
    check_own_name(input);
    check_view(input);
}
