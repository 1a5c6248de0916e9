#include "trivial-rewrite/expansion.h"

#include "base/checksum.h"
#include "ipc/message.h"
#include "log/log.h"

namespace mta::rewrite {

namespace {

constexpr std::size_t reply_bytes = ipc::max_message_bytes / 2;  // of addresses; there is more in a message than they
constexpr std::size_t address_extra_bytes = 16;

// Takes the part from the addresses that begins behind the skipped ones and has room; at least one address.
void take_part(std::vector<std::string> all, std::size_t skip, std::size_t& room, service::Resolved& result)
{
    result.expansion = cat(all.size(), ":", crc32c(join(all, "\n")));
    for (auto i = skip; i < all.size(); ++i) {
        auto bytes = all[i].size() + address_extra_bytes;
        if (bytes > room && !result.expanded.empty()) {
            result.has_more = true;
            room = 0;
            return;
        }
        room -= std::min(bytes, room);
        result.expanded.push_back(std::move(all[i]));
    }
}

}  // namespace

service::ResolveReply expand(const route::Router& router, const service::ResolveRequest& request)
{
    service::ResolveReply reply;
    auto room = reply_bytes;
    auto skip = static_cast<std::size_t>(std::max(request.skip, 0L));
    for (const auto& recipient : request.recipients) {
        if (room == 0)
            break;
        auto& result = reply.results.emplace_back();
        result.recipient = router.normalise(recipient.address);
        if (auto expanded = router.expand(recipient.address)) {
            take_part(*std::move(expanded), skip, room, result);
        } else {
            if (!expanded.error().is_permanent())
                log::warning(recipient.address, ": ", expanded.error().text);
            result.status = expanded.error().status;
            result.text = expanded.error().text;
        }
        skip = 0;
    }
    return reply;
}

}  // namespace mta::rewrite
