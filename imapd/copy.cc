#include "base/text.h"
#include "imapd/session.h"

namespace mta::imapd {

namespace {

// RFC 4315 section 3: nothing if nothing was copied.
std::string copyuid(const maildir::Copied& copied)
{
    if (copied.uids.empty())
        return {};
    std::vector<maildir::Uid> from, to;
    for (auto [source, target] : copied.uids) {
        from.push_back(source);
        to.push_back(target);
    }
    return cat("[COPYUID ", copied.uid_validity, " ", imap::compact_set(from), " ", imap::compact_set(to), "] ");
}

struct CopyRequest {
    imap::SequenceSet set;
    std::string target;
};

CopyRequest parse_copy(imap::Parser& arguments)
{
    CopyRequest request;
    arguments.space();
    request.set = arguments.sequence_set();
    arguments.space();
    request.target = arguments.mailbox();
    return request;
}

}  // namespace

// RFC 3501 section 6.4.7: all or none.
void Session::copy(imap::Parser& arguments)
{
    auto request = parse_copy(arguments);
    if (are_arguments_bad(arguments))
        return;
    auto places = find_messages(request.set);
    if (!places)
        return;
    auto copied = folder_->copy(uids_of(*places), request.target);
    if (!copied)
        return no(copied.error(), "TRYCREATE");
    // RFC 2180 section 4.4; UIDs that do not exist are no error.
    if (!is_uid_command_ && copied->uids.empty())
        return no("[EXPUNGEISSUED] The messages were expunged by others");
    bool is_partly_gone = !is_uid_command_ && copied->uids.size() < places->size();
    ok(cat(copyuid(*copied), is_partly_gone ? "Some of the messages were expunged by others" : "COPY completed"));
}

// RFC 6851 section 3.3: COPYUID comes before the EXPUNGE responses.
void Session::move(imap::Parser& arguments)
{
    auto request = parse_copy(arguments);
    if (are_arguments_bad(arguments) || is_read_only())
        return;
    auto places = find_messages(request.set);
    if (!places)
        return;
    auto moved = folder_->move(uids_of(*places), request.target);
    if (!moved)
        return no(moved.error(), "TRYCREATE");
    if (!moved->uids.empty())
        untagged(cat("OK ", copyuid(*moved), "Moved"));
    keeps_numbers_ = false;
    ok("MOVE completed");
}

}  // namespace mta::imapd
