"""What a single session can take, and what is lost with it."""

import os
import re
import subprocess
import sys
import threading
import time

from host import TOP, Client, Failed, Host, deliveries, imap, median, p99, rollup, smtp, transaction, wait_for

sys.path.insert(1, os.path.join(TOP, "t"))
from proof import message as proof_message  # noqa: E402
from proof.ledger import Writer  # noqa: E402
from queues import queued  # noqa: E402

MANY = 40  # sessions that do the same, so that what one of them costs can be told from noise and from what a process needs once
PATIENCE = 0.5


def push(client, piece, limit):
    """Sends the piece again and again and reads nothing: until so many bytes are sent, or none are taken any more."""
    block = piece * max(1, 65536 // len(piece))
    client.socket.settimeout(PATIENCE)
    sent = 0
    while sent < limit:
        try:
            client.socket.sendall(block)
        except (TimeoutError, OSError):
            return
        sent += len(block)


FLOODS = [("SMTP", b"EHLO x\r\nNOOP\r\n", False), ("SMTP", b"x" * 65536, False), ("SMTP", b"AUTH PLAIN " + b"A" * 10000 + b"\r\n", False), ("IMAP", b"a CAPABILITY\r\n", False),
          ("IMAP", b"a LOGIN {4000+}\r\n" + b"x" * 4000 + b" {100+}\r\n", False), ("IMAP", b"x" * 65536, False), ("IMAPS", b"a CAPABILITY\r\n", True), ("POP3", b"CAPA\r\n", False),
          ("POP3", b"USER " + b"x" * 200 + b"\r\n", False), ("SUBMISSIONS", b"EHLO x\r\nNOOP\r\n", True)]


def before_login(report, is_long):
    with Host() as host:
        worst, where = 0, ""
        for service, piece, tls in FLOODS:
            first = Client(host.port(service), tls=tls)
            first.line()
            fronts = {pid: rollup(pid, "Private_Dirty") for pid in host.processes("front")}
            clients = [Client(host.port(service), f"127.0.3.{1 + i}", tls) for i in range(MANY)]
            threads = [threading.Thread(target=push, args=(client, piece, (64 if is_long else 8) << 20)) for client in clients]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            each = sum(rollup(pid, "Private_Dirty") - was for pid, was in fronts.items()) / MANY / 1024
            print(f"overload:   {service:12} {piece[:24]!r:32} {each:8.1f} kB a session")
            worst, where = max((worst, where), (each, f"{service}, {piece[:16]!r}"))
            for client in clients:
                client.close()
            first.close()
        report("a session before login: memory", f"{worst:.1f} kB ({where})", "64 kB", worst <= 80)


def served_by(host, client, program):
    """The process that has the server's end of the connection, which must not be TLS."""
    near, far = client.socket.getpeername()[1], client.socket.getsockname()[1]
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    inode = next((row[9] for row in rows if row[1].endswith(f":{near:04X}") and row[2].endswith(f":{far:04X}")), None)
    for pid in host.processes(program):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{fd}") == f"socket:[{inode}]":
                    return pid
            except OSError:
                pass
    return None


def peak(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) * 1024


def commands(size):
    """The worst that a client can say after login, in so many bytes."""
    yield "keywords", "STORE 1 +FLAGS (" + " ".join(f"k{i}" for i in range(size // 9)) + ")"
    yield "a set", "FETCH " + ",".join(str(1 + i % 3) for i in range(size // 2)) + " FLAGS"
    yield "a search", "SEARCH " + "OR NOT SEEN (ALL) " * (size // 18) + "ALL"
    yield "fields", "FETCH 1 BODY[HEADER.FIELDS (" + " ".join(f"f{i}" for i in range(size // 9)) + ")]"
    yield "sections", "FETCH 1 (" + " ".join(f"BODY[{i}]" for i in range(1, size // 12)) + ")"
    yield "part numbers", "FETCH 1 BODY[" + "1." * (size // 2) + "1]"
    yield "a pattern", 'LIST "" "' + "*%" * (size // 2) + '"'
    yield "one word", "SELECT " + "x" * size


def after_login(report, is_long):
    with Host(imapd_worker_idle_time="60s", imapd_error_limit="1000") as host:
        deliveries(host, 3, 1)
        worst, where, slowest = 0, "", 0
        for name, command in commands(60_000):
            client = imap(host, 1)
            client.imap("SELECT INBOX")
            worker = wait_for("worker", lambda: served_by(host, client, "imapd"))
            before, start = peak(worker), time.monotonic()
            answer = client.imap(command)[-1]
            seconds = time.monotonic() - start
            used = (peak(worker) - before) / 1e6
            print(f"overload:   {name:16} {answer[:48]:50} {used:6.1f} MB {seconds:6.2f} s")
            worst, where, slowest = max((worst, where), (used, name)) + (max(slowest, seconds),)
            client.close()
        report("the longest IMAP command: memory", f"{worst:.1f} MB ({where}), at most {slowest:.2f} s", "4 MB beside the command, 1 s", worst <= 64 and slowest < 10)


def killed_workers(report, is_long):
    with Host(imapd_worker_idle_time="60s", smtpd_worker_idle_time="60s") as host:
        deliveries(host, 1, 1)
        readers = [imap(host, 1), imap(host, 1)]
        for reader in readers:
            reader.imap("SELECT INBOX")
        writers = [smtp(host), smtp(host)]
        for writer in writers:
            writer.say("MAIL FROM:<a@b.test>")
        for pair, program in ((readers, "imapd"), (writers, "smtpd")):
            pids = [wait_for("worker", lambda client=client: served_by(host, client, program)) for client in pair]
            os.kill(pids[0], 9)
            if pair[0].line() != "":
                raise Failed("a session outlives its process")
        survives = " OK" in readers[1].imap("FETCH 1 FLAGS")[-1]
        writers[1].say(f"RCPT TO:<user1@{host.env['DOMAIN']}>")
        start = time.monotonic()
        deliveries(host, 1, 1)
        imap(host, 1)
        report("a worker killed: other sessions", f"{'go on' if survives else 'are lost'}, new ones served after {time.monotonic() - start:.2f} s", "only its own is lost", survives)


class Customer(threading.Thread):
    """Sends one mail after the other and notes what it was promised, until it is told to stop."""

    def __init__(self, host):
        super().__init__()
        self.host, self.ledger, self.is_over = host, f"{host.directory}/ledger", threading.Event()
        self.sent, self.refused = 0, []

    def run(self):
        note = Writer(self.ledger).note
        while not self.is_over.is_set():
            self.sent += 1
            token, recipient = f"token{self.sent}", f"user{1 + self.sent % 9}@{self.host.env['DOMAIN']}"
            text = f"X-Token: {token}\r\nSubject: overload\r\n\r\nx\r\n"
            client = smtp(self.host)
            client.say("MAIL FROM:<a@client.example.test>")
            client.say(f"RCPT TO:<{recipient}>")
            client.say("DATA", "354")
            note("send", token=token, protocol="smtp", sender="a@client.example.test", recipients=[recipient], sha256=proof_message.digest(text.encode()))
            client.send(f"{text}.\r\n")
            answer = client.reply()
            note("answer", token=token, result="ok" if answer.startswith("250") else "temporary", queue_id=answer.split()[-1])
            if not answer.startswith("250"):
                self.refused.append(answer)
            client.close()


def name_recipients(host, most):
    """A client that names so many recipients, or fewer, if it is lost."""
    client = smtp(host)
    client.say("MAIL FROM:<a@client.example.test>")
    for first in range(0, most, 100):
        try:
            client.send("".join(f"RCPT TO:<recipient{first + i}@many.example.test>\r\n" for i in range(100)))
        except OSError:
            return client, ""
        for _ in range(100):
            if not client.reply().startswith("250"):
                return client, ""
    client.send("DATA\r\n")
    return client, client.reply()


def needs_much(host):
    """What needs more memory than a worker has: in smtpd, in imapd, and in cleanup. Yields what it is and what became of it."""
    yield "a session with 100,000 recipients", name_recipients(host, 100000)[1][:3]
    client = imap(host, 1)
    client.imap("SELECT INBOX")
    try:
        client.send("x SEARCH SUBJECT {20000000+}\r\n" + "y" * 20000000 + "\r\n")
    except OSError:
        pass
    yield "a command of 20 MB", client.line()[:3]
    client, answer = name_recipients(host, 8000)
    if answer.startswith("354"):
        client.send("Subject: x\r\n\r\nx\r\n.\r\n")
        answer = client.reply()
        client.say("NOOP")
    yield "a mail that has 64,000 recipients after its aliases", answer[:3]
    yield "a mail that is half at cleanup", name_recipients(host, 20000)[1][:3]  # the process is there for the next client


def out_of_memory(report, is_long):
    host = Host(worker_memory_limit="8000000", authenticated_client_memory_limit="none", smtpd_recipient_limit="1000000", mynetworks="127.0.9.0/24",
                imapd_command_size_limit="100000000", imapd_worker_idle_time="60s", smtpd_worker_idle_time="60s")
    host.settings["virtual_alias_maps"] = f"regexp:{host.directory}/aliases.regexp"
    with open(f"{host.directory}/aliases.regexp", "w") as f:
        f.write("/^recipient(.*)@many/ " + ", ".join(f"{letter}${{1}}@other.example.test" for letter in "abcdefgh") + "\n")
    with host:
        reader, writer, customer = imap(host, 2), smtp(host), Customer(host)
        reader.imap("SELECT INBOX")
        writer.say("MAIL FROM:<a@client.example.test>")
        customer.start()
        try:
            ends = dict(needs_much(host))
            sent = customer.sent
            wait_for("mails behind them", lambda: customer.sent > sent + 30 or not customer.is_alive())
        finally:
            customer.is_over.set()
            customer.join()
        seen = [program for program in ("smtpd", "imapd", "cleanup") if re.search(rf"/{program}\[\d+\]: .*std::bad_alloc", host.log())]
        report("no more memory: ends", "; ".join(f"{what}: {end or 'the session'}" for what, end in ends.items()) + f"; by std::bad_alloc in {', '.join(seen)}",
               "the session, or 4xx", len(seen) == 3 and list(ends.values()) == ["", "", "451", ""])
        writer.say(f"RCPT TO:<user1@{host.env['DOMAIN']}>")
        goes_on = " OK" in reader.imap("NOOP")[-1]
        wait_for("end of the deliveries", lambda: not queued(host))
        check = subprocess.run([f"{TOP}/t/mailcheck", customer.ledger, "--queue", host.env["QUEUE_DIRECTORY"], "--maildirs", host.env["MAILDIR_FORMAT"]], text=True, capture_output=True)
        report("the same: others", f"sessions {'go on' if goes_on else 'are lost'}; of {customer.sent} mails {len(customer.refused)} are refused; t/mailcheck: {check.stdout.splitlines()[-1]}",
               "nothing is lost", goes_on and not customer.refused and check.returncode == 0)


def fill_folder(host, user, count):
    place = host.maildir(user)
    owner = os.stat(place)
    for i in range(count):
        name = f"{place}/cur/{1600000000 + i}.M{i}P1.host:2,"
        with open(name, "w") as f:
            f.write(f"From: a{i}@b.test\nTo: c@d.test\nSubject: number {i}\nDate: Fri, 1 Jan 2021 00:00:00 +0000\n\nx\n")
        os.chown(name, owner.st_uid, owner.st_gid)


def large_folder(report, is_long):
    count = 200000 if is_long else 5000
    with Host(imapd_worker_idle_time="60s") as host:
        deliveries(host, 1, 1)
        deliveries(host, 1, 2)
        fill_folder(host, 1, count)
        other = imap(host, 2)
        other.imap("SELECT INBOX")
        before, during, times = waits(other, 50), [], {}
        client = imap(host, 1)

        def read():
            for command in ("SELECT INBOX", "FETCH 1:* FLAGS", "FETCH 1:* ENVELOPE", "SEARCH SUBJECT 77", "STORE 1:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE"):
                start = time.monotonic()
                if " OK" not in client.imap(command)[-1]:
                    raise Failed(command)
                times[command] = time.monotonic() - start

        reader = threading.Thread(target=read)
        reader.start()
        while reader.is_alive():
            during += waits(other, 10)
        reader.join()
        report(f"a folder of {count} messages", ", ".join(f"{command.split(' (')[0]} {seconds:.2f} s" for command, seconds in times.items()), "SELECT 1 s, ENVELOPE 5 s with 200,000",
               len(times) == 6 and times["SELECT INBOX"] < 5)
        report("the same: other users wait", f"median {median(during):.2f} ms, p99 {p99(during):.2f} ms; {median(before):.2f} and {p99(before):.2f} ms before", "20 % more",
               median(during) < 3 * median(before) + 20)


def waits(client, count):
    times = []
    for _ in range(count):
        start = time.monotonic()
        client.imap("FETCH 1 ENVELOPE")
        times.append((time.monotonic() - start) * 1000)
        time.sleep(0.005)
    return times


ROWS = {"before-login": before_login, "after-login": after_login, "killed-workers": killed_workers, "out-of-memory": out_of_memory, "large-folder": large_folder}
