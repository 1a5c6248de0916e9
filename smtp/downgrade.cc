#include "smtp/downgrade.h"

#include "base/text.h"
#include "mime/header.h"
#include "mime/structure.h"
#include "mime/transfer.h"

namespace mta::smtpc {

namespace {

constexpr std::string_view encoding_field = "Content-Transfer-Encoding";

class Downgrade {
public:
    explicit Downgrade(std::string_view message) : message_(message) {}

    std::string run(const mime::Limits& limits)
    {
        part(mime::parse_structure(message_, limits));
        copy(message_.size());
        return std::move(out_);
    }

private:
    void part(const mime::Part& part)
    {
        copy(part.begin);
        auto value = mime::Header(part.header_of(message_)).value(encoding_field);
        bool is_leaf = part.kind == mime::Part::Kind::leaf;
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
};

}  // namespace

std::string downgraded(std::string_view message, const mime::Limits& limits) { return Downgrade(message).run(limits); }

}  // namespace mta::smtpc
