#!/bin/bash
# Debian's Postfix: an instance of its own beside whatever the host runs. Its defaults stay: it syncs the queue file and the
# mailbox file, in_flow_delay is 1s. No chroot jails, as here; the log goes to a file, as here.
. "$(dirname "$0")/common.sh"
smtp=$((BENCH_PORT + 3))

configure() {
    mkdir -p "$dir/etc" "$dir/queue" "$dir/data" "$dir/log" "$dir/mail"
    chmod 755 "$dir" "$dir/etc" "$dir/log" "$dir/mail"
    chown postfix "$dir/data"
    make_maildirs "$dir"
    write_tables "$dir"
    cp -r /etc/postfix/dynamicmaps.cf* /etc/postfix/postfix-files* "$dir/etc/"
    cat > "$dir/etc/main.cf" << CF
compatibility_level = 3.6
multi_instance_name = postfix-bench
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/log/maillog
maillog_file_prefixes = $dir
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.local.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = local.test
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = hash:$dir/etc/mailbox
virtual_uid_maps = static:$mail_uid
virtual_gid_maps = static:$mail_gid
transport_maps = hash:$dir/etc/transport
smtp_dns_support_level = disabled
alias_maps =
alias_database =
default_process_limit = $BENCH_MAXPROC
CF
    # Debian's services with jails off, and none but ours at a port.
    { echo "127.0.0.1:$smtp inet n - n - - smtpd"
      awk '/^[^# ]/ { own = $2 ~ /^unix/ && $0 !~ /pipe/; if (own) $5 = "n" } /^[^#]/ && own' /usr/share/postfix/master.cf.dist; } > "$dir/etc/master.cf"
    postmap -c "$dir/etc" "hash:$dir/etc/mailbox" "hash:$dir/etc/transport"
}

verb=${1:-} dir=$(realpath -m "${2:-.}")
PATH=$PATH:/usr/sbin
case $verb in
install) ;;
ports) echo "smtp=$smtp sink=$sink" ;;
start)
    configure
    postfix -c "$dir/etc" start >&2
    wait_port "$smtp" ;;
stop) stop_process "$dir/queue/pid/master.pid" ;;
*) fail "unknown verb: $verb" ;;
esac
