#!/bin/bash
# Exim 4, Debian's heavy daemon, in a root of its own. Its defaults stay: delivery at once, fsync of spool and maildir files. Changed:
# smtp_accept_max, the backlog, a split spool directory, all of which help it.
. "$(dirname "$0")/common.sh"
smtp=$((BENCH_PORT + 5))

configure() {
    mkdir -p "$dir/etc" "$dir/spool" "$dir/log" "$dir/mail"
    chmod 755 "$dir" "$dir/etc" "$dir/mail"
    make_maildirs "$dir"
    inside chown Debian-exim "$dir/spool" "$dir/log"
    cat > "$dir/etc/exim4.conf" << CF
primary_hostname = mail.local.test
domainlist local_domains = local.test
hostlist relay_from = 127.0.0.0/8
spool_directory = $dir/spool
log_file_path = $dir/log/%slog
pid_file_path = $dir/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = $smtp
smtp_accept_max = $((BENCH_MAXPROC + 1))
smtp_connect_backlog = 1024
split_spool_directory = true
host_lookup =
rfc1413_query_timeout = 0s
dns_ipv4_lookup = *
disable_ipv6 = true
never_users =
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
begin acl
acl_rcpt:
  accept hosts = +relay_from
  deny message = relay not permitted
acl_data:
  accept
begin routers
relay:
  driver = manualroute
  domains = relay.test
  route_data = 127.0.0.1
  self = send
  transport = sink
virtual:
  driver = accept
  domains = +local_domains
  local_parts = dsearch;$dir/mail
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = $dir/mail/\$local_part_data
  create_directory = false
  user = $mail_uid
  group = $mail_gid
  mode = 0600
  delivery_date_add
  envelope_to_add
  return_path_add
sink:
  driver = smtp
  port = $sink
  allow_localhost
  hosts_try_chunking =
begin retry
* * F,2h,15m; G,16h,1h,1.5; F,4d,6h
CF
}

verb=${1:-} dir=$(realpath -m "${2:-.}")
binds="$dir:$dir $dir/etc:/etc/exim4"
case $verb in
install) binds='' && install_root ;;
ports) echo "smtp=$smtp sink=$sink" ;;
start)
    mkdir -p "$dir/etc"
    configure
    inside exim4 -bd -q30m >&2
    wait_port "$smtp" ;;
stop) stop_process "$dir/exim.pid" ;;
*) fail "unknown verb: $verb" ;;
esac
