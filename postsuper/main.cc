#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "base/file.h"
#include "daemon/command.h"
#include "daemon/process.h"
#include "ipc/channel.h"
#include "log/log.h"
#include "queue/directory.h"
#include "queue/id.h"
#include "service/qmgr.h"

using namespace mta;
using namespace std::chrono_literals;
using queue::State;

namespace {

constexpr std::string_view usage = "usage: postsuper [-c config_dir] [-d queue_id] [-e queue_id] [-f queue_id] [-h queue_id] [-H queue_id] [-r queue_id] [-psSv] [queue...]";

constexpr State every_state[] = {State::incoming, State::active, State::deferred, State::hold, State::corrupt};
constexpr State sound_states[] = {State::incoming, State::active, State::deferred, State::hold};
constexpr State waiting_states[] = {State::incoming, State::active, State::deferred};
constexpr State held_state[] = {State::hold};

struct Verb {
    char letter;
    std::string_view past, summary;
    std::span<const State> from;  // where it applies
};

// Constants, for which no memory is asked before main().
constexpr Verb verbs[] = {
    {'d', "removed", "Deleted", every_state},
    {'e', "expired", "Force-expired", sound_states},
    {'f', "expired", "Force-expired", sound_states},
    {'h', "placed on hold", "Placed on hold", waiting_states},
    {'H', "released from hold", "Released from hold", held_state},
    {'r', "requeued", "Requeued", every_state},
};

const Verb& verb_of(char letter)
{
    return *std::find_if(std::begin(verbs), std::end(verbs), [letter](const Verb& verb) { return verb.letter == letter; });
}

class Super {
public:
    Super(const config::Common& common, std::vector<State> only)
        : queue_(common.queue_directory), qmgr_(cat(common.queue_directory(), "/public/qmgr")), only_(std::move(only))
    {
    }

    // "ALL", "-" for IDs on standard input, or one ID; the number of mails it was done to.
    void apply(char letter, const std::string& which)
    {
        const auto& verb = verb_of(letter);
        counts_[letter];
        if (which == "ALL")
            return for_all(letter, verb);
        if (which != "-")
            return one(letter, verb, which);
        for (std::string line; std::getline(std::cin, line);)
            one(letter, verb, std::string(trim(line)));
    }

    // What is told as done is still done after a power cut: a mail that was deleted or held is not delivered then.
    void make_durable() const
    {
        for (const auto& directory : changed_)
            if (auto done = sync_directory(cat(queue_.root(), "/", directory)); !done)
                log::fatal(done.error().text);
    }

    void summary() const
    {
        for (const auto& [letter, count] : counts_)
            log::info(verb_of(letter).summary, ": ", count, " message", count == 1 ? "" : "s");
    }

    // Structure: what a crash has left; damaged files go to corrupt.
    void repair()
    {
        queue_.settle_leftovers(3600);
        for (auto state : queue::live_states)
            for (const auto& id : ids_in(state)) {
                auto fd = queue_.open(state, id);
                if (!fd)
                    continue;
                auto mail = queue::Directory::read(fd->get());
                auto checked = mail ? queue::Directory::verify_content(fd->get(), *mail) : Result<void>(mail.error());
                if (checked || is_locked(fd->get()))
                    continue;
                if (!checked.error().is_permanent()) {
                    log::warning(id, ": could not read it: ", checked.error().text);
                    continue;
                }
                log::warning(id, ": damaged queue file (", checked.error().text, "): moved to the corrupt directory");
                if (auto moved = queue_.move(id, state, State::corrupt); !moved)
                    log::warning(moved.error().text);
            }
    }

private:
    std::vector<std::string> ids_in(State state) const
    {
        auto ids = queue_.list(state);
        if (!ids)
            log::fatal(ids.error().text);
        return *std::move(ids);
    }

    bool is_selected(State state) const { return only_.empty() || std::find(only_.begin(), only_.end(), state) != only_.end(); }

    void for_all(char letter, const Verb& verb)
    {
        for (auto state : verb.from)
            if (is_selected(state))
                for (const auto& id : ids_in(state))
                    apply_to(letter, verb, id, state);
    }

    void one(char letter, const Verb& verb, const std::string& id)
    {
        if (!queue::may_be_id(id))
            return log::warning("invalid mail queue id: ", printable(id));
        auto found = queue::is_id(id) ? queue_.find(id) : Result<std::optional<State>>(std::nullopt);
        if (!found)
            return log::warning(found.error().text);
        const auto& state = *found;
        if (!state || !is_selected(*state) || std::find(verb.from.begin(), verb.from.end(), *state) == verb.from.end())
            return;
        apply_to(letter, verb, id, *state);
    }

    // Mail that is being delivered right now is locked by qmgr and its agent.
    static bool is_locked(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) != 0; }

    void apply_to(char letter, const Verb& verb, const std::string& id, State state)
    {
        Result<void> done;
        if (letter == 'd')
            done = remove(id, state);
        else if (letter == 'h')
            done = move(id, state, State::hold);
        else if (letter == 'e' || letter == 'f')
            done = expire(id, state);
        else if (state != State::incoming) {
            auto fd = queue_.open(state, id);
            if (fd && is_locked(fd->get()))
                return log::warning(id, ": skipped, still being delivered");
            done = move(id, state, State::incoming);
        }
        if (!done)
            return log::warning(done.error().text);
        log::info(id, ": ", verb.past);
        ++counts_[letter];
        if (letter == 'H' || letter == 'r')
            tell_qmgr(id);
        if (letter == 'f' && state == State::hold)
            apply_to('H', verb_of('H'), id, state);
    }

    Result<void> remove(const std::string& id, State state)
    {
        changed_.insert(directory_of(id, state));
        return queue_.remove(id, state);
    }

    Result<void> move(const std::string& id, State from, State to)
    {
        changed_.insert({directory_of(id, from), directory_of(id, to)});
        return queue_.move(id, from, to);
    }

    static std::string directory_of(const std::string& id, State state)
    {
        auto path = queue::Directory::path_of(state, id);
        return path.substr(0, path.rfind('/'));
    }

    Result<void> expire(const std::string& id, State state)
    {
        auto fd = queue_.open(state, id);
        if (!fd)
            return fd.error();
        auto mail = queue::Directory::read(fd->get());
        if (!mail)
            return mail.error();
        if (mail->has_note(queue::force_expired))
            return {};
        if (auto trimmed = is_locked(fd->get()) ? Result<void>() : queue::Directory::trim(fd->get(), *mail); !trimmed)
            return trimmed;
        return queue::Directory::append(fd->get(), queue::Note{std::string(queue::force_expired), queue::now()}, true);
    }

    // Only a hint: without it qmgr finds the mail when it looks into incoming.
    void tell_qmgr(const std::string& id)
    {
        (void)qmgr_.ask<service::QueueReply>(service::QueueRequest{"released", id}, 10s).operator bool();
    }

    queue::Directory queue_;
    ipc::Client qmgr_;
    std::vector<State> only_;
    std::map<char, long> counts_;
    std::set<std::string> changed_;  // directories below the queue's
};

}  // namespace

// What escapes ends the process, and lib/log says what it was.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    std::string directory;
    std::vector<std::pair<char, std::string>> actions;
    log::set_tag("postsuper");
    log::open_stderr();
    for (int letter; (letter = ::getopt(argc, argv, "c:d:e:f:h:H:psr:Sv")) != -1;) {
        switch (letter) {
        case 'c': directory = optarg; break;
        case 'v': log::set_verbose(true); break;
        case 'd':
        case 'e':
        case 'f':
        case 'h':
        case 'H':
        case 'r': actions.emplace_back(letter, optarg); break;
        case 'p':
        case 's':
        case 'S': actions.emplace_back('s', ""); break;
        default: log::fatal(usage);
        }
    }
    if (actions.empty())
        actions.emplace_back('s', "");
    auto loaded = daemon::load_config("postsuper", directory);
    const config::Common common(loaded);
    std::vector<State> only;
    for (int i = optind; i < argc; ++i) {
        auto state = queue::state_named(argv[i]);
        if (!state)
            log::fatal("invalid directory name: ", argv[i], " (it must be incoming, active, deferred, hold or corrupt)");
        only.push_back(*state);
    }
    daemon::open_log("postsuper", common);
    auto owner = daemon::find_user(common.mail_owner);
    if (::geteuid() == 0 && owner)
        daemon::become(*owner);
    else if (owner && ::geteuid() != owner->uid)
        log::fatal("use of this command is reserved for the superuser");
    Super super(common, only);
    for (const auto& [letter, which] : actions)
        letter == 's' ? super.repair() : super.apply(letter, which);
    super.make_durable();
    super.summary();
    return 0;
}
