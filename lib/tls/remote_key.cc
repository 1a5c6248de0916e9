#include "tls/remote_key.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "tls/context.h"
#include "tls/signing.h"

// A provider of OpenSSL 3 (provider-keymgmt(7), provider-signature(7)) in a library context of its own, so that nothing but
// the keys made here has to do with it.
namespace mta::tls {

namespace {

using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Release<EVP_PKEY_CTX_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Release<OSSL_PARAM_free>>;

constexpr const char* provider_name = "buuta";
constexpr const char* property = "provider=buuta";

// OpenSSL sees it as an opaque pointer; so is Signature below.
struct KeyData {
    std::string type;
    Key public_half;
    mutable std::string fingerprint = {};  // made when it is first wanted
};

struct Signature {
    const KeyData* key = nullptr;  // OpenSSL keeps it alive meanwhile
    std::string digest;
    bool is_pss = false;
};

Result<Key> made_from(OSSL_LIB_CTX* library, const std::string& type, const char* properties, const OSSL_PARAM* params)
{
    KeyContext context(EVP_PKEY_CTX_new_from_name(library, type.c_str(), properties));
    EVP_PKEY* made = nullptr;
    if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(params)) != 1)  // which only reads
        return Error{cat("cannot use the ", type, " key: ", library_error()), "4.7.5"};
    return Key(made);
}

// Keys: made by an import of the public half, and they answer for it.

template <char first_letter>
void* make_key(void*)
{
    constexpr const char* type = first_letter == 'R' ? "RSA" : first_letter == 'E' ? "EC" : "ED25519";
    return std::make_unique<KeyData>(KeyData{type, nullptr}).release();
}

void free_key(void* data) { std::unique_ptr<KeyData>(static_cast<KeyData*>(data)).reset(); }

int import_key(void* data, int, const OSSL_PARAM params[])
{
    auto& key = *static_cast<KeyData*>(data);
    auto made = made_from(nullptr, key.type, nullptr, params);
    if (!made)
        return 0;
    key.public_half = *std::move(made);
    return 1;
}

int export_key(void* data, int selection, OSSL_CALLBACK* receive, void* argument)
{
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
        return 0;
    return EVP_PKEY_export(static_cast<KeyData*>(data)->public_half.get(), EVP_PKEY_PUBLIC_KEY, receive, argument);
}

const OSSL_PARAM* key_types(int)
{
    static const OSSL_PARAM none = OSSL_PARAM_END;
    return &none;
}

int has(const void* data, int) { return static_cast<const KeyData*>(data)->public_half != nullptr; }

int match(const void* one, const void* other, int)
{
    return EVP_PKEY_eq(static_cast<const KeyData*>(one)->public_half.get(), static_cast<const KeyData*>(other)->public_half.get()) == 1;
}

int get_key_params(void* data, OSSL_PARAM params[])
{
    const auto& key = static_cast<KeyData*>(data)->public_half;
    return key ? EVP_PKEY_get_params(key.get(), params) : 1;
}

const char* ec_operation(int) { return "ECDSA"; }

// Signatures.

void* make_signature(void*, const char*) { return std::make_unique<Signature>().release(); }
void free_signature(void* data) { std::unique_ptr<Signature>(static_cast<Signature*>(data)).reset(); }

const Scheme* scheme_of(const Signature& signature)
{
    auto fits = [&](const Scheme& scheme) {
        return scheme.key_type == signature.key->type && scheme.is_pss == signature.is_pss && iequals(scheme.digest, signature.digest);
    };
    auto found = std::find_if(schemes.begin(), schemes.end(), fits);
    return found == schemes.end() ? nullptr : &*found;
}

bool is_text(const OSSL_PARAM& param, std::string_view text)
{
    return param.data_type == OSSL_PARAM_UTF8_STRING && std::string_view(static_cast<const char*>(param.data)) == text;
}

bool is_number(const OSSL_PARAM& param, int expected)
{
    int number = 0;
    return param.data_type != OSSL_PARAM_UTF8_STRING && OSSL_PARAM_get_int(&param, &number) == 1 && number == expected;
}

int set_params(void* data, const OSSL_PARAM params[])
{
    auto& signature = *static_cast<Signature*>(data);
    if (!params)
        return 1;
    if (const auto* mode = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) {
        signature.is_pss = is_text(*mode, OSSL_PKEY_RSA_PAD_MODE_PSS) || is_number(*mode, RSA_PKCS1_PSS_PADDING);
        if (!signature.is_pss && !is_text(*mode, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) && !is_number(*mode, RSA_PKCS1_PADDING))
            return 0;
    }
    const auto* salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
    return !salt || is_text(*salt, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) || is_number(*salt, RSA_PSS_SALTLEN_DIGEST);
}

const OSSL_PARAM* settable_params(void*, void*)
{
    static const OSSL_PARAM list[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
                                      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0), OSSL_PARAM_END};
    return list;
}

int begin(void* data, const char* digest, void* key, const OSSL_PARAM params[])
{
    auto& signature = *static_cast<Signature*>(data);
    if (key)
        signature.key = static_cast<const KeyData*>(key);
    signature.digest = replace_all(digest ? digest : "", "SHA2-", "SHA");  // both are OpenSSL's names
    return signature.key && set_params(data, params) == 1 && scheme_of(signature) != nullptr;
}

std::optional<std::string> to_be_signed(const Scheme& scheme, const unsigned char* text, std::size_t size)
{
    std::string bytes(reinterpret_cast<const char*>(text), size);
    if (!scheme.digest.empty()) {
        std::unique_ptr<EVP_MD, Release<EVP_MD_free>> digest(EVP_MD_fetch(nullptr, std::string(scheme.digest).c_str(), nullptr));
        bytes.resize(EVP_MAX_MD_SIZE);
        unsigned count = 0;
        if (EVP_Digest(text, size, reinterpret_cast<unsigned char*>(bytes.data()), &count, digest.get(), nullptr) != 1)
            return std::nullopt;
        bytes.resize(count);
    }
    if (bytes.size() < scheme.min_bytes || bytes.size() > scheme.max_bytes)
        return std::nullopt;
    return bytes;
}

int sign(void* data, unsigned char* into, std::size_t* size, std::size_t room, const unsigned char* text, std::size_t text_size)
{
    auto& signature = *static_cast<Signature*>(data);
    const auto* scheme = scheme_of(signature);
    auto most = static_cast<std::size_t>(EVP_PKEY_get_size(signature.key->public_half.get()));
    if (!into) {
        *size = most;
        return scheme != nullptr;
    }
    auto* signing = Signing::current();
    auto bytes = scheme && signing ? to_be_signed(*scheme, text, text_size) : std::nullopt;
    if (!bytes)
        return 0;
    if (signature.key->fingerprint.empty())
        signature.key->fingerprint = fingerprint(signature.key->public_half.get());
    auto made = signing->wait_for({signature.key->fingerprint, scheme, *std::move(bytes)});
    if (!made || made->empty() || made->size() > std::min(room, most))
        return 0;
    std::copy(made->begin(), made->end(), into);
    *size = made->size();
    return 1;
}

// The tables by which OpenSSL finds these functions.

template <class Function>
constexpr OSSL_DISPATCH entry(int id, Function* function)
{
    return {id, reinterpret_cast<void (*)(void)>(function)};
}

template <char first_letter>
const OSSL_DISPATCH* key_functions()
{
    static const OSSL_DISPATCH ec = first_letter == 'E' ? entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation) : OSSL_DISPATCH{0, nullptr};
    static const OSSL_DISPATCH list[] = {
        entry(OSSL_FUNC_KEYMGMT_NEW, make_key<first_letter>),
        entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
        entry(OSSL_FUNC_KEYMGMT_IMPORT, import_key),
        entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types),
        entry(OSSL_FUNC_KEYMGMT_EXPORT, export_key),
        entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types),
        entry(OSSL_FUNC_KEYMGMT_HAS, has),
        entry(OSSL_FUNC_KEYMGMT_MATCH, match),
        entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key_params),
        entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, +[](void*) { return key_types(0); }),
        ec,
        {0, nullptr}};
    return list;
}

const OSSL_ALGORITHM* algorithms(void*, int operation, int* must_ask_again)
{
    static const OSSL_DISPATCH signature_functions[] = {entry(OSSL_FUNC_SIGNATURE_NEWCTX, make_signature),
                                                        entry(OSSL_FUNC_SIGNATURE_FREECTX, free_signature),
                                                        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin),
                                                        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
                                                        entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_params),
                                                        entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable_params),
                                                        {0, nullptr}};
    static const OSSL_ALGORITHM keys[] = {{"RSA:rsaEncryption", property, key_functions<'R'>(), nullptr},
                                          {"EC:id-ecPublicKey", property, key_functions<'E'>(), nullptr},
                                          {"ED25519", property, key_functions<'2'>(), nullptr},
                                          {nullptr, nullptr, nullptr, nullptr}};
    static const OSSL_ALGORITHM signatures[] = {{"RSA:rsaEncryption", property, signature_functions, nullptr},
                                                {"ECDSA", property, signature_functions, nullptr},
                                                {"ED25519", property, signature_functions, nullptr},
                                                {nullptr, nullptr, nullptr, nullptr}};
    *must_ask_again = 0;
    return operation == OSSL_OP_KEYMGMT ? keys : operation == OSSL_OP_SIGNATURE ? signatures : nullptr;
}

int start_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context)
{
    static const OSSL_DISPATCH list[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, algorithms), {0, nullptr}};
    *functions = list;
    *context = const_cast<OSSL_CORE_HANDLE*>(handle);  // not used, but null would mean failure
    return 1;
}

struct Library {
    std::unique_ptr<OSSL_LIB_CTX, Release<OSSL_LIB_CTX_free>> context{OSSL_LIB_CTX_new()};
    std::unique_ptr<OSSL_PROVIDER, Release<OSSL_PROVIDER_unload>> provider = {};
};

// Null if that does not work.
OSSL_LIB_CTX* library()
{
    static const Library only = [] {
        Library made;
        if (made.context && OSSL_PROVIDER_add_builtin(made.context.get(), provider_name, start_provider) == 1)
            made.provider.reset(OSSL_PROVIDER_load(made.context.get(), provider_name));
        return made;
    }();
    return only.provider ? only.context.get() : nullptr;
}

}  // namespace

Result<Key> remote_key(const EVP_PKEY* public_half)
{
    if (auto usable = check_key_type(public_half); !usable)
        return usable.error();
    if (!library())
        return Error{cat("cannot use keys of another process: ", library_error()), "4.7.5"};
    OSSL_PARAM* params = nullptr;
    if (EVP_PKEY_todata(public_half, EVP_PKEY_PUBLIC_KEY, &params) != 1)
        return Error{cat("cannot use the public key: ", library_error()), "4.7.5"};
    Params owner(params);
    return made_from(library(), EVP_PKEY_get0_type_name(public_half), property, params);
}

}  // namespace mta::tls
