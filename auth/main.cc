#include <algorithm>

#include "auth/params.h"
#include "auth/secret.h"
#include "auth/server.h"
#include "daemon/process.h"
#include "log/log.h"

// auth(8): says who may log in, to front and to foreign mail servers; see man/man8/auth.8.
int main(int argc, char** argv)
{
    using namespace mta;
    daemon::Process process(argc, argv, "auth");
    const auth::Params params(process.config());
    auto users = auth::open_users(params.user.users);
    if (!users)
        log::fatal("auth_users: ", users.error().text);
    auto rules = process.table_rules();
    rules.add({sandbox::Calls::serve, sandbox::Calls::fork, sandbox::Calls::signal, sandbox::Calls::threads});
    process.end_trial();
    auto secret = auth::lasting_secret(process.common().data_directory() + "/auth_secret");
    process.drop_privileges(rules, "auth");
    auth::Checker checker(**users, {params.mail_location, params.default_uid, params.default_gid, params.user.password_scheme, secret});

    process.seal();  // and so its workers are
    mta::event::Loop loop;
    std::unique_ptr<auth::Server> server;
    auth::Workers workers(loop, params.workers, checker, [&] {
        for (const auto& listener : process.listeners())
            ::close(listener.get());
        if (server)
            server->close_all_in_child();
    });
    server = std::make_unique<auth::Server>(loop, params, process.listeners(), workers);
    int status = process.run(loop, [&] { server->stop([&] { loop.stop(); }); });
    server.reset();  // before the workers that it asks
    return status;
}
