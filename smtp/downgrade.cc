#include "smtp/downgrade.h"

#include "base/text.h"
#include "mime/header.h"
#include "mime/structure.h"
#include "mime/transfer.h"

namespace mta::smtpc {

namespace {

constexpr std::string_view encoding_field = "Content-Transfer-Encoding";

std::size_t count(const mime::Part& part)
{
    std::size_t all = 1;
    for (const auto& inner : part.parts)
        all += count(inner);
    return all;
}

class Downgrade {
public:
    explicit Downgrade(std::string_view message) : message_(message) {}

    std::string run(const mime::Limits& limits)
    {
        auto root = mime::parse_structure(message_, limits);
        auto parts = count(root);
        number_of_full_ = parts >= limits.parts ? parts : 0;
        part(root);
        copy(message_.size());
        return std::move(out_);
    }

private:
    void part(const mime::Part& part)
    {
        copy(part.begin);
        bool is_leaf = part.kind == mime::Part::Kind::leaf;
        if (++number_ == number_of_full_ || (is_leaf && has_parts(part)))
            return;
        auto value = mime::Header(part.header_of(message_)).value(encoding_field);
        bool is_eight_bit = value && (iequals(*value, "8bit") || iequals(*value, "binary"));
        if (is_eight_bit)
            header(part, is_leaf ? "quoted-printable" : "7bit");
        if (is_eight_bit && is_leaf) {
            out_ += mime::encode_quoted_printable(part.body_of(message_));
            copied_ = part.end;
        }
        for (const auto& inner : part.parts)
            this->part(inner);
    }

    // Whether it is a leaf only to us: RFC 2045 section 6.4 forbids to encode what has parts, as nobody would find them again.
    bool has_parts(const mime::Part& part) const
    {
        auto type = lower(mime::Header(part.header_of(message_)).value("Content-Type").value_or(""));
        return type.starts_with("multipart/") || type.starts_with("message/rfc822");
    }

    void header(const mime::Part& part, std::string_view encoding)
    {
        for (const auto& field : mime::Header(part.header_of(message_))) {
            copy(part.begin + field.offset);
            if (!field.is(encoding_field))
                continue;
            out_ += cat(encoding_field, ": ", encoding, "\n");
            copied_ += field.raw.size();
        }
        copy(part.body);
    }

    void copy(std::size_t end)
    {
        out_ += message_.substr(copied_, end - copied_);
        copied_ = end;
    }

    std::string_view message_;
    std::string out_;
    std::size_t copied_ = 0;       // so much of the message is in it
    std::size_t number_ = 0;       // of the part, from 1
    std::size_t number_of_full_ = 0;  // of the last part, if it has in it what was behind the most parts that we look at
};

}  // namespace

std::string downgraded(std::string_view message, const mime::Limits& limits) { return Downgrade(message).run(limits); }

}  // namespace mta::smtpc
