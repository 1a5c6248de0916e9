#include "local/delivery.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "local/mbox.h"
#include "log/log.h"
#include "mail/dsn.h"
#include "maildir/delivery.h"
#include "maildir/file_name.h"
#include "queue/id.h"

namespace mta::local {

namespace {

constexpr int max_include_files = 1000;      // files that name files that name files..., with nobody in them
constexpr std::size_t max_forward_bytes = 1u << 20, max_include_bytes = 16u << 20;

std::string local_part_of(const std::string& address) { return address.substr(0, address.rfind('@')); }

deliver::Outcome failed(std::string text, std::string status) { return deliver::outcome_of(Error{std::move(text), std::move(status)}); }

bool allows(const std::vector<std::string>& sources, std::string_view name)
{
    return std::any_of(sources.begin(), sources.end(), [&](const auto& s) { return iequals(s, name); });
}

}  // namespace

Delivery::Delivery(Tools& tools, deliver::Job& job, std::size_t index)
    : tools_(tools), job_(job), recipient_(job.recipient(index)), local_part_(lower(local_part_of(recipient_.address)))
{
    no_alias_ = local_part_.starts_with('\\');
    local_part_.erase(0, no_alias_ ? 1 : 0);
    auto end = table::extension_of(local_part_, tools_.common.recipient_delimiter());
    user_name_ = local_part_.substr(0, end);
    if (end != std::string::npos)
        extension_ = local_part_.substr(end + 1);
}

deliver::Outcome Delivery::run()
{
    const auto& request = job_.request();
    auto header = deliver::read_header(job_.message(), static_cast<std::uint64_t>(request.offset), static_cast<std::uint64_t>(request.size));
    if (deliver::was_delivered_to(header, recipient_.address))
        return failed(cat("mail forwarding loop for ", recipient_.address), "5.4.6");
    auto alias = no_alias_ ? Result(std::optional<std::string>()) : find_alias();
    if (!alias)
        return deliver::outcome_of(alias.error());
    return *alias ? deliver_alias(**alias) : deliver_user();
}

Result<std::optional<std::string>> Delivery::find_alias() const
{
    for (const auto& key : {local_part_, user_name_}) {
        auto found = tools_.aliases.find(key);
        if (!found || *found)
            return found;
    }
    return std::optional<std::string>();
}

deliver::Outcome Delivery::deliver_alias(const std::string& value)
{
    auto direct = tools_.aliases.find(local_part_);
    alias_name_ = direct && *direct ? local_part_ : user_name_;
    auto members = parse_members(value);
    if (!members)
        return failed(cat("alias ", alias_name_, ": ", members.error().text), "4.3.5");
    Expansion expansion;
    if (auto done = expand(*members, Source::alias, 0, expansion); !done)
        return deliver::outcome_of(done.error());
    if (expansion.to_mailbox)  // an alias that contains itself: the user of that name gets a copy
        expansion.addresses.push_back(cat("\\", alias_name_, "@", recipient_.address.substr(recipient_.address.rfind('@') + 1)));
    return carry_out(expansion, nullptr);
}

// An address that means the one whom we deliver to: its name, with a domain of ours or none.
bool Delivery::is_self(const std::string& address) const
{
    auto at = address.rfind('@');
    auto name = lower(address.substr(0, at));
    if (name != local_part_ && name != user_name_)
        return false;
    if (at == std::string::npos)
        return true;
    auto ours = tools_.mydestination.has_domain(lower(address.substr(at + 1)));
    return ours && *ours;
}

Result<void> Delivery::expand(const std::vector<Member>& members, Source source, std::uint64_t depth, Expansion& into) const
{
    if (tools_.params.alias_recursion_limit().is_exceeded_by(depth))
        return Error{cat("include files for ", local_part_, " are nested too deeply"), "5.4.6"};
    for (const auto& member : members) {
        if (tools_.params.alias_expansion_limit().is_exceeded_by(into.addresses.size() + into.actions.size() + 1))
            return Error{cat("expansion of ", local_part_, " is too large"), "5.4.6"};
        if (member.kind == Member::Kind::include) {
            if (++into.files > max_include_files)
                return Error{cat("expansion of ", local_part_, " reads too many files"), "5.4.6"};
            struct stat status {};
            if (::stat(member.text.c_str(), &status) != 0)
                return errno_error(cat("open ", member.text));
            if (!S_ISREG(status.st_mode))
                return failure(cat(member.text, ": not a plain file"));  // a FIFO would hold us for ever
            auto text = read_file(member.text, max_include_bytes);
            if (!text)
                return text.error();
            auto included = parse_members(*text);
            if (!included)
                return failure(cat(member.text, ": ", included.error().text));
            if (auto done = expand(*included, Source::include, depth + 1, into); !done)
                return done;
        } else if (member.kind != Member::Kind::address) {
            into.actions.emplace_back(source, member);
        } else if (is_self(member.text)) {
            into.to_mailbox = true;
        } else {
            auto address = member.text.find('@') == std::string::npos ? cat(member.text, "@", tools_.params.myorigin()) : member.text;
            into.addresses.push_back(member.is_final ? cat("\\", address) : address);
        }
    }
    return {};
}

// All members get their copy; one that fails for now makes the whole be tried again, one that fails for ever bounces. What
// comes behind the former waits for that attempt: at each one those before get another copy (but maildirs know theirs).
deliver::Outcome Delivery::carry_out(const Expansion& expansion, const daemon::User* user)
{
    std::vector<deliver::Outcome> outcomes;
    auto goes_on = [&] { return outcomes.empty() || outcomes.back().action != deliver::Action::deferred; };
    if (user && expansion.to_mailbox)
        outcomes.push_back(to_mailbox(*user));
    for (const auto& [source, member] : expansion.actions)
        if (goes_on())
            outcomes.push_back(act(source, member, user));
    if (!expansion.addresses.empty() && goes_on())
        outcomes.push_back(forward(expansion.addresses));
    if (outcomes.empty())
        return user ? to_mailbox(*user) : failed(cat("alias ", alias_name_, " has no members"), "5.1.1");
    for (auto action : {deliver::Action::deferred, deliver::Action::bounced})
        for (const auto& outcome : outcomes)
            if (outcome.action == action)
                return outcome;
    return outcomes.back();
}

deliver::Outcome Delivery::act(Source source, const Member& member, const daemon::User* user)
{
    static constexpr std::string_view names[] = {"alias", "forward", "include"};
    auto name = names[static_cast<std::size_t>(source)];
    bool is_command = member.kind == Member::Kind::command;
    if (!allows(is_command ? tools_.params.allow_mail_to_commands() : tools_.params.allow_mail_to_files(), name))
        return failed(cat("mail to ", is_command ? "command" : "file", " is restricted"), "5.7.1");
    return is_command ? to_command(member.text, user) : to_file(member.text);
}

std::string Delivery::leading(bool from_line) const
{
    deliver::LeadingForm form;
    form.has_from_line = from_line;
    form.has_return_path = true;
    form.has_original_to = !recipient_.orig_to.empty();
    form.has_delivered_to = true;
    form.null_sender = from_line ? "MAILER-DAEMON" : "";
    return deliver::leading_lines(job_.request(), recipient_, form, deliver::date_now());
}

deliver::Content Delivery::content(const std::string& lines, const deliver::ContentForm& form) const
{
    const auto& request = job_.request();
    return {lines, job_.message(), static_cast<std::uint64_t>(request.offset), static_cast<std::uint64_t>(request.size), form};
}

deliver::Outcome Delivery::to_command(const std::string& text, const daemon::User* user)
{
    deliver::Command command;
    command.arguments = {"/bin/sh", "-c", text};
    command.time_limit = tools_.params.command_time_limit;
    command.process_limit = tools_.params.command_process_limit;
    command.progress = [this] { job_.progress(); };
    command.environment = deliver::command_environment(tools_.params.export_environment);
    auto set = [&](std::string_view name, std::string_view value) { command.environment.push_back(cat(name, "=", printable(value))); };
    set("SENDER", job_.request().reverse_path);
    set("RECIPIENT", recipient_.address);
    set("ORIGINAL_RECIPIENT", recipient_.orig_to.empty() ? recipient_.address : recipient_.orig_to);
    set("LOCAL", local_part_);
    set("EXTENSION", extension_);
    set("DOMAIN", recipient_.address.substr(recipient_.address.rfind('@') + 1));
    if (user) {
        set("HOME", user->home);
        set("USER", user->name);
        set("LOGNAME", user->name);
        set("SHELL", user->shell);
        command.directory = user->home;
    }
    deliver::ContentForm form;
    auto reader = content(leading(true), form);
    auto outcome = deliver::judge(deliver::run_command(command, [&] { return reader.next(); }), text);
    if (outcome.action == deliver::Action::sent)
        outcome.text = cat("delivered to command: ", text);
    return outcome;
}

deliver::Outcome Delivery::to_file(const std::string& path)
{
    if (path.back() == '/')
        return to_maildir(path);
    deliver::ContentForm form;
    form.quotes_from = true;
    form.ends_with_blank_line = true;
    auto reader = content(leading(true), form);
    auto done = append_to_mbox(path, reader);
    return done ? deliver::sent(cat("delivered to file: ", path)) : deliver::outcome_of(done.error());
}

deliver::Outcome Delivery::to_maildir(const std::string& path)
{
    const auto& request = job_.request();
    maildir::Delivery copy;
    copy.queue_id = request.copy_of.value_or(request.queue_id);
    copy.recipient = recipient_.address;
    copy.is_first_try = request.first_try;
    copy.has_sibling = request.copy_of.has_value();
    copy.header = leading(false);
    copy.content = job_.message();
    copy.offset = static_cast<std::uint64_t>(request.offset);
    copy.size = static_cast<std::uint64_t>(request.size);
    copy.host = tools_.params.myhostname;
    auto done = maildir::deliver(path, copy);
    if (!done)
        return failed(cat("maildir delivery failed: ", done.error().text), done.error().status);
    return deliver::sent("delivered to maildir");
}

deliver::Outcome Delivery::to_mailbox(const daemon::User& user)
{
    if (!tools_.params.mailbox_command().empty())
        return to_command(tools_.params.mailbox_command, &user);
    return to_maildir(cat(user.home, "/", tools_.params.home_mailbox()));
}

deliver::Outcome Delivery::deliver_user()
{
    auto user = daemon::find_user(user_name_);
    if (!user)
        return deliver::outcome_of(user.error());
    if (user->uid != ::geteuid())
        return failed(cat("delivery for user ", user_name_, " needs to run as that user"), "4.3.0");
    auto text = read_forward(*user);
    if (!text)
        return deliver::outcome_of(text.error());
    if (!*text)
        return to_mailbox(*user);
    auto members = parse_members(**text);
    if (!members)
        return failed(cat(".forward: ", members.error().text), "4.3.5");
    Expansion expansion;
    if (auto done = expand(*members, Source::forward, 0, expansion); !done)
        return deliver::outcome_of(done.error());
    return carry_out(expansion, &*user);
}

// ~/.forward+extension or ~/.forward; only if nobody else can write it.
Result<std::optional<std::string>> Delivery::read_forward(const daemon::User& user) const
{
    std::vector<std::string> names;
    if (!extension_.empty() && extension_.find('/') == std::string::npos)
        names.push_back(cat(user.home, "/.forward", local_part_.substr(user_name_.size(), 1), extension_));
    names.push_back(cat(user.home, "/.forward"));
    for (const auto& name : names) {
        struct stat status {};
        if (::stat(name.c_str(), &status) != 0) {
            if (errno == ENOENT || errno == ENOTDIR)
                continue;
            return errno_error(cat("read ", name));
        }
        if (status.st_uid != user.uid || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 || !S_ISREG(status.st_mode)) {
            log::warning(job_.prefixed(name, ": not used: it must be a plain file of the user that nobody else can write"));
            continue;
        }
        auto text = read_file(name, max_forward_bytes);
        if (!text)
            return text.error();
        return std::optional<std::string>(*std::move(text));
    }
    return std::optional<std::string>();
}

// owner-alias gets the bounces of an alias, if there is one.
Result<std::string> Delivery::sender_for_forwarding() const
{
    const auto& sender = job_.request().reverse_path;
    if (alias_name_.empty() || sender.empty())
        return sender;
    auto owner = cat("owner-", alias_name_);
    auto found = tools_.aliases.find(owner);
    if (!found)
        return found.error();
    return *found ? cat(owner, "@", recipient_.address.substr(recipient_.address.rfind('@') + 1)) : sender;
}

// A power cut may make us forward again what is already on its way, or there: both mails have in common what copies are known by.
deliver::Outcome Delivery::forward(const std::vector<std::string>& addresses)
{
    const auto& request = job_.request();
    auto sender = sender_for_forwarding();
    if (!sender)
        return deliver::outcome_of(sender.error());
    service::Mail mail;
    mail.queue_id = queue::new_id();
    mail.reverse_path = *std::move(sender);
    mail.origin = "internal";
    mail.body = request.body;
    mail.envid = request.envid;
    mail.ret = request.ret;
    mail.copy_of = maildir::delivery_id(request.copy_of.value_or(request.queue_id), recipient_.address);
    mail.copied_again = !request.first_try;
    auto notify = mail::Notify::parse(recipient_.notify).value_or(mail::Notify()).for_copies().text();
    std::vector<service::MailRecipient> recipients;
    for (const auto& address : addresses)
        recipients.push_back({address, recipient_.orig_to.empty() ? recipient_.address : recipient_.orig_to, recipient_.orcpt, notify});
    try {
        auto& cleanup = tools_.cleanup;
        cleanup.begin(mail, recipients);
        deliver::ContentForm form;
        auto reader = content(cat("Delivered-To: ", deliver::quoted(recipient_.address), "\n"), form);
        for (auto piece = reader.next(); !piece.empty(); piece = reader.next())
            cleanup.write(piece);
        auto accepted = cleanup.finish();
        if (!accepted.ok)
            return deliver::outcome_of(Error{accepted.text, accepted.status});
    } catch (const net::Lost& lost) {
        return failed(cat("cannot forward: ", lost.what()), "4.3.0");
    }
    return deliver::sent(cat("forwarded as ", mail.queue_id));
}

}  // namespace mta::local
