#include "service/return_ticket.h"

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "ipc/message.h"

namespace mta::service {

namespace {

constexpr std::string_view prefix = "return.";

// What is signed: an attribute list, in which no value can reach into the next one.
struct Claim {
    std::string protocol;
    Account account;

    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("protocol", self.protocol);
        visit("user", self.account.user);
        visit("owner", self.account.owner);
        visit("home", self.account.home);
        visit("mail", self.account.mail);
    }
};

Error not_ours() { return Error{"the ticket of a session that comes back is not ours", "5.7.8"}; }

}  // namespace

std::string return_secret_path(const std::string& queue_directory) { return cat(queue_directory, "/pid/return.secret"); }

bool ReturnSecret::is_return_ticket(std::string_view ticket) { return ticket.starts_with(prefix); }

std::string ReturnSecret::ticket(const Account& account, const std::string& protocol) const
{
    if (is_wiped())
        return {};
    auto claim = ipc::pack(Claim{protocol, account}).body();
    return cat(prefix, base64_encode(claim), ".", hex_encode(secret_.sign(claim)));
}

Result<Account> ReturnSecret::redeem(std::string_view ticket, std::string_view protocol) const
{
    auto dot = ticket.rfind('.');
    if (is_wiped() || !is_return_ticket(ticket) || dot < prefix.size())
        return not_ours();
    auto claim = base64_decode(ticket.substr(prefix.size(), dot - prefix.size()));
    auto signature = hex_decode(ticket.substr(dot + 1));
    if (!claim || !signature || !equal_in_constant_time(*signature, secret_.sign(*claim)))
        return not_ours();
    ipc::Message message;
    claim->push_back('\0');
    auto size = ipc::Message::take(*claim, message);
    auto read = size && *size == claim->size() ? ipc::unpack<Claim>(message) : Result<Claim>(not_ours());
    if (!read || read->protocol != protocol)
        return not_ours();
    return std::move(read->account);
}

}  // namespace mta::service
