#!/bin/bash
# Debian's OpenSMTPD in a root of its own, with its defaults. Its listen backlog of 5 cannot be changed, and clients beyond it wait in
# vain. The log goes to syslog, which is not there: that saves it something.
. "$(dirname "$0")/common.sh"
smtp=$((BENCH_PORT + 6))

configure() {
    mkdir -p "$dir/etc" "$dir/mail"
    chmod 755 "$dir" "$dir/etc" "$dir/mail"
    chmod 711 "$dir/spool"
    make_maildirs "$dir"
    cat > "$dir/etc/smtpd.conf" << CF
table users { "@" = vmail }
listen on 127.0.0.1 port $smtp hostname mail.local.test
action "local" maildir "$dir/mail/%{dest.user}" virtual <users>
action "relay" relay host smtp://127.0.0.1:$sink
match from any for domain "local.test" action "local"
match from any for domain "relay.test" action "relay"
CF
}
note_parent() {  # it writes no such file: the process whose parent is none of its own kind
    for pid in $(pidof smtpd); do
        [ "$(readlink "/proc/$pid/root")" = "$(realpath "$root")" ] || continue
        read -r _ _ _ parent _ < "/proc/$pid/stat"
        [ "$(cat "/proc/$parent/comm")" = smtpd ] || echo "$pid" > "$dir/smtpd.pid"
    done
}

verb=${1:-} dir=$(realpath -m "${2:-.}")
binds="$dir:$dir $dir/spool:/var/spool/smtpd"
case $verb in
install) binds='' && install_root ;;
ports) echo "smtp=$smtp sink=$sink burst=4" ;;
start)
    mkdir -p "$dir/spool"
    configure
    inside smtpd -f "$dir/etc/smtpd.conf" >&2
    wait_port "$smtp"
    note_parent ;;
stop) stop_process "$dir/smtpd.pid" ;;
*) fail "unknown verb: $verb" ;;
esac
