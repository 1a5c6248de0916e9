#include <fcntl.h>

#include "log/log.h"
#include "qmgr/dsn_id.h"
#include "qmgr/manager.h"

// The sender is told what became of a mail, once: the DSN's queue ID follows from what it tells, and as long as the mail lacks the
// note that it was told, the DSN stays in the queue and shows that it was.
namespace mta::qmgr {

namespace {

constexpr std::int64_t second = 1000000;

std::string_view note_of(std::string_view kind)
{
    return kind == "delay" ? queue::delay_warned : kind == "failure" ? queue::failures_told : queue::successes_told;
}

}  // namespace

bool Manager::wants_delay_warning(const ActiveMail& mail) const
{
    auto warn_after = params_.delay_warning_time().count() * second;
    return warn_after > 0 && mail.waited() > warn_after;
}

void Manager::list_dsns(ActiveMail& mail)
{
    mail.dsns.clear();
    for (std::string_view kind : dsn_kinds)
        if ((kind != "delay" || wants_delay_warning(mail)) && !dsn_id(mail.mail, kind).empty())
            mail.dsns.emplace_back(kind);
}

void Manager::send_dsns(ActiveMail& mail)
{
    if (mail.dsns.empty())
        return finish(mail);
    auto dsn = dsn_id(mail.mail, mail.dsns.front());
    auto message = ipc::pack(service::BounceRequest{mail.dsns.front(), mail.id, "", dsn});
    message.fd.reset(::fcntl(mail.fd.get(), F_DUPFD_CLOEXEC, 0));
    bounce_.call(std::move(message), [this, id = mail.id, dsn](const Result<ipc::Message>& answer) { dsn_done(id, dsn, answer); });
}

// The mail is kept until its DSN is durable; if that cannot be had now, the mail waits for another try.
void Manager::dsn_done(const std::string& id, const std::string& dsn, const Result<ipc::Message>& answer)
{
    auto& mail = *active_.at(id);
    auto reply = answer ? ipc::unpack<service::BounceReply>(*answer) : Result<service::BounceReply>(answer.error());
    if (!reply || !reply->ok) {
        log::warning(id, ": no notification sent: ", reply ? reply->text : reply.error().text);
        return defer(mail, next_attempt(mail));
    }
    auto kind = mail.dsns.front();
    mail.dsns.erase(mail.dsns.begin());
    if (dsn_id(mail.mail, kind) == dsn)  // else the DSN has been delivered already
        note_dsn(mail, kind);
    send_dsns(mail);
}

void Manager::note_dsn(ActiveMail& mail, std::string_view kind)
{
    queue::Note note{std::string(note_of(kind)), queue::now()};
    append(mail, note, kind != "delay");
    mail.mail.add_note(std::move(note));
}

void Manager::note_sent_dsns(ActiveMail& mail)
{
    for (std::string_view kind : dsn_kinds) {
        auto dsn = kind != "delay" || wants_delay_warning(mail) ? dsn_id(mail.mail, kind) : std::string();
        if (dsn.empty())
            continue;
        auto state = queue_.find(dsn);
        if (!state)  // rather told twice than never
            log::warning(mail.id, ": ", state.error().text);
        if (!state || !*state || *state == queue::State::corrupt)
            continue;
        log::info(mail.id, ": the sender has been told: ", dsn);
        note_dsn(mail, kind);
    }
}

// A DSN is about to go. If the mail that it tells of is still here and lacks its note, because we or bounce were killed before, it gets it.
void Manager::note_before_removal(const ActiveMail& dsn)
{
    auto words = split_words(*dsn.envelope().notice_of, " ");
    if (words.size() != 2 || !queue::is_id(words[0]))
        return;
    std::string id(words[0]);
    if (auto active = active_.find(id); active != active_.end()) {
        if (dsn_id(active->second->mail, words[1]) == dsn.id)
            note_dsn(*active->second, words[1]);
        return;
    }
    auto state = queue_.find(id);
    if (state && !*state)
        return;
    auto fd = state ? queue_.open(**state, id) : Result<Fd>(state.error());
    auto mail = fd ? queue::Directory::read(fd->get()) : Result<queue::Mail>(fd.error());
    if (mail && dsn_id(*mail, words[1]) != dsn.id)
        return;
    auto done = mail ? queue::Directory::trim(fd->get(), *mail) : Result<void>(mail.error());
    if (done)
        done = queue::Directory::append(fd->get(), queue::Note{std::string(note_of(words[1])), queue::now()}, true);
    if (!done)
        log::warning(id, ": ", done.error().text);
}

}  // namespace mta::qmgr
