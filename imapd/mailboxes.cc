#include <algorithm>
#include <set>

#include "base/text.h"
#include "imap/pattern.h"
#include "imap/utf7.h"
#include "imap/write.h"
#include "imapd/session.h"

// Commands for mailboxes by name: LIST, CREATE, STATUS and their like.
namespace mta::imapd {

namespace {

std::string list_line(std::string_view response, std::string_view attributes, std::string_view name)
{
    std::string line = cat(response, " (", attributes, ") \".\" ");
    imap::append_string(line, name);
    return line;
}

std::string attributes_of(const maildir::FolderInfo& folder)
{
    std::string out = folder.has_children ? "\\HasChildren" : "\\HasNoChildren";
    if (!folder.is_selectable)
        out = cat("\\Noselect ", out);
    if (!folder.special_use.empty())
        out += cat(" ", folder.special_use);
    return out;
}

// RFC 3501 section 6.3.8: the reference is put before the name.
struct ListRequest {
    std::string reference, pattern;
    std::string whole() const
    {
        bool is_doubled = reference.ends_with(maildir::separator) && pattern.starts_with(maildir::separator);
        return reference + pattern.substr(is_doubled ? 1 : 0);
    }
};

ListRequest parse_list(imap::Parser& arguments)
{
    ListRequest request;
    arguments.space();
    request.reference = arguments.mailbox();
    arguments.space();
    request.pattern = arguments.list_pattern();
    return request;
}

// Names come in modified UTF-7 and in no other form, so that each is written in one way only.
std::optional<std::string> wrong_name(std::string_view name)
{
    auto utf8 = imap::decode_utf7(name);
    if (!utf8)
        return "[CANNOT] A mailbox name must be in modified UTF-7";
    if (std::any_of(utf8->begin(), utf8->end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }))
        return "[CANNOT] A mailbox name cannot contain control characters";
    return std::nullopt;
}

// RFC 6154 section 3: CREATE name (USE (\Sent \Archive)).
std::vector<std::string> parse_special_uses(imap::Parser& arguments)
{
    std::vector<std::string> uses;
    if (!arguments.take(' '))
        return uses;
    arguments.expect('(');
    if (!arguments.take_word("USE"))
        arguments.fail("USE was expected");
    arguments.space();
    arguments.expect('(');
    while (!arguments.failed() && !arguments.take(')')) {
        if (!uses.empty())
            arguments.space();
        arguments.expect('\\');
        uses.push_back(cat("\\", arguments.atom()));
    }
    arguments.expect(')');
    return uses;
}

// The one that is asked for, or nothing if it is unknown; a mailbox can have one.
std::optional<std::string_view> known_special_use(const std::vector<std::string>& uses)
{
    if (uses.empty())
        return std::string_view();
    if (uses.size() > 1)
        return std::nullopt;
    const auto& use = uses.front();
    for (std::string_view known : {"\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash", "\\Flagged", "\\All"})
        if (iequals(known, use))
            return known;
    return std::nullopt;
}

// RFC 3501 section 6.3.10.
std::vector<std::string> parse_status_items(imap::Parser& arguments)
{
    std::vector<std::string> items;
    arguments.expect('(');
    do {
        items.push_back(upper(arguments.atom()));
        bool is_known = false;
        for (std::string_view known : {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"})
            is_known |= items.back() == known;
        if (!is_known)
            arguments.fail("Unknown STATUS item");
    } while (arguments.take(' '));
    arguments.expect(')');
    return items;
}

std::uint32_t status_value(const maildir::Status& status, std::string_view item)
{
    if (item == "MESSAGES")
        return status.messages;
    if (item == "RECENT")
        return status.recent;
    if (item == "UIDNEXT")
        return status.uid_next;
    return item == "UIDVALIDITY" ? status.uid_validity : status.unseen;
}

}  // namespace

void Session::list(imap::Parser& arguments)
{
    auto request = parse_list(arguments);
    if (are_arguments_bad(arguments))
        return;
    if (request.pattern.empty()) {  // asks for the separator
        untagged(list_line("LIST", "\\Noselect", ""));
        return ok("LIST completed");
    }
    auto folders = mailbox_->list();
    if (!folders)
        return no(folders.error());
    auto pattern = request.whole();
    for (const auto& folder : *folders)
        if (imap::matches(pattern, folder.name, maildir::separator))
            untagged(list_line("LIST", attributes_of(folder), folder.name));
    ok("LIST completed");
}

// RFC 3501 section 6.3.9: with "%" the parents of subscribed names come, too, as \Noselect.
void Session::lsub(imap::Parser& arguments)
{
    auto request = parse_list(arguments);
    if (are_arguments_bad(arguments))
        return;
    auto pattern = request.whole();
    auto names = mailbox_->subscriptions();
    std::set<std::string> parents;
    for (const auto& name : names) {
        if (imap::matches(pattern, name, maildir::separator)) {
            untagged(list_line("LSUB", "", name));
            continue;
        }
        for (auto dot = name.rfind(maildir::separator); dot != std::string::npos && dot > 0; dot = name.rfind(maildir::separator, dot - 1))
            if (pattern.ends_with('%') && imap::matches(pattern, name.substr(0, dot), maildir::separator))
                parents.insert(name.substr(0, dot));
    }
    for (const auto& parent : parents)
        if (!std::binary_search(names.begin(), names.end(), parent))
            untagged(list_line("LSUB", "\\Noselect", parent));
    ok("LSUB completed");
}

// RFC 2342.
void Session::namespaces(imap::Parser& arguments)
{
    if (are_arguments_bad(arguments))
        return;
    untagged("NAMESPACE ((\"\" \".\")) NIL NIL");
    ok("NAMESPACE completed");
}

// The selected mailbox's status is what this session has been told of it.
std::optional<maildir::Status> Session::status_of(const std::string& name)
{
    if (!folder_ || folder_->name() != name) {
        auto status = mailbox_->status(name);
        if (!status)
            no(status.error());
        return status ? std::optional(*status) : std::nullopt;
    }
    tell_changes(maildir::Expunge::hold);
    if (end_)
        return std::nullopt;
    maildir::Status status;
    for (const auto& message : folder_->messages()) {
        status.recent += message.is_recent;
        status.unseen += !(message.flags & maildir::seen);
    }
    status.messages = static_cast<std::uint32_t>(folder_->messages().size());
    status.uid_next = folder_->uid_next();
    status.uid_validity = folder_->uid_validity();
    return status;
}

void Session::status(imap::Parser& arguments)
{
    arguments.space();
    auto name = arguments.mailbox();
    arguments.space();
    auto items = parse_status_items(arguments);
    if (are_arguments_bad(arguments))
        return;
    auto status = status_of(name);
    if (!status)
        return;
    std::string line = "STATUS ";
    imap::append_string(line, name);
    char before = '(';
    line.push_back(' ');
    for (const auto& item : items) {
        line += cat(before, item, " ", status_value(*status, item));
        before = ' ';
    }
    untagged(line + ")");
    ok("STATUS completed");
}

// RFC 3501 section 6.3.3: a separator at the end only says that there will be mailboxes below.
void Session::create(imap::Parser& arguments)
{
    arguments.space();
    auto name = arguments.mailbox();
    auto uses = parse_special_uses(arguments);
    if (are_arguments_bad(arguments))
        return;
    if (name.ends_with(maildir::separator))
        name.pop_back();
    if (auto why = wrong_name(name))
        return no(*why);
    auto known_use = known_special_use(uses);
    if (!known_use)
        return no("[USEATTR] A mailbox can have one special use, of those in RFC 6154");
    if (auto done = mailbox_->create(name, *known_use); !done)
        return no(done.error());
    ok("CREATE completed");
}

void Session::remove(imap::Parser& arguments)
{
    arguments.space();
    auto name = arguments.mailbox();
    if (are_arguments_bad(arguments))
        return;
    if (auto done = mailbox_->remove(name); !done)
        return no(done.error());
    if (folder_ && folder_->name() == name)
        leave_folder();
    ok("DELETE completed");
}

void Session::rename(imap::Parser& arguments)
{
    arguments.space();
    auto from = arguments.mailbox();
    arguments.space();
    auto to = arguments.mailbox();
    if (are_arguments_bad(arguments))
        return;
    if (to.ends_with(maildir::separator))
        to.pop_back();
    if (auto why = wrong_name(to))
        return no(*why);
    if (auto done = mailbox_->rename(from, to); !done)
        return no(done.error());
    bool is_selected_renamed = folder_ && from != "INBOX" &&
                               (folder_->name() == from || folder_->name().starts_with(cat(from, maildir::separator)));
    if (is_selected_renamed)
        leave_folder();
    ok("RENAME completed");
}

void Session::subscribe(imap::Parser& arguments) { change_subscription(arguments, true); }
void Session::unsubscribe(imap::Parser& arguments) { change_subscription(arguments, false); }

void Session::change_subscription(imap::Parser& arguments, bool on)
{
    arguments.space();
    auto name = arguments.mailbox();
    if (are_arguments_bad(arguments))
        return;
    if (name.ends_with(maildir::separator))
        name.pop_back();
    if (auto why = on ? wrong_name(name) : std::nullopt)
        return no(*why);
    if (auto done = mailbox_->subscribe(name, on); !done)
        return no(done.error());
    ok(on ? "SUBSCRIBE completed" : "UNSUBSCRIBE completed");
}

}  // namespace mta::imapd
