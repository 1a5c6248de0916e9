#include "base/text.h"
#include "imapd/session.h"

namespace mta::imapd {

namespace {

struct StoreRequest {
    imap::SequenceSet set;
    maildir::FlagChange change = maildir::FlagChange::replace;
    bool is_silent = false;
    imap::Flags flags;
};

StoreRequest parse_store(imap::Parser& arguments)
{
    StoreRequest request;
    arguments.space();
    request.set = arguments.sequence_set();
    arguments.space();
    if (arguments.take('+'))
        request.change = maildir::FlagChange::add;
    else if (arguments.take('-'))
        request.change = maildir::FlagChange::remove;
    request.is_silent = arguments.take_word("FLAGS.SILENT");
    if (!request.is_silent && !arguments.take_word("FLAGS"))
        arguments.fail("FLAGS, +FLAGS or -FLAGS was expected");
    arguments.space();
    request.flags = arguments.flag_list(true);
    return request;
}

}  // namespace

// RFC 3501 section 6.4.6.
void Session::store(imap::Parser& arguments)
{
    auto request = parse_store(arguments);
    if (are_arguments_bad(arguments) || is_read_only())
        return;
    auto places = find_messages(request.set);
    if (!places)
        return;
    auto gone = folder_->change_flags(uids_of(*places), request.change, request.flags.system, request.flags.keywords);
    if (!gone)
        return no(gone.error());
    has_unsynced_flags_ = true;
    tell_new_keywords();
    std::size_t next_gone = 0;
    for (auto place : *places) {
        auto uid = folder_->messages()[place].uid;
        bool is_gone = next_gone < gone->size() && (*gone)[next_gone] == uid;
        next_gone += is_gone;
        if (!is_gone && !request.is_silent)
            tell_flags(place, is_uid_command_);
    }
    // RFC 2180 section 4.2; UIDs that do not exist are no error.
    bool is_told = !gone->empty() && !is_uid_command_;
    ok(is_told ? "[EXPUNGEISSUED] Some of the messages were expunged by others" : "STORE completed");
}

}  // namespace mta::imapd
