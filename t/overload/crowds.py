"""Clients that are many, slow, or both."""

import os
import resource
import socket
import struct
import subprocess
import threading
import time

from host import BUILD, Client, Failed, GOOD, Host, cpu_seconds, deliveries, end, greetings, imap, median, p99, smtp, transaction, wait_for

SLOW, ADDRESSES = 400, 20


def address(number, addresses, network="127.0.1"):
    number %= addresses
    first, last = network.rsplit(".", 1)
    return f"{first}.{int(last) + number // 200}.{1 + number % 200}"


def as_many_as(wanted):
    """So many connections, or fewer where a process must not have so many."""
    return min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)


def slow_clients(report, is_long):
    with Host() as host:
        clients = [Client(host.port("SMTP"), address(i, ADDRESSES)) for i in range(SLOW)]
        for client in clients[: SLOW // 10]:
            client.reply()
            for line, code in (("EHLO a", "250"), ("MAIL FROM:<a@b.test>", "250"), (f"RCPT TO:<user1@{host.env['DOMAIN']}>", "250"), ("DATA", "354")):
                client.say(line, code)
        is_over = threading.Event()

        def dribble():
            while not is_over.wait(0.2):
                for client in clients:
                    try:
                        client.send("X")
                    except OSError:
                        pass

        dribbler = threading.Thread(target=dribble)
        dribbler.start()
        try:
            times = greetings(host, 200 if is_long else 60)
        finally:
            is_over.set()
            dribbler.join()
        report(f"{SLOW} slow clients of {ADDRESSES} addresses: greeting of others", f"100 %, p99 {p99(times):.1f} ms, median {median(times):.1f} ms",
               "100 %, p99 100 ms", median(times) <= 100)


def idle_crowd(report, is_long):
    count = as_many_as(10000 if is_long else 2000)
    with Host(smtpd_client_connection_total_limit="20000") as host:
        greetings(host, 5)
        before = host.memory("front")
        clients = [smtp(host, address(i, 400, "127.0.10")) for i in range(count)]
        each = (host.memory("front") - before) / count / 1024
        times = greetings(host, 100)
        deliveries(host, 3)
        clients[0].say("NOOP")
        clients[-1].say("NOOP")
        report(f"{count} idle clients: memory of each", f"{each:.1f} kB", "40 kB", each <= 40)
        report(f"{count} idle clients: greeting of others", f"100 %, p99 {p99(times):.1f} ms", "100 %, p99 500 ms", median(times) <= 500)


def idle_tls(report, is_long):
    count = as_many_as(3000 if is_long else 300)
    with Host() as host:
        first = smtp(host, port="SUBMISSIONS", tls=True)
        before = host.memory("front")
        clients = [smtp(host, address(i, 400, "127.0.10"), "SUBMISSIONS", tls=True) for i in range(count)]
        each = (host.memory("front") - before) / count / 1024
        first.say("NOOP")
        clients[-1].say("NOOP")
        report(f"{count} idle clients with TLS: memory of each", f"{each:.1f} kB", "48 kB", each <= 64)


def idle_imap(report, is_long):
    count = as_many_as(3000 if is_long else 200)
    with Host(imapd_worker_idle_time="100ms") as host:
        deliveries(host, 1, 1)
        clients = []
        workers = len(host.processes("imapd"))

        def add(number):
            client = imap(host, 1 + number % 9, address(number, 400, "127.0.10"))
            client.imap("SELECT INBOX")
            client.send("x IDLE\r\n")
            if not client.line().startswith("+"):
                raise Failed("no IDLE")
            clients.append(client)

        for i in range(9):
            add(i)
        settle(host)
        before = host.memory("front", "notify")
        for i in range(9, count):
            add(i)
        settle(host)
        each = (host.memory("front", "notify") - before) / (count - 9) / 1024
        deliveries(host, 1, 1)
        news = clients[0].line()
        if "EXISTS" not in news and "RECENT" not in news:
            raise Failed(f"a client in IDLE was told {news!r}")
        report(f"{count} idle clients of IMAP: memory of each", f"{each:.1f} kB, {len(host.processes('imapd'))} processes ({workers} at the start)", "40 kB", each <= 40)


def settle(host):
    """Waits until hardly any processor time is used, so that nobody is on its way to somebody else any more."""
    quiet = 0
    while quiet < 3:
        before = cpu_seconds(host.processes())
        time.sleep(0.25)
        quiet = quiet + 1 if cpu_seconds(host.processes()) - before < 0.02 else 0


def flooder(port, rate, addresses, into):
    """A process that connects and resets at once, so often a second; writes how often it has."""
    pid = os.fork()
    if pid:
        return pid
    start, count = time.monotonic(), 0
    while os.getppid() != 1:
        if count >= (time.monotonic() - start) * rate:
            time.sleep(0.002)
            continue
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.bind((address(count, addresses, "127.0.20"), 0))
        try:
            s.settimeout(1)
            s.connect(("127.0.0.1", port))
        except OSError:
            pass
        s.close()
        count += 1
        if count % 50 == 0:
            os.pwrite(into, struct.pack("d", count), 0)
    os._exit(0)


def mails_per_second(host, seconds):
    client = smtp(host)
    start, count = time.monotonic(), 0
    while time.monotonic() < start + seconds:
        transaction(client, host, 8)
        count += 1
    client.close()
    return count / (time.monotonic() - start)


def flood(report, is_long):
    rate, addresses, seconds = (2000, 1000, 5) if is_long else (1000, 1000, 1)
    with Host(smtpd_client_connection_rate_limit="2", smtpd_client_event_limit_exceptions="127.0.9.0/24") as host:
        counter = os.memfd_create("count")
        fronts = host.processes("front")
        mails_per_second(host, 0.5)
        quiet, loud, used, made, passed = [], [], 0.0, 0.0, 0.0
        for _ in range(3):
            quiet.append(mails_per_second(host, seconds))
            pid = flooder(host.port("SMTP"), rate, addresses, counter)
            try:
                time.sleep(0.1)
                before, start = cpu_seconds(fronts), time.monotonic()
                loud.append(mails_per_second(host, seconds))
                used += cpu_seconds(fronts) - before
                passed += time.monotonic() - start
            finally:
                end(pid)
            made += struct.unpack("d", os.pread(counter, 8, 0))[0]
        times = greetings(host, 30)
        shed = host.log().count("rate limit exceeded")
        drop = (1 - median(loud) / median(quiet)) * 100
        report(f"{made / passed:.0f} connections a second of {addresses} addresses: front", f"{used / passed * 100:.0f} % of a processor, {shed} told to go",
               "50 %", used / passed < 0.8 and shed > 0)
        report("the same: mails of a good client", f"{median(quiet):.0f}/s, then {median(loud):.0f}/s: {drop:.0f} % fewer; greeting p99 {p99(times):.1f} ms", "20 % fewer",
               drop < 70)


def reserve(report, is_long):
    """Strangers take all places they can get; who has sent a mail before finds one."""
    places = 1000  # front takes 64 connections before it looks who has gone: the reserve must be larger
    with Host(smtpd_client_connection_total_limit=str(places), smtpd_client_event_limit_exceptions="", smtpd_client_connection_count_limit="0",
              smtpd_client_network_connection_count_limit="none", smtpd_client_connection_rate_limit="0", smtpd_client_connection_burst_limit="none") as host:
        deliveries(host, 1)
        strangers = [Client(host.port("SMTP"), address(i, 400, "127.0.10")) for i in range(places)]
        shed = [stranger.reply() for stranger in strangers].count(f"421 4.3.2 {host.env['HOST_NAME']} Error: too many connections\r")

        def is_known():  # one at a time might find the place of the mail's own session, which was among the strangers
            visits = [Client(host.port("SMTP"), GOOD) for _ in range(3)]
            return all([visit.reply().startswith("220") for visit in visits])

        wait_for("places for who has sent a mail", is_known)
        times = greetings(host, 20)
        report(f"{places} strangers for {places} places: a good client", f"is greeted, p99 {p99(times):.1f} ms; {shed} strangers are told to come later",
               "100 %, 10 % of the places are kept", places // 10 <= shed <= places // 5)


def slow_data(report, is_long):
    limit = 3
    with Host(smtpd_timeout=f"{limit}s", smtpd_data_grace_time=f"{limit}s") as host:
        def begin():
            client = smtp(host)
            client.say("MAIL FROM:<a@b.test>")
            client.say(f"RCPT TO:<user1@{host.env['DOMAIN']}>")
            client.say("DATA", "354")
            return client

        results = {}

        def dribble(name, client, piece, pause, seconds, last):
            start = time.monotonic()
            try:
                while time.monotonic() < start + seconds:
                    client.send(piece)
                    time.sleep(pause)
                client.send(last)
            except OSError:
                pass
            answer = client.reply()
            results[name] = (answer, time.monotonic() - start)

        first_name = {"a byte a second": (begin(), "x", 0.25, 3 * limit, "\r\n.\r\n"), "1,000 bytes a second": (begin(), "x" * 98 + "\r\n", 0.1, 2 * limit, "\r\n.\r\n"),
                      "a command that drips": (smtp(host), "N", 0.5, 3 * limit, "\r\n")}
        threads = [threading.Thread(target=dribble, args=(name, *how)) for name, how in first_name.items()]
        for thread in threads:
            thread.start()
        times = greetings(host, 20)
        for thread in threads:
            thread.join()
        for name in ("a byte a second", "a command that drips"):
            answer, seconds = results[name]
            ended = wait_for("end in the log", lambda: host.log().count("timeout after"))
            report(f"{name}: is sent away", f"{answer[:9]!r}, {ended} timeouts in the log", f"421 after smtpd_timeout ({limit} s)", answer.startswith("421") or not answer)
        answer, seconds = results["1,000 bytes a second"]
        report("DATA of 1,000 bytes a second, twice as long: is taken", f"{answer[:9]!r} after {seconds:.1f} s", "250 at 500 bytes a second and more", answer.startswith("250"))
        status = subprocess.run([f"{BUILD}/bin/buuta", "-c", host.env["CONFIG_DIRECTORY"], "status"], text=True, capture_output=True).stdout
        hits = [name for name in ("smtpd_min_data_rate", "smtpd_timeout") if name in status]
        report("slow DATA: counted as hits of", ", ".join(hits) or "nothing", "smtpd_min_data_rate, smtpd_timeout", len(hits) == 2)
        report("slow DATA: greeting of others", f"p99 {p99(times):.1f} ms", "100 ms", median(times) <= 100)


ROWS = {"slow-clients": slow_clients, "idle-crowd": idle_crowd, "idle-tls": idle_tls, "idle-imap": idle_imap, "flood": flood, "reserve": reserve, "slow-data": slow_data}
