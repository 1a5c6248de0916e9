#include "queue/record.h"

#include "base/checksum.h"
#include "base/text.h"

namespace mta::queue {

namespace {

constexpr std::string_view magic = "BUUTAQ1\n";
constexpr std::size_t record_overhead = 9;              // type, length, checksum
constexpr std::size_t max_payload_bytes = 1u << 20;

template <class Number>
void put(std::string& out, Number number)
{
    for (std::size_t i = 0; i < sizeof number; ++i)
        out.push_back(static_cast<char>(number >> (8 * i) & 0xff));
}

template <class Number>
Number get(std::string_view bytes)
{
    Number number = 0;
    for (std::size_t i = sizeof number; i-- > 0;)
        number = static_cast<Number>(number << 8 | static_cast<unsigned char>(bytes[i]));
    return number;
}

}  // namespace

std::string encode_record(Type type, std::string_view payload)
{
    std::string out;
    out.reserve(payload.size() + record_overhead);
    out.push_back(static_cast<char>(type));
    put(out, static_cast<std::uint32_t>(payload.size()));
    out.append(payload);
    put(out, crc32c(out));
    return out;
}

Result<std::optional<Record>> decode_record(std::string_view bytes)
{
    if (bytes.size() < record_overhead)
        return std::optional<Record>{};
    auto length = get<std::uint32_t>(bytes.substr(1));
    if (length > max_payload_bytes)
        return failure("record too long");
    auto size = record_overhead + length;
    if (bytes.size() < size)
        return std::optional<Record>{};
    if (crc32c(bytes.substr(0, size - 4)) != get<std::uint32_t>(bytes.substr(size - 4)))
        return failure("record checksum is wrong");
    return std::optional(Record{static_cast<Type>(bytes[0]), bytes.substr(5, length), size});
}

std::string Header::encode() const
{
    std::string out(magic);
    put(out, envelope_bytes);
    put(out, content_bytes);
    put(out, recipients);
    put(out, std::uint64_t{0});
    put(out, crc32c(out));
    return out;
}

Result<Header> Header::decode(std::string_view text)
{
    if (text.size() < Header::bytes || !text.starts_with(magic))
        return failure("not a queue file");
    if (crc32c(text.substr(0, Header::bytes - 4)) != get<std::uint32_t>(text.substr(Header::bytes - 4)))
        return failure("header checksum is wrong");
    return Header{get<std::uint64_t>(text.substr(8)), get<std::uint64_t>(text.substr(16)), get<std::uint32_t>(text.substr(24))};
}

}  // namespace mta::queue
