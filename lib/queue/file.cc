#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/checksum.h"
#include "base/file.h"
#include "base/text.h"
#include "ipc/message.h"
#include "queue/directory.h"

namespace mta::queue {

namespace {

constexpr std::size_t flush_bytes = 256ul * 1024;
constexpr std::size_t max_envelope_bytes = 64u << 20;
constexpr std::size_t max_tail_bytes = 64u << 20;
constexpr std::size_t first_read_bytes = 65536;  // all of a small file

struct End {
    std::uint64_t content_bytes = 0;
    std::uint32_t content_crc = 0;
    template <class Self, class Visitor>
    static void attributes(Self& self, Visitor&& visit)
    {
        visit("content_bytes", self.content_bytes);
        visit("content_crc32c", self.content_crc);
    }
};

template <class T>
std::string encode(Type type, const T& value)
{
    return encode_record(type, ipc::pack(value).body());
}

// What the bytes say cannot be: the file is damaged, and will be at the next look, too.
Error damage(std::string text) { return {std::move(text), "5.3.0"}; }
Error damage(const Error& error) { return damage(error.text); }

template <class T>
Result<T> decode(const Record& record)
{
    ipc::Message message;
    auto size = ipc::Message::take(cat(record.payload, '\0'), message);
    if (!size)
        return size.error();
    return ipc::unpack<T>(message);
}

}  // namespace

bool Mail::has_note(std::string_view what) const
{
    for (const auto& note : notes)
        if (note.what == what)
            return true;
    return false;
}

void Mail::add_note(Note note)
{
    bool tells_failures = note.what == failures_told, tells_successes = note.what == successes_told;
    for (auto& outcome : outcomes)
        if (outcome && ((tells_failures && outcome->has_failed()) || (tells_successes && outcome->action == "sent")))
            outcome->notified = true;
    notes.push_back(std::move(note));
}

Result<Writer> Directory::add(const Envelope& envelope, State target)
{
    auto temporary = cat(".", envelope.queue_id);
    Fd file(::openat(fd(target), temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file)
        return errno_error(cat("create queue file ", envelope.queue_id));
    return Writer(*this, envelope, std::move(file), target, std::move(temporary), false);
}

Result<Writer> Directory::add(const Envelope& envelope, Stock& stock)
{
    if (auto writer = write_prepared(envelope, stock))
        return *std::move(writer);
    return add(envelope);
}

Writer::Writer(Directory& directory, const Envelope& envelope, Fd fd, State target, std::string temporary, bool has_durable_name)
    : directory_(&directory), id_(envelope.queue_id), temporary_(std::move(temporary)), fd_(std::move(fd)), target_(target),
      has_durable_name_(has_durable_name)
{
    buffer_.assign(Header::bytes, '\0');
    buffer_ += encode(Type::envelope, envelope);
    for (const auto& recipient : envelope.recipients)
        buffer_ += encode(Type::recipient, recipient);
    header_.recipients = static_cast<std::uint32_t>(envelope.recipients.size());
    header_.envelope_bytes = buffer_.size() - Header::bytes;
}

Writer::~Writer()
{
    if (fd_)
        ::unlinkat(directory_->fd(target_), temporary_.c_str(), 0);
}

Result<void> Writer::write(std::string_view bytes)
{
    if (failed_)
        return *failed_;
    content_crc_ = crc32c(bytes, content_crc_);
    content_bytes_ += bytes.size();
    buffer_.append(bytes);
    return buffer_.size() < flush_bytes ? Result<void>() : flush();
}

Result<void> Writer::flush()
{
    auto done = write_all(fd_.get(), buffer_);
    if (!done)
        failed_ = done.error();
    flushed_ = true;
    buffer_.clear();
    return done;
}

// A small mail is one write: its header is put in place before. That of a large one is written when all is known.
Result<void> Writer::finish()
{
    buffer_ += encode(Type::end, End{content_bytes_, content_crc_});
    header_.content_bytes = content_bytes_;
    auto header = header_.encode();
    if (!flushed_)
        buffer_.replace(0, header.size(), header);
    bool header_apart = flushed_;
    if (auto done = flush(); !done)
        return done;
    if (header_apart && ::pwrite(fd_.get(), header.data(), header.size(), 0) != static_cast<ssize_t>(header.size()))
        return errno_error("write queue file header");
    return sync(fd_.get(), id_);
}

Result<void> Writer::commit()
{
    if (failed_)
        return *failed_;
    if (auto done = finish(); !done)
        return failed_.emplace(done.error());
    if (has_durable_name_)
        return commit_prepared();
    int directory = directory_->fd(target_);
    if (::renameat2(directory, temporary_.c_str(), directory, id_.c_str(), RENAME_NOREPLACE) != 0)
        return failed_.emplace(errno_error(cat("rename queue file ", id_)));
    if (auto done = directory_->sync(target_); !done) {
        ::unlinkat(directory, id_.c_str(), 0);
        fd_.reset();
        return failed_.emplace(done.error());
    }
    if (::close(fd_.release()) != 0) {
        failed_.emplace(errno_error(cat("close queue file ", id_)));
        ::unlinkat(directory, id_.c_str(), 0);
        return *failed_;
    }
    return {};
}

// The mail is durable under its temporary name. Once its lock is gone with the descriptor, anybody may give it the final one.
Result<void> Writer::commit_prepared()
{
    int directory = directory_->fd(target_);
    auto failed = [&](const std::string& what) {
        failed_.emplace(errno_error(what));
        ::unlinkat(directory, temporary_.c_str(), 0);
        return *failed_;
    };
    if (::close(fd_.release()) != 0)
        return failed(cat("close queue file ", id_));
    if (::renameat2(directory, temporary_.c_str(), directory, id_.c_str(), RENAME_NOREPLACE) != 0 && errno != ENOENT)
        return failed(cat("rename queue file ", id_));
    return {};
}

namespace {

// Behind the end record: what was appended. A torn tail, from a write that a crash cut off, is no damage.
void read_tail(std::string_view bytes, Mail& mail)
{
    while (true) {
        auto record = decode_record(bytes);
        if (!record || !*record)
            return;
        bytes.remove_prefix((*record)->size);
        mail.valid_bytes += (*record)->size;
        if ((*record)->type == Type::outcome) {
            auto outcome = decode<Outcome>(**record);
            const auto number = outcome && outcome->number >= 0 ? static_cast<std::size_t>(outcome->number) : mail.outcomes.size();
            if (number < mail.outcomes.size())
                mail.outcomes[number] = *std::move(outcome);
        } else if ((*record)->type == Type::note) {
            auto note = decode<Note>(**record);
            if (!note)
                continue;
            mail.add_note(*std::move(note));
        }
    }
}

Result<void> read_envelope(std::string_view bytes, const Header& header, Mail& mail)
{
    while (!bytes.empty()) {
        auto record = decode_record(bytes);
        if (!record)
            return record.error();
        if (!*record)
            return failure("envelope is cut off");
        bytes.remove_prefix((*record)->size);
        if ((*record)->type == Type::envelope) {
            auto envelope = decode<Envelope>(**record);
            if (!envelope)
                return envelope.error();
            mail.envelope = *std::move(envelope);
        } else if ((*record)->type == Type::recipient) {
            auto recipient = decode<Recipient>(**record);
            if (!recipient)
                return recipient.error();
            mail.envelope.recipients.push_back(*std::move(recipient));
        }
    }
    if (mail.envelope.recipients.size() != header.recipients)
        return failure("number of recipients is wrong");
    mail.outcomes.resize(header.recipients);
    return {};
}

Result<End> decode_end(std::string_view bytes)
{
    auto record = decode_record(bytes);
    if (!record)
        return record.error();
    if (!*record || (*record)->type != Type::end)
        return failure("end record is missing");
    return decode<End>(**record);
}

}  // namespace

namespace {

// The bytes of the file from there on, of which the start has been read.
Result<std::string> bytes_at(int fd, const std::string& start, std::uint64_t offset, std::uint64_t size)
{
    if (offset + size <= start.size())
        return start.substr(offset, size);
    return read_at(fd, offset, size);
}

Result<Mail> decode_mail(int fd, const std::string& start, std::uint64_t file_bytes)
{
    auto header = Header::decode(start);
    if (!header)
        return damage(header.error());
    if (header->envelope_bytes > max_envelope_bytes)
        return damage("envelope too long");
    Mail mail;
    mail.content_offset = header->content_offset();
    mail.content_bytes = header->content_bytes;
    mail.file_bytes = file_bytes;
    auto tail_offset = mail.content_offset + mail.content_bytes;
    if (tail_offset < mail.content_offset || file_bytes < tail_offset || file_bytes - tail_offset > max_tail_bytes)
        return damage("file is cut off");
    auto envelope = bytes_at(fd, start, Header::bytes, header->envelope_bytes);
    if (!envelope)
        return envelope.error();
    if (auto done = read_envelope(*envelope, *header, mail); !done)
        return damage(done.error());
    auto tail = bytes_at(fd, start, tail_offset, file_bytes - tail_offset);
    if (!tail)
        return tail.error();
    auto end = decode_end(*tail);
    if (!end)
        return damage(end.error());
    if (end->content_bytes != mail.content_bytes)
        return damage("end record is wrong");
    auto end_bytes = (*decode_record(*tail))->size;
    mail.valid_bytes = tail_offset + end_bytes;
    read_tail(std::string_view(*tail).substr(end_bytes), mail);
    return mail;
}

}  // namespace

// A small file costs one read: it is taken whole; of a large one the content is left out. A read that gives less than there is must
// not pass for the end of the file.
Result<Mail> Directory::read(int fd)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0)
        return errno_error("stat queue file");
    auto file_bytes = static_cast<std::uint64_t>(status.st_size);
    auto start = read_at(fd, 0, std::min<std::uint64_t>(file_bytes, first_read_bytes));
    if (!start)
        return start.error();
    return decode_mail(fd, *start, file_bytes);
}

Result<void> Directory::verify_content(int fd, const Mail& mail)
{
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < mail.content_bytes;) {
        auto chunk = read_at(fd, mail.content_offset + at, std::min<std::uint64_t>(1u << 20, mail.content_bytes - at));
        if (!chunk)
            return chunk.error();
        crc = crc32c(*chunk, crc);
        at += chunk->size();
    }
    auto tail_offset = mail.content_offset + mail.content_bytes;
    auto tail = read_at(fd, tail_offset, mail.valid_bytes - tail_offset);
    auto end = tail ? decode_end(*tail) : Result<End>(tail.error());
    if (!end)
        return end.error();
    if (end->content_crc != crc)
        return damage("content checksum is wrong");
    return {};
}

namespace {

// What a full disk cut short is taken back: records behind it could not be read.
Result<void> append_record(int fd, const std::string& record, bool sync)
{
    auto count = ::write(fd, record.data(), record.size());
    if (count < 0)
        return errno_error("append to queue file");
    if (count != static_cast<ssize_t>(record.size())) {
        if (::ftruncate(fd, ::lseek(fd, 0, SEEK_END) - count) != 0)
            return errno_error("truncate queue file");
        return failure("append to queue file: no space");
    }
    return sync ? Directory::sync_appended(fd) : Result<void>();
}

}  // namespace

Result<void> Directory::trim(int fd, const Mail& mail)
{
    if (mail.file_bytes > mail.valid_bytes && ::ftruncate(fd, static_cast<off_t>(mail.valid_bytes)) != 0)
        return errno_error("truncate queue file");
    return {};
}

Result<void> Directory::sync_appended(int fd)
{
    if (::fdatasync(fd) != 0)
        return errno_error("fdatasync of queue file");
    return {};
}

Result<void> Directory::append(int fd, const Outcome& outcome, bool sync) { return append_record(fd, encode(Type::outcome, outcome), sync); }
Result<void> Directory::append(int fd, const Note& note, bool sync) { return append_record(fd, encode(Type::note, note), sync); }

}  // namespace mta::queue
