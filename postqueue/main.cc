#include <sysexits.h>
#include <unistd.h>

#include <iostream>

#include "daemon/command.h"
#include "dns/name.h"
#include "ipc/channel.h"
#include "log/log.h"
#include "mail/address.h"
#include "net/stream.h"
#include "queue/id.h"
#include "queue/listing.h"
#include "service/qmgr.h"

using namespace mta;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view usage = "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site";

using Each = std::function<void(const queue::Listed&)>;

Result<void> list_by_service(const std::string& socket, const Each& each)
{
    auto fd = net::connect_unix(socket, 10s);
    if (!fd)
        return fd.error();
    net::Stream stream(*std::move(fd));
    std::string bytes;
    try {
        while (true) {
            queue::Listed mail;
            auto size = queue::decode(bytes, mail);
            if (!size)
                return size.error();
            if (*size > 0) {
                bool is_end = *size == 1;
                bytes.erase(0, *size);
                if (is_end)
                    return {};
                if (!mail.queue_id.empty())  // the greeting has none
                    each(mail);
                continue;
            }
            auto more = stream.peek(60s);
            if (more.empty())
                return failure("service showq ended early");
            bytes.append(more);
            stream.consume(more.size());
        }
    } catch (const net::Lost& lost) {
        return failure(cat("service showq: ", lost.what()));
    }
}

// The super-user can see the queue of a system that does not run.
int list(const config::Common& common, bool as_json)
{
    queue::MailqFormat format;
    Each show = [&](const queue::Listed& mail) { std::cout << (as_json ? queue::json_line(mail) : format.mail(mail)); };
    auto done = list_by_service(cat(common.queue_directory(), "/public/showq"), show);
    if (!done && ::access(cat(common.queue_directory(), "/incoming").c_str(), R_OK | X_OK) == 0) {
        log::warning("Mail system is down -- accessing queue directly (", done.error().text, ")");
        queue::Directory directory(common.queue_directory);
        done = queue::list_queue(directory, show);
    }
    if (!done) {
        log::set_fatal_status(EX_UNAVAILABLE);
        log::fatal("Queue report unavailable - mail system is down (", done.error().text, ")");
    }
    if (!as_json)
        std::cout << format.end();
    std::cout.flush();
    return EX_OK;
}

int ask_qmgr(const config::Common& common, const std::string& request, const std::string& argument)
{
    ipc::Client qmgr(cat(common.queue_directory(), "/public/qmgr"));
    auto reply = qmgr.ask<service::QueueReply>(service::QueueRequest{request, argument}, 60s);
    log::set_fatal_status(EX_UNAVAILABLE);
    if (!reply)
        log::fatal("Cannot flush mail queue - mail system is down (", reply.error().text, ")");
    if (!reply->is_allowed)
        log::set_fatal_status(EX_NOPERM);
    if (!reply->ok)
        log::fatal(reply->text);
    return EX_OK;
}

int flush_id(const config::Common& common, const std::string& id)
{
    log::set_fatal_status(EX_UNAVAILABLE);
    if (!queue::may_be_id(id))
        log::fatal("Cannot flush queue ID - invalid name: \"", id, "\"");
    return queue::is_id(id) ? ask_qmgr(common, "flush_id", id) : EX_OK;
}

int flush_site(const config::Common& common, const std::string& site)
{
    log::set_fatal_status(EX_UNAVAILABLE);
    bool is_literal = site.starts_with('[') && site.ends_with(']');
    auto ascii = is_literal ? std::optional<std::string>(site) : mail::lookup_domain(site);
    if (!ascii || (!is_literal && !dns::is_valid_hostname(*ascii)))
        log::fatal("Cannot flush mail queue - invalid destination: \"", site, "\"");
    return ask_qmgr(common, "flush_site", *ascii);
}

}  // namespace

// What escapes ends the process, and lib/log says what it was.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv)
{
    std::string directory, argument;
    char mode = 0;
    auto choose = [&](char letter) {
        log::set_fatal_status(EX_UNAVAILABLE);
        if (mode)
            log::fatal(usage);
        mode = letter;
    };
    log::set_tag("postqueue");
    log::open_stderr();
    for (int letter; (letter = ::getopt(argc, argv, "c:fi:jps:v")) != -1;) {
        switch (letter) {
        case 'c': directory = optarg; break;
        case 'v': log::set_verbose(true); break;
        case 'i':
        case 's': argument = optarg; choose(static_cast<char>(letter)); break;
        case 'f':
        case 'j':
        case 'p': choose(static_cast<char>(letter)); break;
        default: log::set_fatal_status(EX_UNAVAILABLE); log::fatal(usage);
        }
    }
    if (!mode || optind < argc) {
        log::set_fatal_status(EX_UNAVAILABLE);
        log::fatal(usage);
    }
    auto loaded = daemon::load_config("postqueue", directory);
    const config::Common common(loaded);
    switch (mode) {
    case 'f': return ask_qmgr(common, "flush", "");
    case 'i': return flush_id(common, argument);
    case 's': return flush_site(common, argument);
    default: return list(common, mode == 'j');
    }
}
