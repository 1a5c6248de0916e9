#include <algorithm>

#include "base/text.h"
#include "imapd/session.h"
#include "log/log.h"

// SELECT and what it opens: the view of a mailbox, and what is told of its changes.
namespace mta::imapd {

using maildir::Expunge;

static_assert(int{imap::seen} == int{maildir::seen} && int{imap::answered} == int{maildir::answered} &&
              int{imap::flagged} == int{maildir::flagged} && int{imap::deleted} == int{maildir::deleted} &&
              int{imap::draft} == int{maildir::draft});

namespace {

std::size_t count_recent(const std::vector<maildir::Message>& messages)
{
    return static_cast<std::size_t>(std::count_if(messages.begin(), messages.end(), [](const auto& message) { return message.is_recent; }));
}

bool has_free_keyword(const std::vector<std::string>& keywords)
{
    return keywords.size() < maildir::max_keywords || std::count(keywords.begin(), keywords.end(), "") > 0;
}

}  // namespace

void Session::select(imap::Parser& arguments) { open_folder(arguments, false); }
void Session::examine(imap::Parser& arguments) { open_folder(arguments, true); }

// RFC 3501 section 6.3.1. A failed SELECT leaves no mailbox selected.
void Session::open_folder(imap::Parser& arguments, bool read_only)
{
    arguments.space();
    auto name = arguments.mailbox();
    if (are_arguments_bad(arguments))
        return;
    leave_folder();
    auto opened = mailbox_->open_folder(name, read_only);
    if (!opened)
        return no(opened.error());
    folder_ = std::move(*opened);
    tell_keywords();
    tell_counts();
    const auto& messages = folder_->messages();
    auto unseen = std::find_if(messages.begin(), messages.end(), [](const auto& message) { return !(message.flags & maildir::seen); });
    if (unseen != messages.end())
        untagged(cat("OK [UNSEEN ", unseen - messages.begin() + 1, "] The first unseen message"));
    untagged(cat("OK [UIDVALIDITY ", folder_->uid_validity(), "] UIDs are valid"));
    untagged(cat("OK [UIDNEXT ", folder_->uid_next(), "] The next UID"));
    if (!folder_->has_lasting_uids())  // RFC 4315 section 3
        untagged("NO [UIDNOTSTICKY] Non-persistent UIDs");
    client_.write(cat(tag_, " OK [READ-", folder_->is_read_only() ? "ONLY" : "WRITE", "] ", read_only ? "EXAMINE" : "SELECT", " completed\r\n"));
}

void Session::leave_folder()
{
    sync_folder();
    folder_.reset();
    last_text_.reset();
}

void Session::sync_folder()
{
    if (!folder_ || !std::exchange(has_unsynced_flags_, false))
        return;
    if (auto done = folder_->sync(); !done)
        log::warning("mailbox ", printable(folder_->name()), ": ", done.error().text);
}

bool Session::is_read_only()
{
    if (folder_->is_read_only())
        no("[READ-ONLY] The mailbox was opened by EXAMINE");
    return folder_->is_read_only();
}

void Session::check(imap::Parser& arguments)
{
    if (are_arguments_bad(arguments))
        return;
    sync_folder();
    ok("CHECK completed");
}

// RFC 3501 section 6.4.2: expunges without saying so.
void Session::close(imap::Parser& arguments)
{
    if (are_arguments_bad(arguments))
        return;
    if (!folder_->is_read_only()) {
        // Another session may have changed its mind.
        if (auto changes = folder_->refresh(Expunge::hold); !changes)
            return no(changes.error());
        std::vector<maildir::Uid> uids;
        for (const auto& message : folder_->messages())
            if (message.flags & maildir::deleted && !message.is_expunged)
                uids.push_back(message.uid);
        if (auto done = folder_->expunge(uids); !done)
            return no(done.error());
    }
    leave_folder();
    ok("CLOSE completed");
}

void Session::unselect(imap::Parser& arguments)
{
    if (are_arguments_bad(arguments))
        return;
    leave_folder();
    ok("UNSELECT completed");
}

// RFC 3501 section 6.4.3; with UID, RFC 4315 section 2.1: only those of the set.
void Session::expunge(imap::Parser& arguments)
{
    std::optional<imap::SequenceSet> set;
    if (is_uid_command_) {
        arguments.space();
        set = arguments.sequence_set();
    }
    if (are_arguments_bad(arguments) || is_read_only())
        return;
    tell_changes(Expunge::hold);  // flags that others have set count, too
    if (end_)
        return;
    const auto& messages = folder_->messages();
    auto ranges = set ? set->resolve(messages.empty() ? 0 : messages.back().uid) : std::vector<imap::Range>();
    std::vector<maildir::Uid> uids;
    for (const auto& message : messages)
        if (message.flags & maildir::deleted && !message.is_expunged && (!set || imap::contains(ranges, message.uid)))
            uids.push_back(message.uid);
    if (auto done = folder_->expunge(uids); !done)
        return no(done.error());
    keeps_numbers_ = false;
    ok("EXPUNGE completed");
}

void Session::tell_changes(Expunge expunge)
{
    if (!folder_)
        return;
    auto changes = folder_->refresh(expunge);
    if (changes)
        return tell(*changes);
    if (changes.error().status == maildir::no_such_folder) {
        folder_.reset();
        return bye(End::mailbox_gone, "The selected mailbox was deleted or renamed");
    }
    log::warning("mailbox ", printable(folder_->name()), ": ", changes.error().text);
}

void Session::tell(const maildir::Changes& changes)
{
    tell_new_keywords();
    for (const auto& gone : changes.expunged)
        untagged(cat(gone.sequence, " EXPUNGE"));
    for (auto uid : changes.changed)
        if (auto place = folder_->find(uid))
            tell_flags(*place, false);
    if (changes.added > 0)
        tell_counts();
}

void Session::tell_counts()
{
    const auto& messages = folder_->messages();
    untagged(cat(messages.size(), " EXISTS"));
    untagged(cat(count_recent(messages), " RECENT"));
}

// RFC 3501 section 7.2.6: a keyword is told before a message has it.
void Session::tell_new_keywords()
{
    if (folder_->keywords() != told_keywords_)
        tell_keywords();
}

void Session::tell_keywords()
{
    told_keywords_ = folder_->keywords();
    untagged(cat("FLAGS (", flag_names(false), ")"));
    auto permanent = folder_->is_read_only() ? std::string() : flag_names(has_free_keyword(told_keywords_) && folder_->has_lasting_uids());
    untagged(cat("OK [PERMANENTFLAGS (", permanent, ")] Flags that can be changed"));
}

std::string Session::flag_names(bool with_new_ones) const
{
    std::vector<std::string_view> names;
    for (const auto& keyword : folder_->keywords())
        if (!keyword.empty())
            names.push_back(keyword);
    if (with_new_ones)
        names.push_back("\\*");
    return imap::flags_text(0xff, false, names);
}

std::string Session::flags_of(const maildir::Message& message) const
{
    std::vector<std::string_view> names;
    const auto& keywords = folder_->keywords();
    for (std::size_t bit = 0; bit < keywords.size(); ++bit)
        if (message.keywords >> bit & 1)
            names.push_back(keywords[bit]);
    return imap::flags_text(message.flags, message.is_recent, names);
}

void Session::tell_flags(std::size_t place, bool with_uid)
{
    const auto& message = folder_->messages()[place];
    auto uid = with_uid ? cat("UID ", message.uid, " ") : std::string();
    untagged(cat(place + 1, " FETCH (", uid, "FLAGS (", flags_of(message), "))"));
}

std::optional<std::vector<std::size_t>> Session::find_messages(const imap::SequenceSet& set)
{
    const auto& messages = folder_->messages();
    std::vector<std::size_t> places;
    if (!is_uid_command_) {
        auto count = static_cast<std::uint32_t>(messages.size());
        if (set.goes_beyond(count)) {
            bad("There is no message with this number");
            return std::nullopt;
        }
        for (auto range : set.resolve(count))
            for (std::size_t number = range.first; number <= range.last; ++number)
                places.push_back(number - 1);
        return places;
    }
    auto next = messages.begin();
    for (auto range : set.resolve(messages.empty() ? 0 : messages.back().uid)) {
        next = std::lower_bound(next, messages.end(), range.first, [](const auto& message, maildir::Uid uid) { return message.uid < uid; });
        for (; next != messages.end() && next->uid <= range.last; ++next)
            places.push_back(static_cast<std::size_t>(next - messages.begin()));
    }
    return places;
}

std::vector<maildir::Uid> Session::uids_of(const std::vector<std::size_t>& places) const
{
    std::vector<maildir::Uid> uids;
    uids.reserve(places.size());
    for (auto place : places)
        uids.push_back(folder_->messages()[place].uid);
    return uids;
}

}  // namespace mta::imapd
