#include "base/encode.h"
#include "base/text.h"
#include "imapd/news.h"
#include "imapd/session.h"
#include "log/log.h"

// A session without work goes back to front, and goes on in another process when the client or notify has something for it.
namespace mta::imapd {

namespace {

constexpr std::size_t max_view_bytes = 24ul * 1024;  // more is no good bargain for a process; 32 kB in base64

}  // namespace

// Where an earlier process has left off.
void Session::resume()
{
    if (parking_ == nullptr)
        return;
    auto& facts = parking_->facts;
    errors_ = facts.errors;
    is_woken_ = facts.state == "woken";
    facts.wake.reset();
    auto tag = std::exchange(facts.idle_tag, std::nullopt);
    if (auto view = std::exchange(facts.view, std::nullopt))
        reopen_folder(*view);
    if (end_ || !tag)
        return;
    tag_ = *std::move(tag);
    go_on_idling();
}

void Session::reopen_folder(const std::string& view)
{
    auto bytes = base64_decode(view);
    auto opened = mailbox_->reopen_folder(bytes ? *bytes : std::string());
    if (opened) {
        folder_ = std::move(*opened);
        told_keywords_ = folder_->keywords();
        return;
    }
    if (opened.error().status != maildir::no_such_folder)
        log::warning("mailbox: ", opened.error().text);
    bye(End::mailbox_gone, opened.error().status == maildir::no_such_folder ? "The selected mailbox was deleted or renamed"
                                                                           : "[UNAVAILABLE] The mailbox cannot be opened now");
}

// False if the client has said something, or the session is over.
bool Session::wait_for_command()
{
    if (client_.has_buffered())
        return true;
    if (parking_ != nullptr && !client_.wait_readable(params_.worker_idle_time) && park(std::nullopt, std::nullopt))
        return false;
    if (client_.wait_readable(params_.session.timeout()))
        return true;
    bye(End::timeout, "Logged out for inactivity");
    return false;
}

// True if the session is front's now. False: it is too large, or not all is durable, and it stays.
bool Session::park(std::optional<std::string> idle_tag, std::optional<std::string> wake)
{
    std::optional<std::string> view;
    if (folder_) {
        view = folder_->remember(max_view_bytes);
        if (!view)
            return false;
    }
    client_.flush(params_.command_timeout());
    auto& facts = parking_->facts;
    facts.view = view ? std::optional(base64_encode(*view)) : std::nullopt;
    facts.idle_tag = std::move(idle_tag);
    facts.wake = std::move(wake);
    facts.pending = client_.take_buffered();
    facts.errors = errors_;
    facts.tag.clear();
    end_ = End::parked;
    return true;
}

// From the registration on notify learns of every change, and the look after it sees all that came before.
Session::Attempt Session::park_in_idle()
{
    if (parking_ == nullptr)
        return Attempt::hopeless;
    if (!folder_)
        return park(tag_, std::nullopt) ? Attempt::done : Attempt::hopeless;
    if (!folder_->is_settled())
        return Attempt::too_early;
    if (!folder_->remember(max_view_bytes))
        return Attempt::hopeless;
    News news(parking_->notify_socket);
    auto key = news.expect(folder_->watch_paths());
    if (!key) {
        log::debug("a session in IDLE keeps its process: ", key.error().text);
        return Attempt::hopeless;
    }
    tell_changes(maildir::Expunge::apply);
    if (!end_ && !client_.has_unsent() && park(tag_, *key))
        return Attempt::done;
    news.forget(*key);
    return Attempt::too_early;
}

}  // namespace mta::imapd
