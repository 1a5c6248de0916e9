#include "service/return_ticket.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "ipc/message.h"

namespace mta::service {

namespace {

constexpr std::string_view prefix = "return.";
constexpr unsigned for_others = 077;

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

Result<void> make_return_secret(const std::string& path)
{
    auto secret = random_bytes(32);
    auto done = replace_file(path, secret, 0600);
    OPENSSL_cleanse(secret.data(), secret.size());
    return done;
}

Result<ReturnSecret> ReturnSecret::load(const std::string& path)
{
    Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return errno_error(path);
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & for_others) != 0)
        return failure(cat(path, ": others may read or write it"));
    ReturnSecret made;
    if (::read(fd.get(), made.secret_.data(), secret_bytes) != static_cast<ssize_t>(secret_bytes))
        return failure(cat(path, ": is too short"));
    made.is_wiped_ = false;
    return made;
}

ReturnSecret::ReturnSecret(ReturnSecret&& other) noexcept : secret_(other.secret_), is_wiped_(other.is_wiped_) { other.wipe(); }

void ReturnSecret::wipe()
{
    OPENSSL_cleanse(secret_.data(), secret_.size());
    is_wiped_ = true;
}

std::string ReturnSecret::sign(std::string_view claim) const { return hmac_sha256({secret_.data(), secret_.size()}, claim); }

bool ReturnSecret::is_return_ticket(std::string_view ticket) { return ticket.starts_with(prefix); }

std::string ReturnSecret::ticket(const Account& account, const std::string& protocol) const
{
    if (is_wiped_)
        return {};
    auto claim = ipc::pack(Claim{protocol, account}).body();
    return cat(prefix, base64_encode(claim), ".", hex_encode(sign(claim)));
}

Result<Account> ReturnSecret::redeem(std::string_view ticket, std::string_view protocol) const
{
    auto dot = ticket.rfind('.');
    if (is_wiped_ || !is_return_ticket(ticket) || dot < prefix.size())
        return not_ours();
    auto claim = base64_decode(ticket.substr(prefix.size(), dot - prefix.size()));
    auto signature = hex_decode(ticket.substr(dot + 1));
    if (!claim || !signature || !equal_in_constant_time(*signature, sign(*claim)))
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
