#include "service/auth.h"

#include <unistd.h>

#include "auth/wire.h"
#include "base/text.h"

namespace mta::service {

Result<Account> redeem(const std::string& socket, const std::string& ticket, const std::string& service, net::Seconds limit)
{
    constexpr std::uint32_t id = 1;
    auto fd = net::connect_unix(socket, limit);
    if (!fd)
        return fd.error();
    net::Stream stream(*std::move(fd));
    try {
        stream.write(cat("VERSION\t1\t2\nCPID\t", ::getpid(), "\n"));
        stream.write(auth::wire_line({"REDEEM", cat(id), ticket, cat("service=", service)}));
        stream.flush(limit);
        while (true) {
            auto line = auth::WireLine::parse(stream.line(limit, auth::max_wire_line_bytes));
            if (line.id != id || (line.command != "OK" && line.command != "FAIL"))
                continue;  // the greeting
            auto field = [&](std::string_view name) { return std::string(line.find(name).value_or("")); };
            if (line.command == "FAIL")
                return Error{"the login ticket is not valid", "5.7.8"};
            return Account{field("user"), cat(field("uid"), ":", field("gid")), field("home"), field("mail")};
        }
    } catch (const net::Lost& lost) {
        return failure(cat("authentication service: ", lost.what()));
    }
}

}  // namespace mta::service
