#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#include <iomanip>
#include <iostream>

#include "base/file.h"
#include "daemon/command.h"
#include "log/log.h"
#include "mime/header.h"
#include "queue/directory.h"
#include "queue/id.h"

using namespace mta;

namespace {

constexpr std::string_view usage = "usage: postcat [-c config_dir] [-beh] [-q] [file...]";

struct Parts {
    bool envelope = false, header = false, body = false;
};

std::string time_text(std::int64_t microseconds)
{
    std::time_t seconds = microseconds / 1000000;
    std::tm local{};
    localtime_r(&seconds, &local);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &local)};
}

// "name: value"; values are made safe for a terminal.
void show(std::string_view name, std::string_view value)
{
    if (!value.empty())
        std::cout << name << ": " << printable(value) << "\n";
}

void show_envelope(const queue::Mail& mail)
{
    const auto& envelope = mail.envelope;
    std::cout << "message_size:";  // and offset of the content, recipients, flags, content, SMTPUTF8, as Postfix has them
    for (std::uint64_t number : {mail.content_bytes, mail.content_offset, std::uint64_t{envelope.recipients.size()}, std::uint64_t{0}, mail.content_bytes, std::uint64_t{0}})
        std::cout << ' ' << std::setw(15) << number;
    std::cout << "\nmessage_arrival_time: " << time_text(envelope.arrival) << "\ncreate_time: "
              << time_text(envelope.arrival) << "\n";
    show("named_attribute", cat("log_client_name=", envelope.client_name));
    show("named_attribute", cat("log_client_address=", envelope.client_address));
    show("named_attribute", cat("log_helo_name=", envelope.helo));
    show("named_attribute", cat("log_protocol_name=", envelope.protocol));
    if (!envelope.sasl_username.empty()) {
        show("named_attribute", cat("sasl_method=", envelope.sasl_method));
        show("named_attribute", cat("sasl_username=", envelope.sasl_username));
    }
    show("dsn_envelope_id", envelope.envid);
    show("dsn_return", envelope.ret);
    std::cout << "sender: " << printable(envelope.reverse_path) << "\n";
    for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
        const auto& recipient = envelope.recipients[i];
        show("original_recipient", recipient.original);
        show("dsn_orig_rcpt", recipient.orcpt);
        show("dsn_notify", recipient.notify);
        std::cout << (mail.is_done(i) ? "done_recipient: " : "recipient: ") << printable(recipient.address) << "\n";
        if (mail.outcomes[i])
            show("reason", cat(mail.outcomes[i]->action, ", ", mail.outcomes[i]->status, ", ", mail.outcomes[i]->text));
    }
}

Result<void> show_content(int fd, const queue::Mail& mail, const Parts& parts)
{
    auto start = read_at(fd, mail.content_offset, std::min<std::uint64_t>(mail.content_bytes, 1u << 20));
    if (!start)
        return start.error();
    auto header = mime::header_size(*start);  // the empty line belongs to the body here
    header -= header > 0 && (header == 1 || std::string_view(*start).substr(0, header).ends_with("\n\n"));
    if (parts.header)
        std::cout << start->substr(0, header);
    for (std::uint64_t at = header; parts.body && at < mail.content_bytes;) {
        auto chunk = read_at(fd, mail.content_offset + at, std::min<std::uint64_t>(mail.content_bytes - at, 1u << 20));
        if (!chunk)
            return chunk.error();
        std::cout << *chunk;
        at += chunk->size();
    }
    return {};
}

Result<void> show_mail(int fd, const std::string& name, const Parts& parts)
{
    auto mail = queue::Directory::read(fd);
    if (!mail)
        return mail.error();
    if (parts.envelope) {
        std::cout << "*** ENVELOPE RECORDS " << name << " ***\n";
        show_envelope(*mail);
        std::cout << "*** MESSAGE CONTENTS " << name << " ***\n";
    }
    if (auto done = show_content(fd, *mail, parts); !done)
        return done;
    if (parts.envelope)
        std::cout << "*** HEADER EXTRACTED " << name << " ***\n*** MESSAGE FILE END " << name << " ***\n";
    return {};
}

}  // namespace

int main(int argc, char** argv)
{
    std::string directory;
    Parts parts;
    bool by_id = false;
    log::set_tag("postcat");
    log::open_stderr();
    for (int letter; (letter = ::getopt(argc, argv, "bc:ehqv")) != -1;) {
        switch (letter) {
        case 'b': parts.body = true; break;
        case 'c': directory = optarg; break;
        case 'e': parts.envelope = true; break;
        case 'h': parts.header = true; break;
        case 'q': by_id = true; break;
        case 'v': log::set_verbose(true); break;
        default: log::fatal(usage);
        }
    }
    if (!parts.envelope && !parts.header && !parts.body)
        parts = {true, true, true};
    auto loaded = daemon::load_config("postcat", directory);
    const config::Common common(loaded);
    int status = 0;
    if (optind >= argc) {  // standard input, if it is a file
        auto done = show_mail(STDIN_FILENO, "stdin", parts);
        if (!done)
            log::fatal("stdin: ", done.error().text);
    }
    for (int i = optind; i < argc; ++i) {
        std::string name = argv[i];
        Result<void> done;
        if (by_id) {
            queue::Directory queue(common.queue_directory);
            auto state = queue::is_id(name) ? queue.find(name) : Result<std::optional<queue::State>>(std::nullopt);
            if (!state || !*state)
                log::fatal("open queue file ", name, ": ", state ? "No such file or directory" : state.error().text);
            auto fd = queue.open(**state, name);
            done = fd ? show_mail(fd->get(), queue::Directory::path_of(**state, name), parts) : Result<void>(fd.error());
        } else {
            Fd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
            done = fd ? show_mail(fd.get(), name, parts) : Result<void>(errno_error(cat("open ", name)));
        }
        if (!done) {
            log::error(name, ": ", done.error().text);
            status = 1;
        }
    }
    std::cout.flush();
    return status;
}
