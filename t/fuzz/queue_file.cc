// Covers: lib/queue/file.cc lib/queue/record.cc
#include <fcntl.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/text.h"
#include "t/fuzz/lib/scratch.h"
#include "t/fuzz/lib/target.h"
#include "queue/directory.h"
#include "queue/stock.h"

// Queue files with anything in them: as they are, and with their checksums made right, so that more than those is tried. And those
// that we write ourselves: what went in is read back, whatever is appended and wherever a crash cuts that off.
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

// A value as a file can hold it.
std::string value(fuzz::Input& in)
{
    std::string text(in.text('\n'));
    std::replace(text.begin(), text.end(), '\0', '?');
    return text;
}

queue::Envelope envelope_of(fuzz::Input& in)
{
    queue::Envelope envelope;
    envelope.queue_id = "4XYZabcdefzAbCdE";
    envelope.reverse_path = value(in);
    envelope.arrival = static_cast<std::int64_t>(in.number(65536));
    if (in.flag())
        envelope.copy_of = value(in);
    for (auto count = in.number(4); count > 0; --count)
        envelope.recipients.push_back({value(in), value(in), "", ""});
    return envelope;
}

// What is appended, in order, as the file must tell it in the end.
struct Appended {
    std::vector<std::optional<queue::Outcome>> outcomes;
    std::vector<std::string> notes;
    std::vector<std::uint64_t> sizes;  // of the file behind each record
};

std::uint64_t size_of(int fd)
{
    auto size = ::lseek(fd, 0, SEEK_END);
    HOLDS(size >= 0);
    return static_cast<std::uint64_t>(size);
}

void append_outcome(int fd, fuzz::Input& in, Appended& appended)
{
    constexpr std::string_view actions[] = {"sent", "bounced", "deferred", "expired"};
    auto number = in.number(4);
    queue::Outcome outcome{static_cast<long>(number), std::string(actions[in.number(4)]), "2.0.0", value(in), "mx", "", 1, in.flag(), false};
    HOLDS(queue::Directory::append(fd, outcome, in.flag()));
    if (number < appended.outcomes.size())  // of nobody else there is a result
        appended.outcomes[number] = outcome;
}

void append_note(int fd, fuzz::Input& in, Appended& appended)
{
    constexpr std::string_view notes[] = {queue::delay_warned, queue::failures_told, queue::successes_told, queue::force_expired};
    auto what = notes[in.number(4)];
    HOLDS(queue::Directory::append(fd, queue::Note{std::string(what), 1}, in.flag()));
    appended.notes.emplace_back(what);
    for (auto& outcome : appended.outcomes)
        if (outcome && ((what == queue::failures_told && outcome->has_failed()) || (what == queue::successes_told && outcome->action == "sent")))
            outcome->notified = true;
}

Appended append_to(int fd, std::size_t recipients, fuzz::Input& in)
{
    Appended appended;
    appended.outcomes.resize(recipients);
    appended.sizes.push_back(size_of(fd));
    while (!in.is_empty()) {
        in.flag() ? append_outcome(fd, in, appended) : append_note(fd, in, appended);
        appended.sizes.push_back(size_of(fd));
    }
    return appended;
}

void check_same(const queue::Mail& mail, const queue::Envelope& envelope, const Appended& appended)
{
    HOLDS(mail.envelope.queue_id == envelope.queue_id && mail.envelope.reverse_path == envelope.reverse_path);
    HOLDS(mail.envelope.arrival == envelope.arrival && mail.envelope.copy_of == envelope.copy_of);
    HOLDS(mail.outcomes.size() == envelope.recipients.size() && mail.valid_bytes == mail.file_bytes);
    for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
        const auto& outcome = mail.outcomes[i];
        const auto& expected = appended.outcomes[i];
        HOLDS(mail.envelope.recipients[i].address == envelope.recipients[i].address && mail.envelope.recipients[i].original == envelope.recipients[i].original);
        HOLDS(outcome.has_value() == expected.has_value() && mail.is_done(i) == (expected && expected->is_final()));
        HOLDS(!outcome || (outcome->text == expected->text && outcome->action == expected->action && outcome->notified == expected->notified));
    }
    HOLDS(mail.notes.size() == appended.notes.size());
    for (std::size_t i = 0; i < mail.notes.size(); ++i)
        HOLDS(mail.notes[i].what == appended.notes[i] && mail.has_note(appended.notes[i]));
}

// A crash cuts off the end of what was appended: the whole records before it are still there, and the file takes more.
void check_cut(int fd, const Appended& appended, std::size_t seed)
{
    auto first = appended.sizes.front(), last = appended.sizes.back();
    auto at = first + seed % (last - first + 1);
    HOLDS(::ftruncate(fd, static_cast<off_t>(at)) == 0);
    auto whole = std::upper_bound(appended.sizes.begin(), appended.sizes.end(), at) - 1;
    auto mail = queue::Directory::read(fd);
    HOLDS(mail && mail->valid_bytes == *whole && queue::Directory::verify_content(fd, *mail));
    HOLDS(queue::Directory::trim(fd, *mail) && queue::Directory::append(fd, queue::Note{"more", 1}, false));
    auto again = queue::Directory::read(fd);
    HOLDS(again && again->has_note("more") && !mail->has_note("more") && again->valid_bytes == again->file_bytes);
}

Result<void> write_mail(const queue::Envelope& envelope, const std::string& content, std::size_t seed, queue::Stock& stock, bool commits)
{
    auto writer = fuzz::queue_directory().add(envelope, stock);
    HOLDS(writer);
    auto cut = seed % (content.size() + 1);
    HOLDS(writer->write(std::string_view(content).substr(0, cut)) && writer->write(std::string_view(content).substr(cut)));
    HOLDS(writer->content_bytes() == content.size());
    return commits ? writer->commit() : failure("given up");
}

void check_written(fuzz::Input in)
{
    auto seed = in.number(65536);
    bool commits = in.number(8) != 1;
    auto envelope = envelope_of(in);
    auto content = std::string(in.text('\n'));
    for (bool is_large = in.number(64) == 15; is_large && !content.empty() && content.size() < 300000;)
        content += content;
    queue::Stock stock(fuzz::queue_directory());
    if (in.flag())
        stock.refill();
    auto written = write_mail(envelope, content, seed, stock, commits);
    auto state = fuzz::queue_directory().find(envelope.queue_id);
    HOLDS(written.operator bool() == commits && state && state->has_value() == commits);
    if (!commits)
        return;
    auto twice = fuzz::queue_directory().add(envelope, queue::State::incoming);
    HOLDS(twice && !twice->commit());
    auto fd = fuzz::queue_directory().open(queue::State::incoming, envelope.queue_id);
    HOLDS(fd);
    auto appended = append_to(fd->get(), envelope.recipients.size(), in);
    auto mail = queue::Directory::read(fd->get());
    HOLDS(mail && queue::Directory::verify_content(fd->get(), *mail) && mail->content_bytes == content.size());
    check_same(*mail, envelope, appended);
    std::string back(content.size(), ' ');
    HOLDS(::pread(fd->get(), back.data(), back.size(), static_cast<off_t>(mail->content_offset)) == static_cast<ssize_t>(back.size()) && back == content);
    check_cut(fd->get(), appended, seed);
    HOLDS(fuzz::queue_directory().remove(envelope.queue_id, queue::State::incoming));
}

}  // namespace

FUZZ(input)
{
    check(std::string(input));
    check(with_checksums(std::string(input)));
    check_written(fuzz::Input(input));
}
