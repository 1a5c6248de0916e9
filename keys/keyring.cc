#include "keys/keyring.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/encode.h"
#include "base/text.h"
#include "log/log.h"

namespace mta::keys {

namespace {

Result<tls::Pair> usable_pair(const tls::CertificateFiles& files, const Files& contents)
{
    auto pair = tls::read_pair(files, [&](const std::string& path) -> Result<std::string> {
        auto found = contents.find(path);
        return found == contents.end() ? failure(cat("nobody has opened ", path)) : found->second;
    });
    if (!pair)
        return pair;
    if (auto usable = tls::check_key_type(pair->key.get()); !usable)
        return failure(cat(files.key_parameter, ": ", files.key, ": ", usable.error().text));
    return pair;
}

}  // namespace

Keyring::Keyring(std::vector<Grant> grants) : grants_(std::move(grants))
{
    for (const auto& grant : grants_)
        for (const auto& files : grant.certificates)
            if (std::none_of(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.files == files; }))
                slots_.push_back({files, std::nullopt, std::nullopt, ""});
}

std::vector<std::string> Keyring::paths() const
{
    std::vector<std::string> all;
    for (const auto& slot : slots_)
        for (const auto* path : {&slot.files.chain, &slot.files.key})
            if (std::find(all.begin(), all.end(), *path) == all.end())
                all.push_back(*path);
    return all;
}

void Keyring::load(const Files& files)
{
    for (auto& slot : slots_)
        load(slot, files);
}

void Keyring::load(Slot& slot, const Files& files)
{
    auto pair = usable_pair(slot.files, files);
    if (!pair) {
        slot.fault = pair.error().text;
        if (slot.held)
            log::warning("keeping the former TLS certificate: ", slot.fault);
        else
            log::error("a TLS certificate cannot be used: ", slot.fault);
        return;
    }
    slot.fault.clear();
    Held fresh{tls::chain_text(pair->chain), tls::fingerprint(pair->key.get()), std::move(pair->key)};
    if (slot.held && slot.held->chain == fresh.chain)
        return;
    if (slot.held && slot.held->fingerprint != fresh.fingerprint)
        slot.replaced = std::move(slot.held);
    slot.held = std::move(fresh);
}

const Grant* Keyring::find(std::string_view service) const
{
    auto found = std::find_if(grants_.begin(), grants_.end(), [&](const Grant& grant) { return grant.service == service; });
    return found == grants_.end() ? nullptr : &*found;
}

const Keyring::Slot& Keyring::slot(const tls::CertificateFiles& files) const
{
    return *std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) { return slot.files == files; });
}

std::vector<std::string> Keyring::chains(std::string_view service) const
{
    std::vector<std::string> all;
    const auto* grant = find(service);
    if (!grant || !fault(service).empty())
        return all;
    for (const auto& files : grant->certificates)
        all.push_back(slot(files).held->chain);
    return all;
}

std::string Keyring::fault(std::string_view service) const
{
    if (const auto* grant = find(service))
        for (const auto& files : grant->certificates)
            if (!slot(files).held)
                return slot(files).fault;
    return {};
}

std::string Keyring::version(std::string_view service) const
{
    return hex_encode(sha256(cat(fault(service), "\n", join(chains(service), "\n"))));
}

EVP_PKEY* Keyring::key(std::string_view service, std::string_view fingerprint) const
{
    const auto* grant = find(service);
    if (!grant)
        return nullptr;
    for (const auto& files : grant->certificates)
        for (const auto* held : {&slot(files).held, &slot(files).replaced})
            if (*held && (*held)->fingerprint == fingerprint)
                return (*held)->key.get();
    return nullptr;
}

void Keyring::forget_replaced()
{
    for (auto& slot : slots_)
        slot.replaced.reset();
}

}  // namespace mta::keys
