#include "qmgr/manager.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "log/log.h"
#include "qmgr/clock.h"

namespace mta::qmgr {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t resolve_at_once = 50;    // recipients of a question
constexpr int questions_at_once = 4;           // of a mail: others' questions come between
constexpr int activate_at_once = 50;           // then the loop looks at its other events
constexpr std::size_t request_bytes = 32ul * 1024;  // of recipients: a request to an agent must fit a message
constexpr long locked_retry_seconds = 60, trouble_retry_seconds = 60, put_back_seconds = 60;
constexpr auto stop_limit = 5s;

// What a recipient takes of a request.
std::size_t bytes_of(const queue::Recipient& recipient, const std::string& address)
{
    constexpr std::size_t names = 100;
    return names + address.size() + std::max(recipient.original.size(), recipient.address.size()) + recipient.orcpt.size() + recipient.notify.size();
}

// Recipients put together to deliveries: those of one transport, nexthop and owner, as many as one may have.
class Groups {
public:
    struct Group {
        std::string transport, nexthop;
        Entry entry;
        std::size_t bytes = 0;
    };

    explicit Groups(ActiveMail& mail) : mail_(mail) {}

    void add(const service::Resolved& result, Entry::Target target, long recipient_limit)
    {
        auto& group = open_[cat(result.transport, '\0', lower(result.nexthop), '\0', result.owner)];
        group.transport = result.transport;
        group.nexthop = result.nexthop;
        group.entry.mail = &mail_;
        group.entry.owner = result.owner;
        group.bytes += bytes_of(mail_.envelope().recipients[static_cast<std::size_t>(target.number)], target.address);
        group.entry.targets.push_back(std::move(target));
        bool is_full = recipient_limit > 0 && static_cast<long>(group.entry.targets.size()) >= recipient_limit;
        if (is_full || group.bytes >= request_bytes)
            full_.push_back(std::exchange(group, {}));
    }

    std::vector<Group> take()
    {
        for (auto& [key, group] : open_)
            if (!group.entry.targets.empty())
                full_.push_back(std::move(group));
        return std::move(full_);
    }

private:
    ActiveMail& mail_;
    std::map<std::string, Group> open_;
    std::vector<Group> full_;
};

}  // namespace

Manager::Manager(event::Loop& loop, daemon::Process& process, const Params& params, std::map<std::string, long> process_limits,
                 Visitors& visitors)
    : loop_(loop), process_(process), params_(params), visitors_(visitors), process_limits_(std::move(process_limits)), queue_(process.common().queue_directory),
      rewrite_(loop, process.socket_path("rewrite")), bounce_(loop, process.socket_path("bounce"), 600s),
      site_flush_(loop, due_, queue_, [this] { activate_due(); }), due_timer_(loop, [this] { activate_due(); }), activate_timer_(loop, [this] { activate_due(); }),
      stop_timer_(loop, [this] { stopped_(); }), record_timer_(loop, [this] { settle_unrecorded(); }), sync_timer_(loop, [this] { sync_all_results(); }), random_(static_cast<unsigned>(queue::now()))
{
}

Manager::~Manager() = default;

void Manager::start()
{
    queue_.settle_leftovers(leftover_seconds);
    for (auto state : {queue::State::active, queue::State::incoming, queue::State::deferred})
        scan(state);
    server_ = std::make_unique<ipc::Server>(loop_, process_.listeners().at(0).get(),
                                            [this](uid_t user, ipc::Message message, const ipc::Server::Reply& reply) { handle(user, std::move(message), reply); });
    activate_due();
}

// Deferred mail waits until its time, but not longer than any that is deferred now: the clock may have been wrong. What was incoming
// or active before a crash is due at once.
void Manager::scan(queue::State state)
{
    auto latest = steady_seconds() + 2 * params_.maximal_backoff_time().count();
    auto ids = queue_.list(state);
    if (!ids)
        log::fatal(ids.error().text);
    for (const auto& id : *ids)
        if (!active_.contains(id))
            due_.add(id, state, state == queue::State::deferred ? std::min(queue_.due(id, state), latest) : 0);
}

void Manager::stop(std::function<void()> done)
{
    stopped_ = std::move(done);
    server_->stop_accepting();
    for (auto& [name, transport] : transports_)
        transport->stop();
    stop_timer_.start(stop_limit);
    stop_if_idle();
}

// Mail that waits for its turn does not count: it is found again at the next start.
void Manager::stop_if_idle()
{
    for (const auto& [name, transport] : transports_)
        if (transport->busy() > 0)
            return;
    stop_timer_.start(0ms);
}

void Manager::activate_due()
{
    if (stopped_)
        return;
    auto now = steady_seconds();
    auto has_due = [&] { return !due_.empty() && due_.next_due() <= now; };
    bool is_blocked = false;
    for (int i = 0; i < activate_at_once && (!fresh_.empty() || has_due()); ++i) {
        bool was_full = is_full();
        is_blocked = was_full && (fresh_.empty() || !make_room());
        if (is_blocked)
            break;
        if (!fresh_.empty() && (was_full || prefer_fresh_ || !has_due())) {
            auto [id, first_try] = fresh_.front();
            fresh_.pop_front();
            prefer_fresh_ = false;
            activate(id, queue::State::incoming, first_try);
        } else {
            auto item = due_.take_first();
            prefer_fresh_ = true;
            activate(item.id, item.state, false);
        }
    }
    if (is_blocked)
        return;
    if (!fresh_.empty() || has_due())
        activate_timer_.start(0ms);
    else if (!due_.empty())
        due_timer_.start(std::chrono::milliseconds(std::min<std::int64_t>(due_.next_due() - now, 3600) * 1000));
}

// One mail alone, however large, leaves room for others.
std::size_t Manager::counted_recipients(const ActiveMail& mail) const
{
    auto most = static_cast<std::size_t>(std::max(params_.qmgr_message_recipient_limit() / 2, 1L));
    return std::min(mail.envelope().recipients.size(), most);
}

bool Manager::is_full() const
{
    bool has_all_mails = static_cast<long>(active_.size()) >= params_.qmgr_message_active_limit();
    return has_all_mails || static_cast<long>(active_recipients_) >= params_.qmgr_message_recipient_limit();
}

// When most of the places are taken by mails that wait for one destination, which is dead or slow, one of them waits elsewhere, so
// that fresh mail for others can go its way.
bool Manager::make_room()
{
    Destination* most = nullptr;
    for (const auto& [name, transport] : transports_)
        if (auto* crowded = transport->most_crowded(); crowded && (!most || crowded->waiting_mails() > most->waiting_mails()))
            most = crowded;
    if (!most || 2 * most->waiting_mails() < active_.size())
        return false;
    auto entry = most->take_last_alone();
    if (!entry)
        return false;
    log::info(entry->mail->id, ": put back: ", most->waiting_mails(), " other mails wait for ", most->nexthop());
    defer(*entry->mail, steady_seconds() + put_back_seconds);
    return true;
}

void Manager::activate(const std::string& id, queue::State state, bool first_try)
{
    if (active_.contains(id))
        return;
    if (state != queue::State::active)
        if (auto moved = queue_.move(id, state, queue::State::active); !moved)
            return look_again(id, state, moved.error());
    auto mail = std::make_unique<ActiveMail>();
    mail->id = id;
    mail->activated = queue::now();
    if (!open_mail(*mail))
        return;
    mail->first_try = first_try && !mail->envelope().copied_again.value_or(false);
    bool after_crash = !first_try && state != queue::State::deferred;
    if (after_crash)
        if (auto verified = queue::Directory::verify_content(mail->fd.get(), mail->mail); !verified)
            return unreadable(id, verified.error());
    note_sent_dsns(*mail);
    for (std::size_t i = 0; i < mail->envelope().recipients.size(); ++i)
        mail->open += !mail->mail.is_done(i);
    log::info(id, ": from=<", mail->envelope().reverse_path, ">, size=", mail->mail.content_bytes,
              ", nrcpt=", mail->envelope().recipients.size(), " (queue active)");
    active_recipients_ += counted_recipients(*mail);
    auto& placed = *(active_[id] = std::move(mail));
    placed.open == 0 ? settle(placed) : resolve(placed);
}

// Removed or put on hold by postsuper, or taken before, is nothing to do; requeued, it is elsewhere; and what could not be
// moved for another reason is tried again.
void Manager::look_again(const std::string& id, queue::State state, const Error& error)
{
    auto found = queue_.find(id);
    if (found && (!*found || **found == queue::State::hold || **found == queue::State::corrupt))
        return;
    auto place = found ? **found : state;
    if (place != state && due_.contains(id))
        return;
    if (place == state)
        log::warning(error.text);
    due_.add(id, place, steady_seconds() + (place == state ? trouble_retry_seconds : 0));
}

// The lock goes with the descriptor to the delivery agent: mail that an agent of a former qmgr still delivers is left alone.
bool Manager::open_mail(ActiveMail& mail)
{
    auto path = cat(queue_.root(), "/active/", mail.id);
    mail.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!mail.fd) {
        look_again(mail.id, queue::State::active, errno_error(cat("open active/", mail.id)));
        return false;
    }
    if (::flock(mail.fd.get(), LOCK_EX | LOCK_NB) != 0) {
        bool is_first = locked_.insert(mail.id).second;  // its agent may just be letting go of it
        if (!is_first)
            log::info(mail.id, ": skipped, still being delivered");
        due_.add(mail.id, queue::State::active, steady_seconds() + (is_first ? 1 : locked_retry_seconds));
        return false;
    }
    locked_.erase(mail.id);
    auto read = queue::Directory::read(mail.fd.get());
    if (!read) {
        unreadable(mail.id, read.error());
        return false;
    }
    mail.mail = *std::move(read);
    return true;
}

// Damage stays and is for a person to look at; an active file that the disk does not give now is tried again.
void Manager::unreadable(const std::string& id, const Error& error)
{
    if (!error.is_permanent())
        return look_again(id, queue::State::active, Error{cat(id, ": could not read it: ", error.text), error.status});
    log::warning(id, ": damaged queue file (", error.text, "): moved to the corrupt directory");
    if (auto moved = queue_.move(id, queue::State::active, queue::State::corrupt); !moved)
        return look_again(id, queue::State::active, moved.error());
    bounce_.call(ipc::pack(service::BounceRequest{"corrupt", id, error.text, ""}), [id](const Result<ipc::Message>& answer) {
        if (!answer)
            log::warning(id, ": postmaster was not told: ", answer.error().text);
    });
}

void Manager::resolve(ActiveMail& mail)
{
    for (int i = 0; i < questions_at_once; ++i)
        ask_next(mail);
}

// The recipients that are to be resolved next, at most so many.
std::vector<long> Manager::next_recipients(ActiveMail& mail, std::size_t limit)
{
    std::vector<long> numbers;
    for (auto& next = mail.asked; next < mail.envelope().recipients.size() && numbers.size() < limit; ++next)
        if (!mail.mail.is_done(next))
            numbers.push_back(static_cast<long>(next));
    return numbers;
}

void Manager::ask_next(ActiveMail& mail)
{
    auto numbers = next_recipients(mail, resolve_at_once);
    if (numbers.empty())
        return;
    service::ResolveRequest request{"resolve", mail.envelope().reverse_path, {}};
    for (auto number : numbers)
        request.recipients.push_back({mail.envelope().recipients[static_cast<std::size_t>(number)].address});
    rewrite_.call(ipc::pack(request), [this, id = mail.id, numbers](const Result<ipc::Message>& answer) { resolved(id, numbers, answer); });
}

void Manager::resolved(const std::string& id, std::vector<long> numbers, const Result<ipc::Message>& answer)
{
    auto& mail = *active_.at(id);
    auto reply = answer ? ipc::unpack<service::ResolveReply>(*answer) : Result<service::ResolveReply>(answer.error());
    if (reply && reply->results.size() == numbers.size()) {
        ask_next(mail);  // first: the answer may end the mail
        return distribute(mail, numbers, reply->results);
    }
    auto why = reply ? failure("bad answer of service rewrite") : reply.error();
    log::warning(id, ": address resolver failure: ", why.text);
    auto others = next_recipients(mail, mail.envelope().recipients.size());  // would have to wait as long, one after the other
    numbers.insert(numbers.end(), others.begin(), others.end());
    for (auto number : numbers)
        fail_here(mail, {number, mail.envelope().recipients[static_cast<std::size_t>(number)].address}, failure("address resolver failure"));
    settle_if_over(mail);
}

void Manager::distribute(ActiveMail& mail, const std::vector<long>& numbers, const std::vector<service::Resolved>& results)
{
    Groups groups(mail);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto& result = results[i];
        Entry::Target target{numbers[i], result.recipient.empty() ? mail.envelope().recipients[static_cast<std::size_t>(numbers[i])].address : result.recipient};
        if (!result.status.empty())
            fail_here(mail, target, Error{result.text, result.status});
        else if (is_deferred_transport(result.transport))
            fail_here(mail, target, Error{"deferred transport", "4.3.2"});
        else
            groups.add(result, std::move(target), transport(result.transport).settings().recipient_limit);
    }
    auto all = groups.take();
    mail.entries += all.size();
    if (all.empty())
        return settle_if_over(mail);
    for (auto& group : all)        // the last of these may end the attempt, and with it the mail
        transport(group.transport).add(group.nexthop, std::move(group.entry));
    for (auto& group : all)
        transport(group.transport).schedule();
}

Transport& Manager::transport(const std::string& name)
{
    auto& transport = transports_[name];
    if (!transport)
        transport = std::make_unique<Transport>(
            Transport::Context{loop_, params_, *this, cat(process_.common().queue_directory(), "/private/"), process_limits_},
            name);
    return *transport;
}

bool Manager::is_deferred_transport(const std::string& name) const
{
    for (const auto& deferred : params_.defer_transports())
        if (deferred == name)
            return true;
    return false;
}

}  // namespace mta::qmgr
