#include "dns/answer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/encode.h"
#include "base/text.h"
#include "dns/name.h"

namespace mta::dns {

namespace {

constexpr std::array<std::pair<Type, std::string_view>, 10> types{{
    {Type::a, "A"}, {Type::ns, "NS"}, {Type::cname, "CNAME"}, {Type::soa, "SOA"}, {Type::ptr, "PTR"}, {Type::mx, "MX"},
    {Type::txt, "TXT"}, {Type::aaaa, "AAAA"}, {Type::srv, "SRV"}, {Type::tlsa, "TLSA"},
}};
constexpr std::array<std::string_view, 5> statuses{"found", "nxdomain", "nodata", "failed", "malformed"};

// RFC 1035 section 5.1: \DDD for what has no business in a line of text.
std::string escape(std::string_view text)
{
    std::string out;
    for (char c : text) {
        auto code = static_cast<unsigned char>(c);
        if (code >= ' ' && code < 127 && c != '\\')
            out += c;
        else
            out += cat('\\', code / 100, code / 10 % 10, code % 10);
    }
    return out;
}

std::optional<std::string> unescape(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        auto code = parse_number<unsigned>(text.substr(std::min(i + 1, text.size()), 3));
        if (i + 3 >= text.size() || !code || *code > 255)
            return std::nullopt;
        out += static_cast<char>(*code);
        i += 3;
    }
    return out;
}

struct Writer {
    std::string operator()(const net::Address& address) const { return address.text(); }
    std::string operator()(const Name& name) const { return name.name; }
    std::string operator()(const Mx& mx) const { return cat(mx.preference, " ", mx.host, "."); }
    std::string operator()(const Text& text) const { return escape(text.text); }
    std::string operator()(const Srv& srv) const
    {
        return cat(srv.priority, " ", srv.weight, " ", srv.port, " ", srv.host, ".");
    }
    std::string operator()(const Tlsa& tlsa) const
    {
        return cat(tlsa.usage, " ", tlsa.selector, " ", tlsa.matching, " ", hex_encode(tlsa.data));
    }
    std::string operator()(const Soa& soa) const
    {
        return cat(soa.host, ". ", soa.mailbox, ". ", soa.serial, " ", soa.minimum);
    }
};

// Takes the words of a record's text one by one; good() in the end says whether all of them were what they must be.
class Words {
public:
    explicit Words(std::string_view text) : words_(split(text, ' ')) {}

    template <class Number>
    Number number()
    {
        auto value = parse_number<Number>(word());
        good_ = good_ && value;
        return value.value_or(0);
    }
    // With a final dot, alone for the root.
    std::string host()
    {
        auto text = word();
        good_ = good_ && !text.empty() && text.back() == '.' && (text.size() == 1 || is_valid_name(text.substr(0, text.size() - 1)));
        return good_ ? std::string(text.substr(0, text.size() - 1)) : "";
    }
    std::string hex()
    {
        auto bytes = hex_decode(word());
        good_ = good_ && bytes;
        return bytes.value_or("");
    }
    bool good() const { return good_ && next_ == words_.size(); }

private:
    std::string_view word()
    {
        good_ = good_ && next_ < words_.size();
        return good_ ? words_[next_++] : std::string_view();
    }
    std::vector<std::string_view> words_;
    std::size_t next_ = 0;
    bool good_ = true;
};

using Data = decltype(Record::data);

std::optional<Data> parse_words(Type type, std::string_view text)
{
    Words words(text);
    Data data;
    if (type == Type::mx) {  // braces: evaluated from left to right
        data = Mx{words.number<std::uint16_t>(), words.host()};
    } else if (type == Type::srv) {
        data = Srv{words.number<std::uint16_t>(), words.number<std::uint16_t>(), words.number<std::uint16_t>(), words.host()};
    } else if (type == Type::tlsa) {
        data = Tlsa{words.number<std::uint8_t>(), words.number<std::uint8_t>(), words.number<std::uint8_t>(), words.hex()};
    } else {
        Soa soa{words.host(), words.host(), 0, 0};
        soa.serial = words.number<std::uint32_t>();
        soa.minimum = words.number<std::uint32_t>();
        data = soa;
    }
    if (!words.good())
        return std::nullopt;
    return data;
}

std::optional<Data> parse_data(Type type, std::string_view text)
{
    switch (type) {
    case Type::a:
    case Type::aaaa: {
        auto address = net::Address::parse(text);
        if (!address)
            return std::nullopt;
        return *address;
    }
    case Type::ns:
    case Type::cname:
    case Type::ptr:
        if (!is_valid_name(text))
            return std::nullopt;
        return Name{std::string(text)};
    case Type::txt: {
        auto plain = unescape(text);
        if (!plain)
            return std::nullopt;
        return Text{*plain};
    }
    default:
        return parse_words(type, text);
    }
}

}  // namespace

std::string_view type_name(Type type)
{
    for (const auto& [value, name] : types)
        if (value == type)
            return name;
    return "?";
}

std::optional<Type> parse_type(std::string_view text)
{
    for (const auto& [value, name] : types)
        if (iequals(name, text))
            return value;
    return std::nullopt;
}

std::string_view status_name(Status status) { return statuses[static_cast<std::size_t>(status)]; }

std::optional<Status> parse_status(std::string_view text)
{
    auto found = std::find(statuses.begin(), statuses.end(), text);
    if (found == statuses.end())
        return std::nullopt;
    return static_cast<Status>(found - statuses.begin());
}

std::string Record::text() const { return std::visit(Writer{}, data); }

Result<Record> Record::parse(Type type, std::uint32_t ttl, std::string_view text)
{
    auto data = parse_data(type, text);
    if (!data)
        return failure(cat("malformed ", type_name(type), " record: ", printable(text)));
    return Record{type, ttl, std::move(*data)};
}

std::string explain(std::string_view name, Type type, const Answer& answer)
{
    std::string_view why = "Host not found, try again";
    switch (answer.status) {
    case Status::nxdomain: why = "Host not found"; break;
    case Status::nodata: why = "Host found but no data record of requested type"; break;
    case Status::malformed: why = "Malformed or unexpected name server reply"; break;
    case Status::failed:
    case Status::found: break;
    }
    return cat("Host or domain name not found. Name service error for name=", name, " type=", type_name(type), ": ", why);
}

}  // namespace mta::dns
