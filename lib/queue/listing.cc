#include "queue/listing.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "base/text.h"
#include "log/log.h"

namespace mta::queue {

namespace {

constexpr const char* unknown = "?";
constexpr std::size_t id_column = 17, size_column = 8, sender_column = 47, reason_end = 78;

Listed listed(const Mail& mail, State state)
{
    Listed out{std::string(name_of(state)), mail.envelope.queue_id, mail.envelope.arrival / 1000000, mail.content_bytes,
               mail.has_note(force_expired), mail.envelope.reverse_path, {}};
    for (std::size_t i = 0; i < mail.envelope.recipients.size(); ++i) {
        if (mail.is_done(i))
            continue;
        const auto& recipient = mail.envelope.recipients[i];
        out.recipients.push_back({recipient.address, recipient.original, mail.outcomes[i] ? mail.outcomes[i]->text : ""});
    }
    return out;
}

// What can be told of it from outside.
Listed unreadable(const std::string& path, const std::string& id, State state, const Error& why)
{
    struct stat status {};
    (void)::lstat(path.c_str(), &status);
    log::warning(id, ": queue file ", path, " cannot be read: ", why.text);
    return {std::string(name_of(state)), id, status.st_mtime, static_cast<std::uint64_t>(status.st_size), false, unknown,
            {{unknown, "", cat("this mail cannot be read: ", why.text)}}};
}

void put(std::string& out, std::string_view name, std::string_view value)
{
    out.append(name).push_back('\0');
    for (char c : value)
        out.push_back(c == '\0' ? '?' : c);
    out.push_back('\0');
}

}  // namespace

Result<void> list_queue(const Directory& directory, const std::function<void(const Listed&)>& each)
{
    for (auto state : {State::incoming, State::active, State::deferred, State::hold}) {
        auto ids = directory.list(state);
        if (!ids)
            return ids.error();
        for (const auto& id : *ids) {
            // For reading only: who lists may not be able to change anything.
            auto path = cat(directory.root(), "/", Directory::path_of(state, id));
            Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
            if (!fd && errno == ENOENT)
                continue;  // it has moved or is gone
            auto mail = fd ? Directory::read(fd.get()) : Result<Mail>(errno_error("open"));
            each(mail ? listed(*mail, state) : unreadable(path, id, state, mail.error()));
        }
    }
    return {};
}

std::string encode(const Listed& mail)
{
    std::string out;
    put(out, "queue_name", mail.queue_name);
    put(out, "queue_id", mail.queue_id);
    put(out, "time", cat(mail.arrival));
    put(out, "size", cat(mail.size));
    put(out, "forced_expire", mail.forced_expire ? "1" : "0");
    put(out, "sender", mail.sender);
    for (const auto& recipient : mail.recipients) {
        put(out, "original_recipient", recipient.original);
        put(out, "recipient", recipient.address);
        put(out, "log_class", recipient.reason.empty() ? "" : "delay");
        put(out, "reason", recipient.reason);
    }
    return out + '\0';
}

Result<std::size_t> decode(std::string_view bytes, Listed& mail)
{
    mail = {};
    std::size_t at = 0;
    while (at < bytes.size() && bytes[at] != '\0') {
        auto name_end = bytes.find('\0', at);
        auto value_end = name_end == std::string_view::npos ? name_end : bytes.find('\0', name_end + 1);
        if (value_end == std::string_view::npos)
            return std::size_t{0};
        auto name = bytes.substr(at, name_end - at);
        std::string value(bytes.substr(name_end + 1, value_end - name_end - 1));
        at = value_end + 1;
        if (name == "original_recipient")
            mail.recipients.push_back({"", value, ""});
        else if ((name == "recipient" || name == "reason") && mail.recipients.empty())
            return failure("bad answer of service showq");
        else if (name == "recipient")
            mail.recipients.back().address = value;
        else if (name == "reason")
            mail.recipients.back().reason = value;
        else if (name == "queue_name")
            mail.queue_name = value;
        else if (name == "queue_id")
            mail.queue_id = value;
        else if (name == "forced_expire")
            mail.forced_expire = value == "1";
        else if (name == "sender")
            mail.sender = value;
        else if (name == "time")
            mail.arrival = parse_number<std::int64_t>(value).value_or(0);
        else if (name == "size")
            mail.size = parse_number<std::uint64_t>(value).value_or(0);
    }
    return at < bytes.size() ? at + 1 : std::size_t{0};
}

namespace {

std::string pad_right(std::string text, std::size_t width)
{
    if (text.size() < width)
        text.append(width - text.size(), ' ');
    return text;
}

std::string pad_left(std::string text, std::size_t width) { return text.size() < width ? std::string(width - text.size(), ' ') + text : text; }

std::string arrival_text(std::int64_t seconds)
{
    std::time_t time = seconds;
    std::tm local{};
    localtime_r(&time, &local);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S", &local)};
}

}  // namespace

std::string MailqFormat::mail(const Listed& mail)
{
    std::string out;
    out += count_ == 0 ? "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n" : "\n";
    ++count_;
    bytes_ += mail.size;
    auto status = cat(mail.queue_name == "active" ? "*" : mail.queue_name == "hold" ? "!" : "", mail.forced_expire ? "#" : "");
    out += pad_right(cat(printable(mail.queue_id), status), id_column) + " " + pad_left(cat(mail.size), size_column) + " " +
           arrival_text(mail.arrival) + " " + (mail.sender.empty() ? "MAILER-DAEMON" : printable(mail.sender)) + "\n";
    std::string last_reason;
    for (const auto& recipient : mail.recipients) {
        if (!recipient.reason.empty() && recipient.reason != last_reason) {
            auto text = cat("(", printable(recipient.reason), ")");
            out += pad_left(text, reason_end) + "\n";
            last_reason = recipient.reason;
        }
        out += std::string(sender_column, ' ') + printable(recipient.address) + "\n";
    }
    return out;
}

std::string MailqFormat::end() const
{
    if (count_ == 0)
        return "Mail queue is empty\n";
    return cat("\n-- ", bytes_ / 1024, " Kbytes in ", count_, " Request", count_ == 1 ? "" : "s", ".\n");
}

namespace {

std::string quoted(std::string_view text)
{
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    auto clean = is_utf8(text) ? std::string(text) : printable(text);
    for (char c : clean) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += cat('\\', c);
        else if (byte < 0x20 || byte == 0x7f)
            out += cat("\\u00", digits[byte >> 4], digits[byte & 15]);
        else
            out += c;
    }
    return out + '"';
}

}  // namespace

std::string json_line(const Listed& mail)
{
    auto out = cat("{\"queue_name\": ", quoted(mail.queue_name), ", \"queue_id\": ", quoted(mail.queue_id), ", \"arrival_time\": ", mail.arrival,
                   ", \"message_size\": ", mail.size, ", \"forced_expire\": ",
                   mail.forced_expire ? "true" : "false", ", \"sender\": ",
                   mail.sender.empty() ? quoted("MAILER-DAEMON") : quoted(mail.sender), ", \"recipients\": [");
    for (const auto& recipient : mail.recipients) {
        if (&recipient != &mail.recipients.front())
            out += ", ";
        out += "{";
        if (!recipient.original.empty())
            out += cat("\"orig_address\": ", quoted(recipient.original), ", ");
        out += cat("\"address\": ", quoted(recipient.address));
        if (!recipient.reason.empty())
            out += cat(", \"delay_reason\": ", quoted(recipient.reason));
        out += "}";
    }
    return out + "]}\n";
}

}  // namespace mta::queue
