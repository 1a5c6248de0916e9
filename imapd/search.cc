#include "imap/search.h"

#include <system_error>

#include "base/text.h"
#include "imapd/matcher.h"
#include "imapd/session.h"
#include "log/log.h"

namespace mta::imapd {

namespace {

bool goes_beyond(const imap::SearchKey& key, std::uint32_t count)
{
    if (key.kind == imap::SearchKey::Kind::sequence && key.set.goes_beyond(count))
        return true;
    for (const auto& inner : key.keys)
        if (goes_beyond(inner, count))
            return true;
    return false;
}

}  // namespace

// RFC 3501 section 6.4.4. The answer comes also when nothing was found.
void Session::search(imap::Parser& arguments)
{
    arguments.space();
    auto search = imap::parse_search(arguments);
    if (are_arguments_bad(arguments))
        return;
    if (search.has_unknown_charset)
        return no("[BADCHARSET (UTF-8 US-ASCII)] Unknown character set");
    const auto& messages = folder_->messages();
    // In an empty mailbox nothing is found; clients ask for 1:* without having looked.
    if (!messages.empty() && goes_beyond(search.key, static_cast<std::uint32_t>(messages.size())))
        return bad("There is no message with this number");
    bool is_some_unreadable = false;
    Matcher matcher(search.key, *folder_, [&](maildir::Uid uid, bool is_header_enough) {
        auto [text, told] = open_text(uid, is_header_enough ? Extent::header : Extent::whole);
        is_some_unreadable |= told == Told::unreadable;
        return text;
    });
    std::string answer = "SEARCH";
    for (std::size_t place = 0; place < messages.size(); ++place) {
        try {
            if (!messages[place].is_expunged && matcher.matches(place))
                answer += cat(" ", is_uid_command_ ? messages[place].uid : place + 1);
        } catch (const std::system_error& error) {
            log::warning("mailbox ", printable(folder_->name()), ": ", error.what());
            is_some_unreadable = true;
            last_text_.reset();
        }
    }
    untagged(answer);
    if (is_some_unreadable)
        return no("[SERVERBUG] Some of the messages cannot be read");
    ok("SEARCH completed");
}

}  // namespace mta::imapd
