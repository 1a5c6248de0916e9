#include "imap/structure.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "imap/write.h"
#include "mime/address.h"
#include "mime/content.h"
#include "mime/header.h"
#include "mime/lexer.h"

namespace mta::imap {

namespace {

using mime::Part;

void append_text_or_nil(std::string& out, const std::optional<std::string>& text)
{
    if (text)
        append_header_text(out, *text);
    else
        out.append("NIL");
}

// RFC 3501 section 7.4.2: a group is an entry whose host is NIL; its end one without a mailbox, too.
void append_address(std::string& out, const mime::Address& address)
{
    if (address.kind == mime::Address::Kind::group_end) {
        out.append("(NIL NIL NIL NIL)");
        return;
    }
    if (address.kind == mime::Address::Kind::group_start) {
        out.append("(NIL NIL ");
        append_header_text(out, address.name);
        out.append(" NIL)");
        return;
    }
    out.push_back('(');
    append_text_or_nil(out, address.name.empty() ? std::nullopt : std::optional(address.name));
    out.push_back(' ');
    append_text_or_nil(out, address.route.empty() ? std::nullopt : std::optional(address.route));
    out.push_back(' ');
    append_header_text(out, address.local_part);
    out.push_back(' ');
    append_header_text(out, address.domain);
    out.push_back(')');
}

// left: how many entries the message may still have.
std::string address_list(const std::optional<mime::Field>& field, std::size_t limit, std::size_t& left)
{
    auto addresses = field ? mime::parse_addresses(field->value, std::min(limit, left)) : std::vector<mime::Address>();
    left -= std::min(left, addresses.size());
    if (addresses.empty())
        return "NIL";
    std::string out = "(";
    for (const auto& address : addresses)
        append_address(out, address);
    return out + ")";
}

void append_parameters(std::string& out, const mime::Parameters& parameters)
{
    if (parameters.empty()) {
        out.append("NIL");
        return;
    }
    // RFC 2231 section 6: a server puts continued parameters together.
    char before = '(';
    for (const auto& parameter : mime::join_continuations(parameters)) {
        out.push_back(before);
        before = ' ';
        append_header_text(out, parameter.name);
        out.push_back(' ');
        append_header_text(out, parameter.value);
    }
    out.append(before == '(' ? "NIL" : ")");
}

void append_disposition(std::string& out, const mime::Header& header)
{
    auto field = header.find("Content-Disposition");
    auto disposition = field ? mime::parse_with_parameters(field->value) : mime::ValueWithParameters();
    if (disposition.value.empty()) {
        out.append("NIL");
        return;
    }
    out.push_back('(');
    append_header_text(out, disposition.value);
    out.push_back(' ');
    append_parameters(out, disposition.parameters);
    out.push_back(')');
}

void append_language(std::string& out, const mime::Header& header)
{
    auto value = mime::without_comments(header.value("Content-Language").value_or(""));
    auto languages = split_words(value, " \t\r\n,");
    if (languages.empty()) {
        out.append("NIL");
        return;
    }
    if (languages.size() == 1)
        return append_header_text(out, languages.front());
    char before = '(';
    for (auto language : languages) {
        out.push_back(before);
        before = ' ';
        append_header_text(out, language);
    }
    out.push_back(')');
}

// Disposition, language and location: the end of every part's extension data.
void append_common_extension(std::string& out, const mime::Header& header)
{
    out.push_back(' ');
    append_disposition(out, header);
    out.push_back(' ');
    append_language(out, header);
    out.push_back(' ');
    append_text_or_nil(out, header.value("Content-Location"));
}

// RFC 2045 section 5.2: text is US-ASCII if it does not say otherwise.
mime::Parameters shown_parameters(const mime::ContentType& type)
{
    auto parameters = type.parameters;
    if (type.type == "text" && !mime::raw_parameter(parameters, "charset"))
        parameters.push_back({"charset", "us-ascii"});
    return parameters;
}

std::string encoding_name(const mime::Header& header)
{
    auto value = mime::without_comments(header.value("Content-Transfer-Encoding").value_or(""));
    auto name = trim(value);
    return name.empty() ? "7bit" : lower(name);
}

// The fields that an envelope is made of, found in one pass: of each the first.
class EnvelopeFields {
public:
    enum Name { date, subject, from, sender, reply_to, to, cc, bcc, in_reply_to, message_id };

    explicit EnvelopeFields(std::string_view block)
    {
        for (const mime::Field& field : mime::Header(block))
            for (std::size_t i = 0; i < names.size(); ++i)
                if (field.name.size() == names[i].size() && !fields_[i] && field.is(names[i]))
                    fields_[i] = field;
    }
    const std::optional<mime::Field>& operator[](Name name) const { return fields_[name]; }
    std::optional<std::string> text(Name name) const
    {
        if (!fields_[name])
            return std::nullopt;
        return std::string(trim(mime::unfold(fields_[name]->value)));
    }

private:
    static constexpr std::array<std::string_view, 10> names{"Date", "Subject", "From", "Sender",      "Reply-To",
                                                            "To",   "Cc",      "Bcc",  "In-Reply-To", "Message-ID"};
    std::array<std::optional<mime::Field>, names.size()> fields_;
};

class StructureWriter {
public:
    StructureWriter(std::string_view message, bool is_extended, const mime::Limits& limits) : message_(message), is_extended_(is_extended), limits_(limits) {}

    std::string take() && { return std::move(out_); }

    void part(const Part& part)
    {
        out_.push_back('(');
        if (part.kind == Part::Kind::multipart)
            multipart(part);
        else
            single(part);
        out_.push_back(')');
    }

private:
    void multipart(const Part& whole)
    {
        for (const auto& child : whole.parts)
            part(child);
        out_.push_back(' ');
        append_header_text(out_, whole.type.subtype);
        if (!is_extended_)
            return;
        out_.push_back(' ');
        append_parameters(out_, whole.type.parameters);
        append_common_extension(out_, mime::Header(whole.header_of(message_)));
    }

    void single(const Part& part)
    {
        mime::Header header(part.header_of(message_));
        append_header_text(out_, part.type.type);
        out_.push_back(' ');
        append_header_text(out_, part.type.subtype);
        out_.push_back(' ');
        append_parameters(out_, shown_parameters(part.type));
        for (auto name : {"Content-ID", "Content-Description"}) {
            out_.push_back(' ');
            append_text_or_nil(out_, header.value(name));
        }
        out_.push_back(' ');
        append_header_text(out_, encoding_name(header));
        out_ += cat(" ", part.end - part.body);
        if (part.kind == Part::Kind::message)
            message_inside(part);
        if (part.kind == Part::Kind::message || part.type.type == "text")
            out_ += cat(" ", part.body_lines);
        if (!is_extended_)
            return;
        out_.push_back(' ');
        append_text_or_nil(out_, header.value("Content-MD5"));
        append_common_extension(out_, header);
    }

    void message_inside(const Part& outer)
    {
        const auto& inner = outer.parts.front();
        out_ += cat(" ", envelope(inner.header_of(message_), limits_), " ");
        part(inner);
    }

    std::string_view message_;
    bool is_extended_;
    const mime::Limits& limits_;
    std::string out_;
};

}  // namespace

std::string envelope(std::string_view block, const mime::Limits& limits)
{
    const EnvelopeFields fields(block);
    auto left = limits.addresses_of_message;
    std::string out = "(";
    append_text_or_nil(out, fields.text(EnvelopeFields::date));
    out.push_back(' ');
    append_text_or_nil(out, fields.text(EnvelopeFields::subject));
    auto from = address_list(fields[EnvelopeFields::from], limits.addresses, left);
    out += cat(" ", from);
    for (auto name : {EnvelopeFields::sender, EnvelopeFields::reply_to}) {
        auto list = address_list(fields[name], limits.addresses, left);
        out += cat(" ", list == "NIL" ? from : list);
    }
    for (auto name : {EnvelopeFields::to, EnvelopeFields::cc, EnvelopeFields::bcc})
        out += cat(" ", address_list(fields[name], limits.addresses, left));
    for (auto name : {EnvelopeFields::in_reply_to, EnvelopeFields::message_id}) {
        out.push_back(' ');
        append_text_or_nil(out, fields.text(name));
    }
    return out + ")";
}

std::string body_structure(std::string_view message, const mime::Part& root, bool is_extended, const mime::Limits& limits)
{
    StructureWriter writer(message, is_extended, limits);
    writer.part(root);
    return std::move(writer).take();
}

}  // namespace mta::imap
