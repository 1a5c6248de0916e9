#include "mime/words.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encode.h"
#include "base/text.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/transfer.h"

namespace mta::mime {

namespace {

constexpr std::size_t max_word_bytes = 4096;  // RFC 2047 allows 75; a bound keeps hostile fields linear

struct EncodedWord {
    std::string charset;
    std::string bytes;
    std::size_t size = 0;  // of the whole word as written
};

// RFC 2047 section 4.2: "_" is a space.
std::string decode_q(std::string_view text)
{
    std::string with_spaces(text);
    std::replace(with_spaces.begin(), with_spaces.end(), '_', ' ');
    // A trailing space is text here, not something that was added on the way.
    auto blanks = with_spaces.size() - (with_spaces.find_last_not_of(' ') + 1);
    auto decoded = decode_quoted_printable(with_spaces);
    return decoded.append(blanks, ' ');
}

// The encoded word that the text starts with. Takes white space within a "Q" text, which some programs write.
std::optional<EncodedWord> encoded_word(std::string_view text)
{
    if (!text.starts_with("=?"))
        return std::nullopt;
    text = text.substr(0, max_word_bytes);
    auto second = text.find('?', 2);
    if (second == std::string_view::npos || second + 2 >= text.size() || text[second + 2] != '?')
        return std::nullopt;
    auto body_begin = second + 3;
    auto end = text.find("?=", body_begin);
    if (end == std::string_view::npos)
        return std::nullopt;
    auto charset = text.substr(2, second - 2);
    charset = charset.substr(0, charset.find('*'));  // RFC 2231 section 5: a language may follow
    auto body = text.substr(body_begin, end - body_begin);
    char kind = lower(text[second + 1]);
    if (charset.empty() || !is_known_charset(charset) || (kind != 'b' && kind != 'q') || body.find('?') != std::string_view::npos)
        return std::nullopt;
    return EncodedWord{std::string(charset), kind == 'b' ? decode_base64(body) : decode_q(body), end + 2};
}

// Joins the words as they come, so that a character may be split between two of them.
class WordsReader {
public:
    explicit WordsReader(std::string text) : text_(std::move(text)) {}

    std::string read()
    {
        std::string_view rest = text_;
        while (!rest.empty()) {
            auto word = encoded_word(rest);
            if (word) {
                add(*word);
                rest.remove_prefix(word->size);
                continue;
            }
            auto next = rest.find("=?", 1);
            plain(rest.substr(0, next));
            rest.remove_prefix(next == std::string_view::npos ? rest.size() : next);
        }
        flush();
        return std::move(out_);
    }

private:
    void add(const EncodedWord& word)
    {
        if (is_after_word_)
            gap_.clear();
        if (!iequals(word.charset, charset_))
            flush();
        out_ += std::exchange(gap_, {});
        charset_ = word.charset;
        pending_ += word.bytes;
        is_after_word_ = true;
    }

    void plain(std::string_view text)
    {
        if (trim(text).empty() && is_after_word_) {
            gap_ = text;
            return;
        }
        flush();
        out_ += std::exchange(gap_, {});
        out_ += guess_utf8(text);
        is_after_word_ = false;
    }

    void flush()
    {
        if (!pending_.empty())
            out_ += to_utf8(pending_, charset_).value_or(pending_);
        pending_.clear();
        charset_.clear();
    }

    std::string text_, out_, pending_, charset_, gap_;
    bool is_after_word_ = false;
};

}  // namespace

std::string decode_words(std::string_view value)
{
    if (value.find("=?") == std::string_view::npos)
        return guess_utf8(unfold(value));
    return WordsReader(unfold(value)).read();
}

std::string encode_words(std::string_view text)
{
    constexpr std::size_t max_bytes = 45;  // 60 in base64, 72 with what stands around
    auto utf8 = guess_utf8(text);
    std::string out;
    for (std::string_view rest = utf8; !rest.empty();) {
        auto size = std::min(rest.size(), max_bytes);
        while (size < rest.size() && (static_cast<unsigned char>(rest[size]) & 0xc0) == 0x80)  // not within a character
            --size;
        out += cat(out.empty() ? "" : " ", "=?utf-8?B?", base64_encode(rest.substr(0, size)), "?=");
        rest.remove_prefix(size);
    }
    return out;
}

}  // namespace mta::mime
