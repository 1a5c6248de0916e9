#!/bin/bash
# This suite, from the build directory B, as t/instance configures it. BENCH_SETTINGS: more lines of main.cf.
. "$(dirname "$0")/common.sh"
bin=${B:-$here/../../../build}/bin
smtp=$((BENCH_PORT + 1)) imap=$((BENCH_PORT + 2))

configure() {
    mkdir -p "$dir/etc" "$dir/queue" "$dir/data" "$dir/log" "$dir/mail"
    chmod 755 "$dir" "$dir/etc" "$dir/queue" "$dir/log" "$dir/mail"
    owner=buuta
    [ "$(id -u)" = 0 ] || owner=$(id -un)
    [ "$(id -u)" != 0 ] || chown "$owner" "$dir/data"
    : >> "$dir/log/maillog"
    chmod 666 "$dir/log/maillog"
    make_maildirs "$dir"
    write_tables "$dir"
    users | sed "s|.*|&@local.test:{PLAIN}pass:$mail_uid:$mail_gid::$dir/mail/&::userdb_mail=maildir:$dir/mail/&|" > "$dir/etc/users"
    cat > "$dir/etc/main.cf" << CF
compatibility_level = 3.11
config_directory = $dir/etc
queue_directory = $dir/queue
data_directory = $dir/data
daemon_directory = $bin
command_directory = $bin
mail_owner = $owner
maillog_file = $dir/log/maillog
myhostname = mail.local.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
virtual_mailbox_domains = local.test
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = hash:$dir/etc/mailbox
virtual_uid_maps = static:$mail_uid
virtual_gid_maps = static:$mail_gid
virtual_minimum_uid = 0
transport_maps = hash:$dir/etc/transport
default_process_limit = $BENCH_MAXPROC
auth_users = passwd-file:$dir/etc/users
imapd_tls_auth_only = no
smtpd_session_message_limit = 1000000
${BENCH_SETTINGS:-}
CF
    # The installed services, but of the inet ones only two.
    awk -v smtp="$smtp" -v imap="$imap" '
        /^[^# ]/ { skip = $2 == "inet" && $1 != "smtp" && $1 != "imap" }
        /^smtp +inet/ { $1 = "127.0.0.1:" smtp }
        /^imap +inet/ { $1 = "127.0.0.1:" imap }
        /^[^#]/ && !skip' "$here/../../../conf/master.cf" > "$dir/etc/master.cf"
    "$bin/postmap" -c "$dir/etc" "hash:$dir/etc/mailbox" "hash:$dir/etc/transport"
    chmod 644 "$dir"/etc/*
}

verb=${1:-} dir=$(realpath -m "${2:-.}")
case $verb in
install) ;;
ports) echo "smtp=$smtp imap=$imap sink=$sink" ;;
start)
    configure
    "$bin/master" -c "$dir/etc" -w || fail "master did not start: $(tail -n 5 "$dir/log/maillog")"
    wait_port "$smtp" && wait_port "$imap" ;;
stop) stop_process "$dir/queue/pid/master.pid" ;;
*) fail "unknown verb: $verb" ;;
esac
