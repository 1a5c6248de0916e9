#include "mime/charset.h"

#include <iconv.h>
#include <unicase.h>
#include <uninorm.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/text.h"

namespace mta::mime {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

// Names as mail writes them, and iconv's name where another set is what senders mean by it.
struct Charset { std::string_view name, iconv; };
constexpr Charset charsets[] = {
    {"iso-8859-1", "CP1252"}, {"iso8859-1", "CP1252"}, {"latin1", "CP1252"}, {"us-ascii", "CP1252"},
    {"ascii", "CP1252"}, {"ansi_x3.4-1968", "CP1252"}, {"windows-1252", "CP1252"}, {"cp1252", "CP1252"},
    {"iso-8859-2", {}}, {"iso-8859-3", {}}, {"iso-8859-4", {}}, {"iso-8859-5", {}}, {"iso-8859-6", {}},
    {"iso-8859-7", {}}, {"iso-8859-8", {}}, {"iso-8859-8-i", "ISO-8859-8"}, {"iso-8859-9", {}}, {"iso-8859-10", {}},
    {"iso-8859-11", {}}, {"iso-8859-13", {}}, {"iso-8859-14", {}}, {"iso-8859-15", {}}, {"iso-8859-16", {}},
    {"windows-1250", "CP1250"}, {"windows-1251", "CP1251"}, {"windows-1253", "CP1253"}, {"windows-1254", "CP1254"},
    {"windows-1255", "CP1255"}, {"windows-1256", "CP1256"}, {"windows-1257", "CP1257"}, {"windows-1258", "CP1258"},
    {"cp1250", {}}, {"cp1251", {}}, {"windows-874", "CP874"}, {"tis-620", "CP874"},
    {"koi8-r", {}}, {"koi8-u", {}}, {"cp437", {}}, {"cp850", {}}, {"cp852", {}}, {"cp866", {}}, {"ibm437", {}},
    {"ibm850", {}}, {"ibm852", {}}, {"ibm866", {}}, {"macintosh", {}}, {"viscii", {}}, {"tcvn5712-1", {}},
    {"gb2312", "GB18030"}, {"gbk", "GB18030"}, {"gb18030", {}}, {"cp936", "GB18030"}, {"big5", "BIG5-HKSCS"},
    {"big5-hkscs", {}}, {"cp950", {}}, {"euc-tw", {}}, {"euc-jp", {}}, {"iso-2022-jp", "ISO-2022-JP-2"},
    {"iso-2022-jp-2", {}}, {"shift_jis", "CP932"}, {"shift-jis", "CP932"}, {"x-sjis", "CP932"}, {"cp932", {}},
    {"windows-31j", "CP932"}, {"euc-kr", "CP949"}, {"ks_c_5601-1987", "CP949"}, {"cp949", {}}, {"iso-2022-kr", {}},
    {"utf-7", {}}, {"utf-16", {}}, {"utf-16le", {}}, {"utf-16be", {}}, {"utf-32", {}}, {"utf-32le", {}}, {"utf-32be", {}},
};

bool is_utf8_name(std::string_view charset) { return iequals(charset, "utf-8") || iequals(charset, "utf8"); }
bool is_ascii_name(std::string_view charset) { return iequals(charset, "us-ascii") || iequals(charset, "ascii"); }

const Charset* find_charset(std::string_view name)
{
    for (const auto& charset : charsets)
        if (iequals(name, charset.name))
            return &charset;
    return nullptr;
}

// One open iconv descriptor.
class Converter {
public:
    explicit Converter(const std::string& from) : handle_(::iconv_open("UTF-8", from.c_str())) {}
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    ~Converter()
    {
        if (is_open())
            ::iconv_close(handle_);
    }
    bool is_open() const { return handle_ != iconv_t(-1); }

    std::string convert(std::string_view bytes)
    {
        std::string out;
        std::string in(bytes);  // iconv wants a char*
        char* next = in.data();
        std::size_t left = in.size();
        ::iconv(handle_, nullptr, nullptr, nullptr, nullptr);
        while (left > 0)
            step(next, left, out);
        step_end(out);
        return out;
    }

private:
    void step(char*& next, std::size_t& left, std::string& out)
    {
        char* to = chunk_.data();
        std::size_t room = chunk_.size();
        auto result = ::iconv(handle_, &next, &left, &to, &room);
        int why = errno;
        out.append(chunk_.data(), chunk_.size() - room);
        if (result != static_cast<std::size_t>(-1) || why == E2BIG)
            return;
        out.append(replacement);
        if (why != EILSEQ) {  // the text ends within a character
            left = 0;
            return;
        }
        ++next;
        --left;
    }

    void step_end(std::string& out)
    {
        char* to = chunk_.data();
        std::size_t room = chunk_.size();
        ::iconv(handle_, nullptr, nullptr, &to, &room);
        out.append(chunk_.data(), chunk_.size() - room);
    }

    iconv_t handle_;
    std::array<char, 4096> chunk_{};  // here, as compilers may fill variables with zeros: that would cost more than a character
};

// Opened once for each process and kept: opening costs a search in the file system, which a sandbox may forbid.
Converter* converter(const Charset& charset)
{
    static std::map<std::string_view, std::unique_ptr<Converter>> open;
    auto name = charset.iconv.empty() ? charset.name : charset.iconv;
    auto& slot = open[name];
    if (!slot)
        slot = std::make_unique<Converter>(upper(name));
    return slot->is_open() ? slot.get() : nullptr;
}

// Broken sequences become U+FFFD, one for each byte.
std::string repaired_utf8(std::string_view bytes)
{
    std::string out;
    while (!bytes.empty()) {
        std::size_t size = 1;
        while (size < 4 && size < bytes.size() && !is_utf8(bytes.substr(0, size)))
            ++size;
        bool is_good = is_utf8(bytes.substr(0, size));
        out.append(is_good ? bytes.substr(0, size) : replacement);
        bytes.remove_prefix(is_good ? size : 1);
    }
    return out;
}

}  // namespace

bool is_known_charset(std::string_view charset) { return is_utf8_name(charset) || find_charset(charset) != nullptr; }

std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset)
{
    if (is_utf8_name(charset))
        return is_utf8(bytes) ? std::string(bytes) : repaired_utf8(bytes);
    const auto* known = find_charset(charset);
    if (known == nullptr)
        return std::nullopt;
    if (is_ascii_name(charset))
        return guess_utf8(bytes);
    auto* open = converter(*known);
    if (open == nullptr)
        return std::nullopt;
    return open->convert(bytes);
}

std::string guess_utf8(std::string_view bytes)
{
    if (is_utf8(bytes))
        return std::string(bytes);
    auto* open = converter(*find_charset("windows-1252"));
    return open != nullptr ? open->convert(bytes) : repaired_utf8(bytes);
}

void preload_charsets()
{
    for (const auto& charset : charsets)
        converter(charset);
}

std::string fold_case(std::string_view utf8)
{
    if (is_ascii(utf8) || !is_utf8(utf8))
        return lower(utf8);
    std::size_t size = 0;
    std::unique_ptr<std::uint8_t, Release<std::free>> folded(::u8_casefold(
        reinterpret_cast<const std::uint8_t*>(utf8.data()), utf8.size(), nullptr, UNINORM_NFC, nullptr, &size));
    if (!folded)  // no memory
        return lower(utf8);
    return {reinterpret_cast<const char*>(folded.get()), size};
}

}  // namespace mta::mime
