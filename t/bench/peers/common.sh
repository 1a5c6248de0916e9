# What the peers share; sourced by each. A peer is a program with the verbs
#   ports            prints smtp=PORT or imap=PORT, and sink=PORT
#   start DIR        starts with all state under DIR and returns when it listens
#   stop DIR
# and serves userNNN@local.test (000 to 199, password "pass") in the maildirs DIR/mail/userNNN, relays relay.test to the sink
# at 127.0.0.1, and lets 127.0.0.0/8 send. Durability is the peer's default. Environment: BENCH_PORT, the first of ten ports;
# BENCH_MAXPROC, the process limit.
# shellcheck shell=bash disable=SC2034
set -eu
: "${BENCH_PORT:=20000}" "${BENCH_MAXPROC:=100}"
here=$(cd "$(dirname "$0")" && pwd)
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
