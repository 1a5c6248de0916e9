#!/bin/bash
# Debian's Dovecot: IMAP on maildirs with its defaults, from a configuration file of its own.
. "$(dirname "$0")/common.sh"
imap=$((BENCH_PORT + 4))

configure() {
    mkdir -p "$dir/etc" "$dir/run" "$dir/log" "$dir/mail"
    chmod 755 "$dir" "$dir/mail"
    make_maildirs "$dir"
    users | sed "s|.*|&@local.test:{PLAIN}pass:$mail_uid:$mail_gid::$dir/mail/&::|" > "$dir/etc/passwd"
    cat > "$dir/etc/dovecot.conf" << CF
base_dir = $dir/run
state_dir = $dir/run
instance_name = bench
listen = 127.0.0.1
protocols = imap
log_path = $dir/log/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:$dir/mail/%n
first_valid_uid = 1
auth_mechanisms = plain
passdb {
  driver = passwd-file
  args = $dir/etc/passwd
}
userdb {
  driver = passwd-file
  args = $dir/etc/passwd
}
service imap-login {
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = 0
  }
}
CF
}

verb=${1:-} dir=$(realpath -m "${2:-.}")
case $verb in
install) ;;
ports) echo "imap=$imap" ;;
start)
    configure
    /usr/sbin/dovecot -c "$dir/etc/dovecot.conf" >&2
    wait_port "$imap" ;;
stop) stop_process "$dir/run/master.pid" ;;
*) fail "unknown verb: $verb" ;;
esac
