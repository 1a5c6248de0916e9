#include "daemon/process.h"
#include "net/stream.h"
#include "queue/listing.h"

using namespace mta;
using namespace std::chrono_literals;

int main(int argc, char** argv)
{
    daemon::Process process(argc, argv, "showq");
    const std::string queue = process.common().queue_directory;
    sandbox::Rules rules;
    rules.add({sandbox::Calls::serve, sandbox::Calls::read_files}).add(sandbox::Path::Use::read, queue);
    for (const auto* part : {"/private", "/public", "/pid"})
        rules.add(sandbox::Path::Use::hide, queue + part);
    process.drop_privileges(rules);
    const queue::Directory directory(queue);
    return process.serve([&](Fd client) {
        net::Stream stream(std::move(client));
        stream.set_write_limit(60s);
        stream.write(std::string_view("protocol\0mail_queue_list_protocol\0\0", 35));
        auto done = queue::list_queue(directory, [&](const queue::Listed& mail) { stream.write(queue::encode(mail)); });
        if (!done)
            throw net::Lost(net::Lost::Kind::error, done.error().text);
        stream.write(std::string_view("\0", 1));
        stream.flush(60s);
    });
}
