#!/bin/bash
# Debian's Cyrus IMAP in a root of its own: IMAP on its own store, with its defaults; processes are used again as in Debian's
# configuration. Its first SELECT and FETCH come after a reconstruct, which has read every message.
. "$(dirname "$0")/common.sh"
imap=$((BENCH_PORT + 7))

configure() {
    mkdir -p "$dir"/{etc,lib,spool,run/proc,run/lock,mail}
    chmod 755 "$dir" "$dir/etc"
    make_maildirs "$dir"
    cat > "$dir/etc/imapd.conf" << CF
configdirectory: $dir/lib
proc_path: $dir/run/proc
mboxname_lockpath: $dir/run/lock
defaultpartition: default
partition-default: $dir/spool
altnamespace: yes
unixhierarchysep: yes
mailbox_legacy_dirs: yes
autocreate_quota: 0
virtdomains: userid
defaultdomain: local.test
admins: cyrus
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: $dir/etc/sasldb2
sasl_mech_list: PLAIN
servername: local.test
idlesocket: $dir/run/idle
lmtpsocket: $dir/run/lmtp
notifysocket: $dir/run/notify
maxlogins_per_user: 0
maxlogins_per_host: 0
sync_log: no
CF
    cat > "$dir/etc/cyrus.conf" << CF
START {
  recover cmd="/usr/sbin/cyrus ctl_cyrusdb -C $dir/etc/imapd.conf -r"
}
SERVICES {
  imap cmd="imapd -U 30 -C $dir/etc/imapd.conf" listen="127.0.0.1:$imap" prefork=0 maxchild=$BENCH_MAXPROC
}
EVENTS {
  checkpoint cmd="/usr/sbin/cyrus ctl_cyrusdb -C $dir/etc/imapd.conf -c" period=30
}
CF
    # shellcheck disable=SC2016
    users | inside sh -euc 'while read -r user; do echo pass | saslpasswd2 -f "$1" -u local.test -p -c "$user"; done' sh "$dir/etc/sasldb2"
    inside chown -R cyrus:mail "$dir/etc" "$dir/lib" "$dir/spool" "$dir/run"
}
load() {  # USER MAILDIR: the first login makes the mailbox, and reconstruct finds what lies in its directory
    exec 3<> "/dev/tcp/127.0.0.1/$imap"
    printf 'a LOGIN %s@local.test pass\r\nb LOGOUT\r\n' "$1" >&3
    cat <&3 > /dev/null
    exec 3>&-
    box=$(inside su -s /bin/sh cyrus -c "/usr/sbin/cyrus mbpath -C $dir/etc/imapd.conf user/$1")
    python3 - "$2/cur" "$box" << 'PY'
import os, sys
source, box = sys.argv[1:]
for number, name in enumerate(sorted(os.listdir(source)), 1):
    with open(f"{source}/{name}", "rb") as message, open(f"{box}/{number}.", "wb") as copy:
        copy.write(message.read().replace(b"\n", b"\r\n"))
PY
    inside chown -R cyrus:mail "$box"
    inside su -s /bin/sh cyrus -c "/usr/sbin/cyrus reconstruct -C $dir/etc/imapd.conf user/$1" >&2
}

verb=${1:-} dir=$(realpath -m "${2:-.}")
binds="$dir:$dir"
case $verb in
install) binds='' && install_root ;;
ports) echo "imap=$imap own_store=1" ;;
start)
    configure
    inside /usr/sbin/cyrmaster -d -p "$dir/run/master.pid" -C "$dir/etc/imapd.conf" -M "$dir/etc/cyrus.conf" >&2
    wait_port "$imap" ;;
stop) stop_process "$dir/run/master.pid" ;;
load) load "$3" "$4" ;;
*) fail "unknown verb: $verb" ;;
esac
