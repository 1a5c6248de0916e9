#pragma once

#include <functional>
#include <string>
#include <vector>

#include "imap/search.h"
#include "imapd/message_text.h"
#include "maildir/mailbox.h"

namespace mta::imapd {

// A search made ready for one view of a folder: sets resolved, texts folded, what is cheap to know asked first.
class Matcher {
public:
    // Gives a message's text, or its header at least; null when it cannot be had.
    using OpenText = std::function<MessageText*(maildir::Uid, bool is_header_enough)>;

    Matcher(const imap::SearchKey& key, maildir::Folder& folder, OpenText open_text);

    // Whether the message at this place matches.
    bool matches(std::size_t place);

private:
    struct Prepared {
        imap::SearchKey::Kind kind;
        const imap::SearchKey* key;
        std::vector<imap::Range> ranges;
        std::string value;               // folded
        maildir::Keywords keyword = 0;   // its bit
        std::vector<Prepared> keys;
        int cost = 0;
    };
    Prepared prepare(const imap::SearchKey& key) const;
    bool matches(const Prepared& key, std::size_t place);
    bool matches_text(const Prepared& key, const maildir::Message& message);
    bool matches_date(const Prepared& key, const maildir::Message& message);
    bool matches_size(const Prepared& key, const maildir::Message& message);

    maildir::Folder& folder_;
    OpenText open_text_;
    Prepared root_;
};

}  // namespace mta::imapd
