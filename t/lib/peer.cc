#include "t/lib/peer.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "base/file.h"
#include "base/text.h"
#include "t/lib/connection.h"

namespace mta::test {

namespace {

std::vector<std::string> files_in(const std::string& directory)
{
    std::vector<std::string> contents;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory, none))
        if (auto content = read_file(entry.path().string()))
            contents.push_back(std::move(*content));
    return contents;
}

bool answers(const std::string& address, int port)
{
    try {
        Connection client(port, address);
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

}  // namespace

Sink::Sink(int port, const std::string& address, const std::string& options)
{
    const auto& directory = directory_.path();
    ::chmod(directory.c_str(), 0777);
    server_ = std::make_unique<Background>(cat("PATH=$PATH:/usr/sbin exec smtp-sink ", is_root() ? "-u nobody " : "", options, " -d ", directory, "/m. ",
                                               address, ":", port, " 100"));
    if (!wait_for(directory, [&] { return answers(address, port); }))
        throw std::runtime_error(cat("smtp-sink did not start: ", server_->wait(std::chrono::seconds(0)).output));
}

std::vector<std::string> Sink::mails(std::size_t count) const
{
    std::vector<std::string> found;
    wait_for(directory_.path(), [&] {
        found = files_in(directory_.path());
        // A dump ends with an empty line.
        return found.size() >= count && std::all_of(found.begin(), found.end(), [](auto& mail) { return mail.ends_with("\n\n"); });
    });
    for (auto& mail : found)
        if (mail.ends_with("\n\n"))
            mail.pop_back();
    return found;
}

Postfix::Postfix(const std::string& domain, int relay_port, const std::string& more) : port_(free_port())
{
    const auto& directory = directory_.path();
    auto script = cat(R"(set -e
PATH=$PATH:/usr/sbin
mkdir -p $dir/etc $dir/queue $dir/data $dir/mail
chown postfix $dir/data
cp /usr/share/postfix/master.cf.dist $dir/etc/master.cf 2> /dev/null || cp /etc/postfix/master.cf $dir/etc/master.cf
sed -i -e "s/^smtp  *inet/127.0.0.1:$port inet/" -e '/^submission/d' -e '/^smtps/d' $dir/etc/master.cf
sed -i -E 's/^([a-z0-9.:]+ +[a-z]+ +[-n]+ +[-n]+ +)y/\1n/; s/^([a-z0-9.:]+ +[a-z]+ +[-n]+ +[-n]+ +)- /\1n /' $dir/etc/master.cf
grep -q '^postlog ' $dir/etc/master.cf || echo 'postlog unix-dgram n - n - 1 postlogd' >> $dir/etc/master.cf
printf 'box@%s %s/mail/box/\n' $domain $dir > $dir/etc/boxes
id=$(id -u nobody)
cat > $dir/etc/main.cf <<CF
compatibility_level = 3.6
config_directory = $dir/etc
queue_directory = $dir/queue
data_directory = $dir/data
multi_instance_name =
maillog_file = $dir/log
maillog_file_prefixes = $dir
myhostname = mail.$domain
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
virtual_mailbox_domains = $domain
virtual_mailbox_base = /
virtual_mailbox_maps = texthash:$dir/etc/boxes
virtual_uid_maps = static:$id
virtual_gid_maps = static:$(id -g nobody)
virtual_minimum_uid = 1
relayhost = [127.0.0.1]:$relay
mynetworks = 127.0.0.0/8
smtp_tls_security_level = may
$more
CF
chown nobody $dir/mail
postfix -c $dir/etc start
)");
    auto done = run(script, "", {{"dir", directory}, {"domain", domain}, {"port", std::to_string(port_)}, {"relay", std::to_string(relay_port)}, {"more", more}});
    if (done.status != 0 || !wait_for(directory, [&] { return answers("127.0.0.1", port_); }))
        throw std::runtime_error(cat("Postfix did not start: ", done.output, log()));
}

Postfix::~Postfix() { run(cat("PATH=$PATH:/usr/sbin; exec postfix -c ", directory(), "/etc stop")); }

std::string Postfix::log() const
{
    auto content = read_file(directory() + "/log");
    return content ? *content : "";
}

std::vector<std::string> Postfix::messages() const { return files_in(directory() + "/mail/box/new"); }

}  // namespace mta::test
