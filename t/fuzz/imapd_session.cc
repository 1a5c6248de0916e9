// Covers: imapd/session.cc imapd/selected.cc imapd/fetch.cc imapd/store.cc imapd/search.cc imapd/copy.cc imapd/append.cc imapd/mailboxes.cc imapd/matcher.cc imapd/text_search.cc imapd/message_text.cc
#include "imapd/session.h"

#include "base/text.h"
#include "t/fuzz/lib/imap_response.h"
#include "t/fuzz/lib/peer.h"
#include "t/fuzz/lib/scratch.h"

// A whole IMAP session of a user who has logged in, over a maildir of its own: whatever the client says, the server's words
// can be read by a client, and the mailbox can be opened again afterwards.
namespace {

using namespace mta;

const imapd::Params& params()
{
    static const auto config = *config::Config::parse("imapd_error_limit = 50\nimapd_command_size_limit = 16384\nmessage_size_limit = 8192\n");
    static const imapd::Params params(config);
    return params;
}

// Each folder that is there can be opened, and its messages are in order.
void check_mailbox(const std::string& root)
{
    auto mailbox = maildir::Mailbox::open(root);
    HOLDS(mailbox);
    auto folders = (*mailbox)->list();
    HOLDS(folders && !folders->empty());
    for (const auto& info : *folders) {
        if (!info.is_selectable)
            continue;
        auto folder = (*mailbox)->open_folder(info.name, true);
        HOLDS(folder);
        maildir::Uid last = 0;
        for (const auto& message : (*folder)->messages()) {
            HOLDS(message.uid > last && message.uid < (*folder)->uid_next());
            last = message.uid;
        }
    }
}

}  // namespace

FUZZ(input)
{
    fuzz::silence_log();
    ::setenv("TZ", "UTC", 1);
    fuzz::Input in(input);
    auto seed = in.number(256);
    auto root = fuzz::fresh_maildir();
    auto mailbox = maildir::Mailbox::open(root);
    HOLDS(mailbox);
    std::string heard;
    imapd::Session(params(), fuzz::stream_to(in.rest(), seed, heard), std::move(*mailbox)).run();
    fuzz::check_imap_responses(heard);
    check_mailbox(root);
}
