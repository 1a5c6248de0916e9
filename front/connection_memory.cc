#include "front/connection.h"
#include "front/server.h"
#include "net/limit_hits.h"

// What a Connection holds for its client: bounded, whatever that sends and however little it takes.
namespace mta::front {

namespace {

std::size_t bytes_of(const std::optional<std::string>& text) { return text ? text->size() : 0; }

std::size_t bytes_of(const service::Session& session)
{
    return session.helo.size() + session.counters.size() + session.sasl_username.size() + session.tag.size() + session.pending.size() +
           bytes_of(session.view) + bytes_of(session.idle_tag) + bytes_of(session.wake);
}

}  // namespace

// Who does not take our answers gets no more of them: its commands wait.
bool Connection::can_answer()
{
    if (wire_.unsent() < max_unsent_bytes)
        return true;
    return wire_.flush() && wire_.unsent() < max_unsent_bytes;
}

// False if the client has made us hold too much, and was sent away for it.
bool Connection::keep_account()
{
    const auto& settings = server_.settings().front;
    bool is_known = session_.is_authenticated();
    budget_.set_limit(settings.memory.limit_for(is_known).number());
    auto held = in_.size() + wire_.unsent() + dialog_->held_bytes() + bytes_of(session_);
    if (held_.resize(held) || state_ != State::talking)
        return true;
    net::limit_hit(is_known ? "authenticated_client_memory_limit" : "client_memory_limit", address_, cat(held));
    dialog_->say_unavailable("too much to keep for this client");
    close(End::refused);
    return false;
}

}  // namespace mta::front
