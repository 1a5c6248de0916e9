#include <algorithm>

#include "base/text.h"
#include "daemon/wait.h"
#include "imapd/session.h"

namespace mta::imapd {

// One message's place in the command: "(\Seen) "date" {310}", the literal itself not yet read.
struct Session::AppendItem {
    imap::Flags flags;
    std::optional<std::time_t> date;
    imap::Literal literal;

    static AppendItem parse(imap::Parser& arguments)
    {
        AppendItem item;
        if (arguments.peek() == '(') {
            item.flags = arguments.flag_list(false);
            arguments.space();
        }
        if (arguments.peek() == '"') {
            item.date = arguments.date_time().unix_time();
            arguments.space();
        }
        auto rest = arguments.rest();
        auto literal = imap::literal_at_end(rest);
        if (!literal || (rest.find('{') != (literal->is_binary ? 1 : 0)))
            arguments.fail("A message as a literal was expected");
        item.literal = literal.value_or(imap::Literal());
        return item;
    }
};

// RFC 3501 section 6.3.11 and RFC 3502: all messages are stored, or none. What can be refused is refused before
// the client is asked for the message.
void Session::append(imap::Parser& arguments)
{
    auto announced = imap::literal_at_end(arguments.rest());
    arguments.space();
    auto name = arguments.mailbox();
    arguments.space();
    auto item = AppendItem::parse(arguments);
    if (arguments.failed()) {
        auto why = arguments.finish().error().text;
        if (!announced || skip_rest_of_command(*announced))
            bad(why);
        return;
    }
    auto upload = mailbox_->upload(name);
    if (!upload) {
        if (skip_rest_of_command(item.literal))
            no(upload.error(), "TRYCREATE");
        return;
    }
    auto waiter = client_.set_waiter(daemon::wait_for_message);
    bool is_complete = append_messages(std::move(item), **upload);
    client_.set_waiter(waiter);
    if (!is_complete)
        return;
    auto stored = (*upload)->commit();
    if (!stored)
        return no(stored.error(), "TRYCREATE");
    std::vector<maildir::Uid> uids;
    for (auto [from, to] : stored->uids)
        uids.push_back(to);
    ok(uids.empty() ? std::string("APPEND completed")
                    : cat("[APPENDUID ", stored->uid_validity, " ", imap::compact_set(uids), "] APPEND completed"));  // RFC 4315
}

// Reads the messages to the end of the command; false if it was refused and that is said.
bool Session::append_messages(AppendItem item, maildir::Upload& upload)
{
    while (true) {
        if (refuse_append(item))
            return false;
        if (auto begun = upload.add(item.flags.system, item.flags.keywords, item.date); !begun) {
            if (skip_rest_of_command(item.literal))
                no(begun.error(), "TRYCREATE");
            return false;
        }
        auto failed = receive(item.literal, upload);
        auto line = read_line(params_.command_timeout());
        auto next = line ? imap::literal_at_end(*line) : std::nullopt;
        if (failed) {
            if (!next || skip_rest_of_command(*next))
                no(*failed, "TRYCREATE");
            return false;
        }
        if (line && line->empty())
            return true;
        imap::Parser arguments(line ? std::string_view(*line) : std::string_view());
        arguments.space();
        item = AppendItem::parse(arguments);
        if (arguments.failed()) {
            if (!next || skip_rest_of_command(*next))
                bad("After a message comes the end of the command, or another message");
            return false;
        }
    }
}

// Checks what the announcement says.
bool Session::refuse_append(const AppendItem& item)
{
    const auto& literal = item.literal;
    auto limit = static_cast<std::uint64_t>(params_.message_size_limit());
    bool is_too_large = limit > 0 && literal.size > limit;
    if (params_.literal_count_limit().is_exceeded_by(++literals_)) {
        hit("imapd_literal_count_limit", cat(literals_));
        if (skip_rest_of_command(literal))
            bad("The command is too long");
        return true;
    }
    if (!is_too_large && !literal.is_binary && literal.size > 0)
        return false;
    if (!skip_rest_of_command(literal))
        return true;
    if (is_too_large)
        hit("message_size_limit", cat(literal.size));
    if (is_too_large)
        no(cat("[TOOBIG] A message can have at most ", limit, " octets"));
    else if (literal.is_binary)
        no("[UNKNOWN-CTE] Binary messages cannot be stored");
    else
        no("An empty message was not stored");  // RFC 3502 section 6.3.11: this cancels the command
    return true;
}

// Takes one literal from the client, also when the mailbox cannot take all of it.
std::optional<Error> Session::receive(const imap::Literal& literal, maildir::Upload& upload)
{
    std::optional<Error> failed;
    if (literal.is_sync)
        client_.write("+ OK\r\n");
    for (auto left = literal.size; left > 0;) {
        auto bytes = client_.peek(params_.command_timeout());
        if (bytes.empty())
            throw net::Lost(net::Lost::Kind::closed, "end of file");
        bytes = bytes.substr(0, std::min<std::uint64_t>(bytes.size(), left));
        if (auto written = failed ? Result<void>() : upload.write(bytes); !written)
            failed = written.error();
        left -= bytes.size();
        client_.consume(bytes.size());
    }
    return failed;
}

}  // namespace mta::imapd
