# What the peers share; sourced by each. A peer is a program with the verbs
#   install          gets what it needs beyond installed packages
#   ports            prints smtp=PORT or imap=PORT, and sink=PORT; own_store=1: its mailboxes are no maildirs; burst=N: it cannot
#                    take more connections at once
#   start DIR        starts with all state under DIR and returns when it listens
#   stop DIR
#   load DIR USER MAILDIR   with own_store: copies the messages of the maildir into the user's INBOX
# and serves userNNN@local.test (000 to 199, password "pass") in the maildirs DIR/mail/userNNN, relays relay.test to the sink
# at 127.0.0.1, and lets 127.0.0.0/8 send. Durability is the peer's default. Environment: BENCH_PORT, the first of ten ports;
# BENCH_MAXPROC, the process limit; BENCH_ROOTS, where the roots below are kept.
#
# Mail servers exclude one another as Debian packages, so that all but Postfix and Dovecot have a Debian of their own: a directory
# made by debootstrap, once, of some 300 MB, with the packages that the line NAME-root of t/packages says. They run there by
# chroot(8), with DIR at the same path, and the mounts are in a namespace that goes with the last process.
# shellcheck shell=bash disable=SC2034
set -eu
: "${BENCH_PORT:=20000}" "${BENCH_MAXPROC:=100}" "${BENCH_ROOTS:=/var/cache/buuta-bench}"
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$0" .sh)
root=$BENCH_ROOTS/$name
mailboxes=200
sink=$((BENCH_PORT + 9))
if [ "$(id -u)" = 0 ]; then
    mail_uid=$(id -u vmail) mail_gid=$(id -g vmail)
else
    mail_uid=$(id -u) mail_gid=$(id -g)
fi

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }
users() { seq -f 'user%03g' 0 $((mailboxes - 1)); }
make_maildirs() {
    users | sed "s|.*|$1/mail/&/tmp $1/mail/&/new $1/mail/&/cur|" | xargs mkdir -p
    [ "$(id -u)" != 0 ] || chown -R "$mail_uid:$mail_gid" "$1/mail"
}
write_tables() {  # the same mailboxes and routes for every SMTP server
    users | sed 's|.*|&@local.test &/|' > "$1/etc/mailbox"
    echo "relay.test smtp:[127.0.0.1]:$sink" > "$1/etc/transport"
    chmod 644 "$1/etc/mailbox" "$1/etc/transport"
}
wait_port() {
    for ((n = 0; n < 400; n++)); do
        # shellcheck disable=SC2188
        if (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; then return; fi
        sleep 0.05
    done
    fail "nobody listens at port $1"
}
is_running() {  # a zombie, whose parent takes its time, is not
    { read -r _ _ state _ < "/proc/$1/stat"; } 2> /dev/null && [ "$state" != Z ]
}
inside() {  # in the peer's root; binds: words "directory:place in the root"
    # shellcheck disable=SC2016,SC2086
    unshare --mount sh -euc 'root=$1; shift
        mount -t proc proc "$root/proc"
        while [ "$1" != -- ]; do
            mkdir -p "$root${1#*:}"
            mount --bind "${1%%:*}" "$root${1#*:}"
            shift
        done
        shift
        exec chroot "$root" "$@"' sh "$root" ${binds:-} -- "$@"
}
install_root() {
    [ ! -e "$root.ready" ] || return 0
    # shellcheck disable=SC1091
    . /etc/os-release
    rm -rf "$root"
    mkdir -p "$BENCH_ROOTS"
    debootstrap --variant=minbase "$VERSION_CODENAME" "$root" >&2
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"  # nothing is started
    chmod 755 "$root/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # shellcheck disable=SC2046
    inside env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(sed -n "s/^$name-root: //p" "$here/../../packages") >&2
    inside useradd -o -u "$mail_uid" -U -d /nonexistent -s /bin/false vmail >&2
    echo '127.0.0.1 localhost mail.local.test' > "$root/etc/hosts"
    echo 'nameserver 127.0.0.1' > "$root/etc/resolv.conf"  # only this host is to be reached
    touch "$root.ready"
}
stop_process() {  # the one whose number is in the file, and waits for its end
    [ -e "$1" ] || return 0
    pid=$(tr -d ' ' < "$1")
    kill "$pid" 2> /dev/null || return 0
    for ((n = 0; n < 1000; n++)); do
        is_running "$pid" || return 0
        sleep 0.02
    done
    kill -KILL "$pid"
}
