#include "pop3d/session.h"

#include <algorithm>

#include "base/text.h"
#include "log/log.h"
#include "net/hit_counts.h"
#include "net/limit_hits.h"

namespace mta::pop3d {

namespace {

constexpr std::size_t max_line_bytes = 512;  // RFC 2449 section 4: 255 octets
constexpr std::size_t piece_bytes = 128ul * 1024;

std::string hex8(std::uint32_t number)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text(8, '0');
    for (std::size_t at = 8; at-- > 0; number >>= 4)
        text[at] = digits[number & 15];
    return text;
}

}  // namespace

constinit const Session::Command Session::commands[] = {
    {"STAT", 0, 0, &Session::stat}, {"LIST", 0, 1, &Session::list}, {"RETR", 1, 1, &Session::retr}, {"DELE", 1, 1, &Session::dele},
    {"NOOP", 0, 0, &Session::noop}, {"RSET", 0, 0, &Session::rset}, {"TOP", 2, 2, &Session::top},   {"UIDL", 0, 1, &Session::uidl},
    {"CAPA", 0, 0, &Session::capa}, {"QUIT", 0, 0, &Session::quit},
};

Session::Session(const Params& params, net::Stream client, std::unique_ptr<maildir::Mailbox> mailbox, const net::Address& address)
    : params_(params), client_(std::move(client)), mailbox_(std::move(mailbox)), address_(address)
{
    client_.set_write_limit(params.write_timeout);
}

End Session::run()
{
    try {
        if (open())
            converse();
        client_.flush(params_.write_timeout);
    } catch (const net::Lost& lost) {
        bool is_timeout = lost.kind == net::Lost::Kind::timeout;
        if (is_timeout)
            net::limit_hit("pop3d_write_timeout", address_, cat(params_.write_timeout().count(), "s"));
        if (!end_)
            end_ = is_timeout ? End::timeout : End::lost;
    }
    return end_.value_or(End::lost);
}

bool Session::open()
{
    // Only looks: what is new stays new to other programs.
    auto inbox = mailbox_->open_folder("INBOX", true);
    if (!inbox) {
        log::warning("INBOX: ", inbox.error().text);
        reply("-ERR [SYS/TEMP] The mailbox cannot be opened now.");
        end_ = End::unavailable;
        return false;
    }
    inbox_ = *std::move(inbox);
    for (const auto& message : inbox_->messages())
        entries_.push_back({message.uid, std::nullopt, false, false});
    totals_.messages = entries_.size();
    return true;
}

void Session::converse()
{
    while (!end_) {
        try {
            obey(client_.line(params_.timeout, max_line_bytes));
        } catch (const net::Lost& lost) {
            switch (lost.kind) {
            case net::Lost::Kind::timeout: bye(End::timeout, "Disconnected for inactivity."); break;
            case net::Lost::Kind::too_long: refuse_long_line(); end_ = End::refused; break;
            case net::Lost::Kind::stopped: bye(End::stopped, "[SYS/TEMP] The server stops."); break;
            default: throw;
            }
        }
    }
}

void Session::refuse_long_line()
{
    net::limit_hit("POP3 command line", address_, cat(">", max_line_bytes));
    reply("-ERR Line too long.");
}

void Session::obey(std::string_view line)
{
    auto words = split_words(line, " \t");
    if (words.empty())
        return refuse("Unknown command.");
    auto known = std::find_if(std::begin(commands), std::end(commands), [&](const auto& c) { return iequals(c.name, words[0]); });
    if (known == std::end(commands))
        return refuse("Unknown command.");
    words.erase(words.begin());
    if (words.size() < known->min_arguments || words.size() > known->max_arguments)
        return refuse("Wrong number of arguments.");
    (this->*known->obey)(words);
}

void Session::reply(std::string_view text)
{
    client_.write(text);
    client_.write("\r\n");
}

void Session::refuse(std::string_view text)
{
    reply(cat("-ERR ", text));
    if (++errors_ < params_.error_limit())
        return;
    net::limit_hit("pop3d_error_limit", address_, cat(errors_));
    bye(End::refused, "Too many errors.");
}

void Session::bye(End why, std::string_view text)
{
    if (why == End::timeout)
        net::count_hit("pop3d_timeout");  // the end of the session has a line of its own in the log
    reply(cat("-ERR ", text));
    end_ = why;
}

// RFC 3206 section 4.
void Session::fail(const Error& error)
{
    if (error.status == maildir::message_gone)
        return reply("-ERR The message is no longer there.");
    log::warning("INBOX: ", error.text);
    reply("-ERR [SYS/TEMP] The message cannot be read now.");
}

Session::Entry* Session::find(std::string_view number)
{
    auto index = parse_number<std::size_t>(number);
    if (!index || *index == 0 || *index > entries_.size()) {
        refuse(cat("There's no message ", printable(number), "."));
        return nullptr;
    }
    auto& entry = entries_[*index - 1];
    if (!entry.is_deleted)
        return &entry;
    refuse("Message is deleted.");
    return nullptr;
}

Result<std::uint64_t> Session::octets(Entry& entry)
{
    if (!entry.octets) {
        auto size = inbox_->crlf_size(entry.uid);
        // Another session has expunged it: its number stays, with nothing behind it.
        if (!size && size.error().status != maildir::message_gone)
            return size;
        entry.octets = size ? *size : 0;
    }
    return *entry.octets;
}

void Session::stat(const Words&)
{
    std::size_t count = 0;
    std::uint64_t total = 0;
    for (auto& entry : entries_) {
        if (entry.is_deleted)
            continue;
        auto size = octets(entry);
        if (!size)
            return fail(size.error());
        ++count;
        total += *size;
    }
    reply(cat("+OK ", count, " ", total));
}

void Session::list(const Words& arguments)
{
    if (!arguments.empty()) {
        auto* entry = find(arguments[0]);
        if (!entry)
            return;
        auto size = octets(*entry);
        return size ? reply(cat("+OK ", arguments[0], " ", *size)) : fail(size.error());
    }
    for (auto& entry : entries_)  // before the first line: afterwards there is no way to say no
        if (auto size = octets(entry); !size)
            return fail(size.error());
    reply("+OK");
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (!entries_[i].is_deleted)
            reply(cat(i + 1, " ", *entries_[i].octets));
    reply(".");
}

// RFC 1939 section 7: 1 to 70 characters, never given to another message. A UID never is, within its UIDVALIDITY.
std::string Session::unique_id(const Entry& entry) const { return hex8(entry.uid) + hex8(inbox_->uid_validity()); }

void Session::uidl(const Words& arguments)
{
    if (!inbox_->has_lasting_uids())  // an ID that is another one in the next session would make clients fetch everything twice
        return reply("-ERR [SYS/TEMP] There is no room to keep unique IDs.");
    if (!arguments.empty()) {
        if (const auto* entry = find(arguments[0]))
            reply(cat("+OK ", arguments[0], " ", unique_id(*entry)));
        return;
    }
    reply("+OK");
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (!entries_[i].is_deleted)
            reply(cat(i + 1, " ", unique_id(entries_[i])));
    reply(".");
}

void Session::send_message(Entry& entry, std::optional<std::uint64_t> body_lines)
{
    auto body = inbox_->open(entry.uid);
    auto first = body ? body->read(0, piece_bytes) : Result<std::string>(body.error());
    if (!first)
        return fail(first.error());
    reply(body_lines ? "+OK" : cat("+OK ", body->size(), " octets"));
    MultiLine lines(client_, body_lines);
    std::uint64_t offset = first->size();
    for (bool more = lines.send(*first); more && offset < body->size();) {
        auto piece = body->read(offset, piece_bytes);
        if (!piece) {  // the client must not take what it has for the whole message
            log::warning("INBOX: ", piece.error().text);
            throw net::Lost(net::Lost::Kind::error, "message cannot be read");
        }
        offset += piece->size();
        more = lines.send(*piece);
    }
    lines.finish();
    totals_.octets += offset;
}

void Session::retr(const Words& arguments)
{
    auto* entry = find(arguments[0]);
    if (!entry)
        return;
    entry->is_retrieved = true;
    ++totals_.retrieved;
    send_message(*entry, std::nullopt);
}

void Session::top(const Words& arguments)
{
    auto* entry = find(arguments[0]);
    auto lines = parse_number<std::uint64_t>(arguments[1]);
    if (!entry)
        return;
    if (!lines)
        return refuse("The number of lines is no number.");
    ++totals_.topped;
    send_message(*entry, lines);
}

void Session::dele(const Words& arguments)
{
    auto* entry = find(arguments[0]);
    if (!entry)
        return;
    entry->is_deleted = true;
    reply("+OK Marked to be deleted.");
}

void Session::noop(const Words&) { reply("+OK"); }

void Session::rset(const Words&)
{
    for (auto& entry : entries_)
        entry.is_deleted = entry.is_retrieved = false;
    reply("+OK");
}

// RFC 2449: the same as before the login, without what makes no sense any more.
void Session::capa(const Words&)
{
    reply("+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n.");
}

// RFC 1939 section 6: the UPDATE state.
Result<void> Session::update()
{
    std::vector<maildir::Uid> deleted, read;
    for (const auto& entry : entries_)
        if (entry.is_deleted)
            deleted.push_back(entry.uid);
        else if (entry.is_retrieved)
            read.push_back(entry.uid);
    if (!deleted.empty())
        if (auto done = inbox_->expunge(deleted); !done)
            return done;
    totals_.deleted = deleted.size();
    if (read.empty())
        return {};
    // Whoever looks by IMAP sees what has been fetched; not worth an error.
    if (auto done = inbox_->change_flags(read, maildir::FlagChange::add, maildir::seen, {}); !done)
        log::warning("INBOX: ", done.error().text);
    return {};
}

void Session::quit(const Words&)
{
    end_ = End::quit;
    if (auto done = update(); !done) {
        log::warning("INBOX: ", done.error().text);
        return reply("-ERR [SYS/TEMP] Some deleted messages were not removed.");
    }
    reply(totals_.deleted ? "+OK Logging out, messages deleted." : "+OK Logging out.");
}

void MultiLine::end_line()
{
    if (in_body_ && left_)
        --*left_;
    in_body_ |= line_is_empty_;
    at_line_start_ = line_is_empty_ = true;
}

bool MultiLine::send(std::string_view piece)
{
    while (!piece.empty()) {
        if (in_body_ && left_ == 0)
            return false;
        if (at_line_start_ && piece.front() == '.')
            client_.write(".");
        auto end = piece.find('\n');
        auto line = piece.substr(0, end == std::string_view::npos ? end : end + 1);
        line_is_empty_ &= line == "\r\n" || line == "\r" || line == "\n";
        at_line_start_ = false;
        client_.write(line);
        piece.remove_prefix(line.size());
        if (end != std::string_view::npos)
            end_line();
    }
    return true;
}

void MultiLine::finish() { client_.write(at_line_start_ ? ".\r\n" : "\r\n.\r\n"); }

}  // namespace mta::pop3d
