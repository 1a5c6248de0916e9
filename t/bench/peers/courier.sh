#!/bin/bash
# Debian's Courier IMAP in a root of its own: IMAP on maildirs with its defaults, but for the number of connections.
. "$(dirname "$0")/common.sh"
imap=$((BENCH_PORT + 8))

configure() {
    mkdir -p "$dir/run/authdaemon" "$dir/mail"
    chmod 755 "$dir" "$dir/mail"
    make_maildirs "$dir"
    cp -a "$root/etc/courier/." "$dir/etc/"
    cat >> "$dir/etc/imapd" << CF
ADDRESS=127.0.0.1
PORT=$imap
MAXDAEMONS=$BENCH_MAXPROC
MAXPERIP=$BENCH_MAXPROC
MAILDIRPATH=.
CF
    echo 'authmodulelist="authuserdb"' >> "$dir/etc/authdaemonrc"
    password=$(openssl passwd -1 -salt bench pass)
    users | sed "s|.*|&@local.test\tuid=$mail_uid\|gid=$mail_gid\|home=$dir/mail/&\|mail=$dir/mail/&\|systempw=$password|" > "$dir/etc/userdb"
    chmod 600 "$dir/etc/userdb"
    inside chown -R courier:courier /etc/courier /run/courier
    inside makeuserdb
}

verb=${1:-} dir=$(realpath -m "${2:-.}")
binds="$dir:$dir $dir/etc:/etc/courier $dir/run:/run/courier"
case $verb in
install) binds='' && install_root ;;
ports) echo "imap=$imap" ;;
start)
    mkdir -p "$dir/etc" "$dir/run"
    configure
    inside /usr/sbin/authdaemond start >&2
    inside /usr/sbin/imapd start >&2
    wait_port "$imap" ;;
stop)
    inside /usr/sbin/imapd stop >&2
    inside /usr/sbin/authdaemond stop >&2 ;;
*) fail "unknown verb: $verb" ;;
esac
