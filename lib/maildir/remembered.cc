#include "maildir/remembered.h"

#include <limits>

namespace mta::maildir {
namespace {

constexpr char version = 1;
constexpr std::size_t max_messages = std::size_t{1} << 22;  // what some bytes may become
constexpr std::uint8_t all_flags = seen | answered | flagged | deleted | draft;
constexpr std::uint8_t recent_bit = 32, expunged_bit = 64, same_keywords_bit = 128;

void put_number(std::string& out, std::uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        out.push_back(static_cast<char>(number | 0x80));
    out.push_back(static_cast<char>(number));
}

void put_text(std::string& out, std::string_view text)
{
    put_number(out, text.size());
    out += text;
}

bool is_same_run(const Message& a, const Message& b)
{
    return b.uid == a.uid + 1 && a.flags == b.flags && a.is_recent == b.is_recent && a.is_expunged == b.is_expunged && a.keywords == b.keywords;
}

// Takes the bytes apart; after the first that is wrong nothing comes any more.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    template <class Number>
    Number number()
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0;; shift += 7) {
            auto byte = this->byte();
            auto bits = static_cast<std::uint64_t>(byte & 0x7f);
            if (shift > 63 || bits << shift >> shift != bits)
                is_bad_ = true;
            if (is_bad_)
                return 0;
            value |= bits << shift;
            if (byte < 0x80)
                break;
        }
        if (value > std::numeric_limits<Number>::max())
            is_bad_ = true;
        return is_bad_ ? Number{} : static_cast<Number>(value);
    }

    std::uint8_t byte()
    {
        if (bytes_.empty())
            is_bad_ = true;
        if (is_bad_)
            return 0;
        auto first = static_cast<std::uint8_t>(bytes_.front());
        bytes_.remove_prefix(1);
        return first;
    }

    std::string text()
    {
        auto size = number<std::size_t>();
        if (size > bytes_.size())
            is_bad_ = true;
        if (is_bad_)
            return {};
        std::string text(bytes_.substr(0, size));
        bytes_.remove_prefix(size);
        return text;
    }

    bool at_end() const { return bytes_.empty() || is_bad_; }
    bool is_bad() const { return is_bad_; }
    void refuse() { is_bad_ = true; }

private:
    std::string_view bytes_;
    bool is_bad_ = false;
};

void put_run(std::string& out, const Message& first, std::uint64_t gap, std::size_t count, bool same_keywords)
{
    put_number(out, gap);
    put_number(out, count);
    auto bits = static_cast<std::uint8_t>(first.flags | (first.is_recent ? recent_bit : 0) | (first.is_expunged ? expunged_bit : 0) |
                                          (same_keywords ? same_keywords_bit : 0));
    out.push_back(static_cast<char>(bits));
    if (!same_keywords)
        put_number(out, first.keywords);
}

// One run more; false if it cannot be one.
bool take_run(Reader& reader, Remembered& view)
{
    auto next = view.messages.empty() ? std::uint64_t{1} : std::uint64_t{view.messages.back().uid} + 1;
    Keywords before = view.messages.empty() ? 0 : view.messages.back().keywords;
    auto first = next + reader.number<Uid>();
    auto count = reader.number<std::size_t>();
    auto bits = reader.byte();
    Message message;
    message.keywords = bits & same_keywords_bit ? before : reader.number<Keywords>();
    if (reader.is_bad() || count == 0 || count > max_messages - view.messages.size() || first + count > view.uid_next)
        return false;
    message.flags = bits & all_flags;
    message.is_recent = (bits & recent_bit) != 0;
    message.is_expunged = (bits & expunged_bit) != 0;
    for (auto uid = first; uid < first + count; ++uid) {
        message.uid = static_cast<Uid>(uid);
        view.messages.push_back(message);
    }
    return true;
}

}  // namespace

std::optional<std::string> encode(const Remembered& view, std::size_t max_bytes)
{
    if (view.messages.size() > max_messages)
        return std::nullopt;
    std::string out(1, version);
    put_text(out, view.name);
    out.push_back(view.is_read_only ? 1 : 0);
    put_number(out, view.uid_validity);
    put_number(out, view.uid_next);
    put_number(out, view.keywords.size());
    for (const auto& keyword : view.keywords)
        put_text(out, keyword);
    std::uint64_t next = 1;
    Keywords before = 0;
    const auto& all = view.messages;
    for (std::size_t begin = 0, end = 0; begin < all.size() && out.size() <= max_bytes; begin = end) {
        for (end = begin + 1; end < all.size() && is_same_run(all[end - 1], all[end]);)
            ++end;
        put_run(out, all[begin], all[begin].uid - next, end - begin, all[begin].keywords == before);
        next = std::uint64_t{all[end - 1].uid} + 1;
        before = all[begin].keywords;
    }
    if (out.size() > max_bytes)
        return std::nullopt;
    return out;
}

std::optional<Remembered> decode(std::string_view bytes)
{
    Reader reader(bytes);
    Remembered view;
    if (reader.byte() != version)
        return std::nullopt;
    view.name = reader.text();
    view.is_read_only = reader.byte() != 0;
    view.uid_validity = reader.number<std::uint32_t>();
    view.uid_next = reader.number<Uid>();
    auto keywords = reader.number<std::size_t>();
    if (keywords > max_keywords)
        reader.refuse();
    while (!reader.is_bad() && view.keywords.size() < keywords)
        view.keywords.push_back(reader.text());
    while (!reader.at_end())
        if (!take_run(reader, view))
            return std::nullopt;
    if (reader.is_bad() || view.uid_validity == 0)
        return std::nullopt;
    return view;
}

}  // namespace mta::maildir
