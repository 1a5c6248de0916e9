#include "cleanup/aliases.h"

#include <algorithm>

#include "base/text.h"

namespace mta::cleanup {

namespace {

constexpr std::size_t ask_at_once = 10;

class Expansion {
public:
    explicit Expansion(const std::vector<queue::Recipient>& recipients) : recipients_(recipients) {}

    bool is_complete() const { return at_ == recipients_.size(); }

    service::ResolveRequest next_question(const std::string& reverse_path) const
    {
        service::ResolveRequest request{"expand", reverse_path, {}, static_cast<long>(skip_)};
        for (auto i = at_; i < std::min(at_ + ask_at_once, recipients_.size()); ++i)
            request.recipients.push_back({recipients_[i].address});
        return request;
    }

    // The result for the recipient that is next, perhaps a part of it.
    Result<void> take(const service::Resolved& result)
    {
        if (!result.status.empty())
            return Error{result.text, result.status};
        const auto& original = recipients_[at_];
        if (skip_ > 0 && result.expansion != expansion_)
            return failure(cat("virtual aliases of ", original.address, " have changed meanwhile"));
        if (result.has_more && result.expanded.empty())
            return failure("bad answer of service rewrite");
        for (const auto& address : result.expanded) {
            bool same = address == original.address;
            auto before = original.original.empty() && !same ? original.address : original.original;
            expanded_.push_back({address, before, original.orcpt, original.notify});
        }
        expansion_ = result.expansion;
        skip_ = result.has_more ? skip_ + result.expanded.size() : 0;
        at_ += !result.has_more;
        return {};
    }

    std::vector<queue::Recipient> expanded() { return std::move(expanded_); }

private:
    const std::vector<queue::Recipient>& recipients_;
    std::vector<queue::Recipient> expanded_;
    std::size_t at_ = 0;           // the recipient that is next
    std::size_t skip_ = 0;         // so much of its expansion came before
    std::string expansion_;
};

}  // namespace

Result<std::vector<queue::Recipient>> expand_aliases(const std::vector<queue::Recipient>& recipients, const std::string& reverse_path,
                                                     const AskRewrite& ask)
{
    Expansion expansion(recipients);
    while (!expansion.is_complete()) {
        auto question = expansion.next_question(reverse_path);
        auto reply = ask(question);
        if (!reply)
            return reply.error();
        if (reply->results.empty() || reply->results.size() > question.recipients.size())
            return failure("bad answer of service rewrite");
        for (const auto& result : reply->results)
            if (auto done = expansion.take(result); !done)
                return done.error();
    }
    auto expanded = expansion.expanded();
    if (expanded.empty())
        return failure("virtual aliases leave no recipient");
    return expanded;
}

}  // namespace mta::cleanup
