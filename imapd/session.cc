#include "imapd/session.h"

#include <algorithm>

#include "base/text.h"
#include "imap/capability.h"
#include "imap/write.h"
#include "log/log.h"
#include "net/hit_counts.h"
#include "net/limit_hits.h"

namespace mta::imapd {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t skip_bytes = 65536;
constexpr std::uint64_t max_skipped_literal = std::uint64_t{1} << 30;

// Messages of APPEND go straight to the mailbox: true when the text, which ends with the announcement of a
// literal, holds the mailbox's name already.
bool awaits_message(std::string_view text)
{
    imap::Parser parser(text);
    parser.tag();
    parser.space();
    if (!parser.take_word("APPEND"))
        return false;
    parser.space();
    parser.mailbox();
    return parser.take(' ');
}

std::string tag_of(std::string_view text)
{
    imap::Parser parser(text);
    auto tag = parser.tag();
    return tag.empty() ? std::string(1, '*') : tag;
}

}  // namespace

constinit const Session::Command Session::commands[] = {
    {"CAPABILITY", nothing, &Session::capability},
    {"NOOP", nothing, &Session::noop},
    {"LOGOUT", nothing, &Session::logout},
    {"ID", nothing, &Session::id},
    {"ENABLE", nothing, &Session::enable},
    {"STARTTLS", nothing, &Session::already_authenticated},
    {"AUTHENTICATE", nothing, &Session::already_authenticated},
    {"LOGIN", nothing, &Session::already_authenticated},
    {"SELECT", nothing, &Session::select},
    {"EXAMINE", nothing, &Session::examine},
    {"CREATE", nothing, &Session::create},
    {"DELETE", nothing, &Session::remove},
    {"RENAME", nothing, &Session::rename},
    {"SUBSCRIBE", nothing, &Session::subscribe},
    {"UNSUBSCRIBE", nothing, &Session::unsubscribe},
    {"LIST", nothing, &Session::list},
    {"LSUB", nothing, &Session::lsub},
    {"STATUS", nothing, &Session::status},
    {"NAMESPACE", nothing, &Session::namespaces},
    {"APPEND", nothing, &Session::append},
    {"IDLE", nothing, &Session::idle},
    {"CHECK", selected, &Session::check},
    {"CLOSE", selected, &Session::close},
    {"UNSELECT", selected, &Session::unselect},
    {"EXPUNGE", selected | may_have_uid, &Session::expunge},
    {"SEARCH", selected | may_have_uid | keeps_numbers, &Session::search},
    {"FETCH", selected | may_have_uid | keeps_numbers, &Session::fetch},
    {"STORE", selected | may_have_uid | keeps_numbers, &Session::store},
    {"COPY", selected | may_have_uid, &Session::copy},
    {"MOVE", selected | may_have_uid, &Session::move},
};

Session::Session(const Params& params, net::Stream client, std::unique_ptr<maildir::Mailbox> mailbox, Parking* parking,
                 const net::Address& address)
    : params_(params), client_(std::move(client)), mailbox_(std::move(mailbox)), parking_(parking), address_(address),
      budget_(params.memory.limit().number()), command_(budget_)
{
    client_.set_write_limit(params_.command_timeout());
}

End Session::run()
{
    try {
        serve_until_stop();
        client_.flush(params_.command_timeout());
    } catch (const net::Lost& lost) {
        bool is_timeout = lost.kind == net::Lost::Kind::timeout;
        if (is_timeout)
            hit("imapd_command_timeout", cat(params_.command_timeout().count(), "s"));
        if (!end_)
            end_ = is_timeout ? End::timeout : End::lost;
        log::debug("lost connection: ", lost.what());
    }
    sync_folder();
    return end_.value_or(End::lost);
}

void Session::serve_until_stop()
{
    try {
        serve();
    } catch (const net::Lost& lost) {
        if (lost.kind != net::Lost::Kind::stopped)
            throw;
        bye(End::stopped, "[UNAVAILABLE] the server stops");
    }
}

void Session::serve()
{
    resume();
    while (!end_) {
        // Flag changes become durable when the client pauses.
        if (has_unsynced_flags_ && !client_.has_buffered() && !client_.wait_readable(1s))
            sync_folder();
        if (!wait_for_command())
            return;
        if (auto text = read_command())
            obey(*text);
        if (end_ || errors_ < params_.error_limit)
            continue;
        hit("imapd_error_limit", cat(errors_));
        bye(End::refused, "Too many errors");
    }
}

// A line without its end; nothing if it was too long and has been thrown away.
std::optional<std::string> Session::read_line(net::Seconds limit)
{
    auto max_bytes = std::min(params_.line_length_limit().number(), static_cast<std::uint64_t>(params_.command_size_limit()));
    try {
        return client_.line(limit, max_bytes);
    } catch (const net::Lost& lost) {
        if (lost.kind != net::Lost::Kind::too_long)
            throw;
    }
    while (!client_.raw_line(limit, skip_bytes).ends_with('\n'))
        continue;
    hit("imapd_line_length_limit", cat(">", max_bytes));
    return std::nullopt;
}

// One command with its literals, but without the messages of APPEND; nothing if it was refused.
std::optional<std::string> Session::read_command()
{
    std::string text;
    command_.clear();
    literals_ = 0;
    while (true) {
        auto line = read_line(params_.command_timeout());
        if (!line) {
            tag_ = tag_of(text);
            bad("The command is too long");
            return std::nullopt;
        }
        auto literal = imap::literal_at_end(*line);
        text += *line;
        if (text.size() > static_cast<std::uint64_t>(params_.command_size_limit()) || !command_.resize(text.size())) {
            refuse_command("imapd_command_size_limit", text, literal);
            return std::nullopt;
        }
        if (!literal || awaits_message(text))
            return text;
        if (!read_literal(*literal, text))
            return std::nullopt;
    }
}

// Says that there is too much of a command, when its rest is read, too. False, so that the caller can say it.
bool Session::refuse_command(std::string_view limit, std::string_view text, const std::optional<imap::Literal>& literal)
{
    hit(limit, cat(text.size() + (literal ? literal->size : 0)));
    tag_ = tag_of(text);
    if (!literal || skip_rest_of_command(*literal))
        bad("The command is too long");
    return false;
}

bool Session::read_literal(const imap::Literal& literal, std::string& text)
{
    auto room = static_cast<std::uint64_t>(params_.command_size_limit());
    if (literal.size > room || text.size() > room - literal.size || !command_.resize(text.size() + literal.size))
        return refuse_command("imapd_command_size_limit", text, literal);
    if (params_.literal_count_limit().is_exceeded_by(++literals_))
        return refuse_command("imapd_literal_count_limit", text, literal);
    if (literal.is_sync)
        client_.write("+ OK\r\n");
    text += "\r\n";
    text += client_.read_exactly(static_cast<std::size_t>(literal.size), params_.command_timeout());
    return true;
}

// Swallows what a client sends without waiting, so that what follows is understood again. False if there is too
// much of it: the session is over, then.
bool Session::skip_rest_of_command(imap::Literal literal)
{
    while (!literal.is_sync) {
        if (literal.size > max_skipped_literal) {
            bye(End::refused, "The literal is too large");
            return false;
        }
        skip_literal(literal.size);
        auto line = read_line(params_.command_timeout());
        auto next = line ? imap::literal_at_end(*line) : std::nullopt;
        if (!next)
            break;
        literal = *next;
    }
    return true;
}

void Session::skip_literal(std::uint64_t size)
{
    while (size > 0) {
        auto bytes = client_.peek(params_.command_timeout());
        if (bytes.empty())
            throw net::Lost(net::Lost::Kind::closed, "end of file");
        auto count = std::min<std::uint64_t>(bytes.size(), size);
        client_.consume(static_cast<std::size_t>(count));
        size -= count;
    }
}

void Session::obey(const std::string& text)
{
    imap::Parser parser(text, &command_);
    tag_ = parser.tag();
    parser.space();
    auto name = parser.atom();
    is_uid_command_ = iequals(name, "UID");
    if (is_uid_command_) {
        parser.space();
        name = parser.atom();
    }
    if (parser.failed()) {
        if (tag_.empty())
            tag_.assign(1, '*');
        return bad("A command is a tag, a space and a name");
    }
    for (const auto& command : commands)
        if (iequals(command.name, name) && (!is_uid_command_ || command.needs & may_have_uid))
            return obey(command, parser);
    bad(cat("Unknown command ", is_uid_command_ ? "UID " : "", upper(printable(name.substr(0, 40)))));
}

void Session::obey(const Command& command, imap::Parser& arguments)
{
    if (command.needs & selected && !folder_)
        return bad("Select a mailbox first");
    // A pipelining client does not know yet of what we would say now: its next command means the numbers of before.
    keeps_numbers_ = (command.needs & keeps_numbers && !is_uid_command_) || client_.has_buffered();
    (this->*command.obey)(arguments);
}

void Session::untagged(std::string_view text) { client_.write(cat("* ", text, "\r\n")); }

void Session::ok(std::string_view text)
{
    errors_ = 0;
    tell_changes(keeps_numbers_ ? maildir::Expunge::hold : maildir::Expunge::apply);
    if (!end_)
        client_.write(cat(tag_, " OK ", text, "\r\n"));
}

void Session::no(std::string_view text)
{
    tell_changes(keeps_numbers_ ? maildir::Expunge::hold : maildir::Expunge::apply);
    if (!end_)
        client_.write(cat(tag_, " NO ", text, "\r\n"));
}

void Session::no(const Error& error, std::string_view code_if_no_folder)
{
    if (error.status == "4.3.0")
        log::warning("mailbox: ", error.text);
    no(cat(response_code(error, code_if_no_folder), printable(error.text)));
}

void Session::bad(std::string_view text)
{
    ++errors_;
    client_.write(cat(tag_, " BAD ", text, "\r\n"));
}

bool Session::are_arguments_bad(imap::Parser& arguments)
{
    auto done = arguments.finish();
    if (arguments.is_too_complex())
        hit("authenticated_client_memory_limit", cat(budget_.limit()));
    if (!done)
        bad(done.error().text);
    return !done;
}

void Session::bye(End why, std::string_view text)
{
    if (why == End::timeout)
        net::count_hit("imapd_timeout");  // the end of the session has a line of its own in the log
    untagged(cat("BYE ", text));
    end_ = why;
}

void Session::hit(std::string_view limit, std::string_view value) const { net::limit_hit(limit, address_, value); }

std::string response_code(const Error& error, std::string_view code_if_no_folder)
{
    struct Code { std::string_view status, code; };
    static constexpr Code codes[] = {
        {maildir::folder_exists, "ALREADYEXISTS"}, {maildir::bad_name, "CANNOT"}, {maildir::over_quota, "OVERQUOTA"},
        {maildir::disk_full, "UNAVAILABLE"}, {maildir::read_only_disk, "UNAVAILABLE"}, {maildir::too_many_keywords, "LIMIT"}, {maildir::message_gone, "EXPUNGEISSUED"},
        {"4.2.0", "NOPERM"}};
    if (error.status == maildir::no_such_folder)
        return cat("[", code_if_no_folder, "] ");
    for (const auto& code : codes)
        if (error.status == code.status)
            return cat("[", code.code, "] ");
    return "[SERVERBUG] ";
}

// RFC 3501 section 6.1.1.
void Session::capability(imap::Parser& arguments)
{
    if (are_arguments_bad(arguments))
        return;
    untagged(cat("CAPABILITY ", imap::capabilities));
    ok("CAPABILITY completed");
}

void Session::noop(imap::Parser& arguments)
{
    if (!are_arguments_bad(arguments))
        ok("NOOP completed");
}

// RFC 3501 section 6.1.3: BYE, then OK.
void Session::logout(imap::Parser& arguments)
{
    if (are_arguments_bad(arguments))
        return;
    untagged("BYE Logging out");
    leave_folder();
    ok("LOGOUT completed");
    end_ = End::logout;
}

// RFC 2971: NIL or a list of fields and values. Nothing depends on what a client says of itself.
void Session::id(imap::Parser& arguments)
{
    arguments.space();
    if (!arguments.take_word("NIL")) {
        arguments.expect('(');
        std::size_t count = 0;
        while (!arguments.failed() && !arguments.take(')')) {
            if (count++ > 0)
                arguments.space();
            if (!arguments.take_word("NIL"))
                arguments.string();
        }
    }
    if (are_arguments_bad(arguments))
        return;
    std::string answer = "ID (\"name\" ";
    imap::append_string(answer, params_.mail_name());
    untagged(answer + ")");
    ok("ID completed");
}

// RFC 5161: none of our extensions needs to be enabled, and what is not known is passed over.
void Session::enable(imap::Parser& arguments)
{
    do {
        arguments.space();
        arguments.atom();
    } while (!arguments.at_end());
    if (are_arguments_bad(arguments))
        return;
    untagged("ENABLED");
    ok("ENABLE completed");
}

void Session::already_authenticated(imap::Parser&) { bad("You are logged in already"); }

}  // namespace mta::imapd
