// Covers: lib/queue/file.cc lib/queue/record.cc
#include <fcntl.h>

#include "base/checksum.h"
#include "base/text.h"
#include "t/fuzz/lib/scratch.h"
#include "t/fuzz/lib/target.h"
#include "queue/directory.h"

// Queue files with anything in them: as they are, and with their checksums made right, so that more than those is tried.
namespace {

using namespace mta;

constexpr std::size_t overhead = 9, crc_bytes = 4;

std::uint64_t little_endian(std::string_view bytes, std::size_t size)
{
    std::uint64_t number = 0;
    for (std::size_t i = std::min(size, bytes.size()); i-- > 0;)
        number = number << 8 | static_cast<unsigned char>(bytes[i]);
    return number;
}

void sign(std::string& file, std::size_t begin, std::size_t size)
{
    auto crc = crc32c(std::string_view(file).substr(begin, size));
    for (std::size_t i = 0; i < crc_bytes; ++i)
        file[begin + size + i] = static_cast<char>(crc >> (8 * i));
}

// The records from there to the limit, as far as they are whole.
void sign_records(std::string& file, std::size_t at, std::size_t limit)
{
    while (at + overhead <= limit) {
        auto length = little_endian(std::string_view(file).substr(at + 1), 4);
        if (length > limit - at - overhead)
            return;
        sign(file, at, 5 + length);
        at += overhead + length;
    }
}

std::string with_checksums(std::string file)
{
    if (file.size() < queue::Header::bytes)
        return file;
    file.replace(0, 8, "BUUTAQ1\n");
    sign(file, 0, queue::Header::bytes - crc_bytes);
    auto envelope = little_endian(std::string_view(file).substr(8), 8), content = little_endian(std::string_view(file).substr(16), 8);
    if (envelope > file.size() || content > file.size() || queue::Header::bytes + envelope + content > file.size())
        return file;
    auto content_offset = queue::Header::bytes + envelope;
    sign_records(file, queue::Header::bytes, content_offset);
    auto end = content_offset + content;
    sign_records(file, end, file.size());
    return file;
}

void check(const std::string& bytes)
{
    auto fd = fuzz::memory_file(bytes);
    auto mail = queue::Directory::read(fd);
    if (!mail)
        return;
    HOLDS(mail->valid_bytes <= mail->file_bytes && mail->file_bytes <= bytes.size());
    HOLDS(mail->content_offset + mail->content_bytes <= mail->valid_bytes);
    HOLDS(mail->outcomes.size() == mail->envelope.recipients.size());
    auto text = mail->envelope.queue_id + mail->envelope.reverse_path;
    for (const auto& recipient : mail->envelope.recipients)
        text += recipient.address;
    HOLDS(text.find('\0') == std::string::npos);
    (void)queue::Directory::verify_content(fd, *mail).operator bool();
    if (mail->outcomes.empty())
        return;
    ::fcntl(fd, F_SETFL, O_APPEND);  // as Directory::open() has it
    queue::Outcome outcome{0, "sent", "2.0.0", "ok", "", "", 1, false, false};
    HOLDS(queue::Directory::trim(fd, *mail));
    HOLDS(queue::Directory::append(fd, outcome, false));
    auto again = queue::Directory::read(fd);
    HOLDS(again && again->is_done(0) && again->notes.size() == mail->notes.size() && again->valid_bytes == again->file_bytes);
}

}  // namespace

FUZZ(input)
{
    check(std::string(input));
    check(with_checksums(std::string(input)));
}
