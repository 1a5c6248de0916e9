"""An instance of the suite, what its processes cost, and clients that speak to it."""

import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("B", "build"))
LIMIT = 60.0  # seconds for anything that should take a moment
GOOD = "127.0.9.9"  # the address of a client that has done nothing wrong


class Failed(Exception):
    pass


def wait_for(what, condition, limit=LIMIT):
    deadline = time.monotonic() + limit
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise Failed(f"no {what} after {limit:.0f} seconds")
        select.select([], [], [], 0.002)


class Host:
    """A running instance of its own; settings are main.cf's. Ends with the block it is used in."""

    def __init__(self, master_cf="", **settings):
        self.directory = tempfile.mkdtemp(prefix="buuta-overload.")
        os.chmod(self.directory, 0o755)
        self.settings = {"smtpd_error_sleep_time": "0", "anvil_rate_time_unit": "3600s", "smtpd_client_event_limit_exceptions": "127.0.0.0/8"} | settings
        if os.getuid() != 0 and "worker_memory_limit" not in settings:  # which counts in a sandbox only
            self.settings["sandbox"] = "no"  # else only root can see what its processes cost
        self.master_cf = master_cf
        self.env = {}

    def __enter__(self):
        try:
            self.run("start", *[f"{name}={value}" for name, value in self.settings.items()])
        except Failed:
            self.__exit__()
            raise
        with open(f"{self.directory}/env") as f:
            self.env = dict(word.split("=", 1) for word in f.read().split())
        return self

    def __exit__(self, *what):
        for client in Client.opened:
            client.close()
        Client.opened.clear()
        self.run("stop")
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, verb, *arguments):
        done = subprocess.run([f"{TOP}/t/instance", verb, self.directory, *arguments], text=True, capture_output=True,
                              env=os.environ | {"B": BUILD, "MASTER_CF": self.master_cf})
        if done.returncode != 0:
            raise Failed(f"t/instance {verb}: {done.stderr}")

    def start_again(self):
        """After run("stop"), with the same configuration and ports; returns before all daemons are there."""
        subprocess.run([f"{BUILD}/bin/master", "-c", self.env["CONFIG_DIRECTORY"], "-w"], check=True)

    def port(self, service):
        return int(self.env[f"{service}_PORT"])

    def maildir(self, user):
        return f"{self.directory}/mail/{self.env['DOMAIN']}/user{user}"

    def messages(self, user):
        found = []
        for name in ("new", "cur"):
            try:
                found += os.listdir(f"{self.maildir(user)}/{name}")
            except FileNotFoundError:
                pass
        return found

    def log(self):
        with open(self.env["LOG_FILE"], errors="replace") as f:
            return f.read()

    def processes(self, program=""):
        """The pids of all our daemons, or of those of one program."""
        with open(f"{self.directory}/queue/pid/master.pid") as f:
            master = int(f.read())
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as f:
                        name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
                except OSError:
                    continue
                children.setdefault(int(rest.split()[1]), []).append((int(entry), name))
        found, left = [], [(master, "master")]
        while left:
            pid, name = left.pop()
            left += children.get(pid, [])
            if not program or name == program:
                found.append(pid)
        return found

    def memory(self, *programs):
        """Bytes that these have written to and share with nobody."""
        return sum(rollup(pid, "Private_Dirty") for program in programs for pid in self.processes(program))


def rollup(pid, what):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return int(re.search(rf"^{what}:\s+(\d+)", f.read(), re.M).group(1)) * 1024
    except (OSError, AttributeError):
        return 0  # it has just ended


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / os.sysconf("SC_CLK_TCK")


class Client:
    """A connection that speaks lines; the end of the server's side is an empty answer. Is closed before the host stops."""

    opened = []

    def __init__(self, port, source=GOOD, tls=False, limit=LIMIT):
        self.socket = socket.socket()
        self.socket.settimeout(limit)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.buffer = b""
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        Client.opened.append(self)

    def close(self):
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def line(self):
        while b"\n" not in self.buffer:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                return ""
            self.buffer += piece
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def reply(self):
        """SMTP: the last line."""
        line = self.line()
        while line[3:4] == "-":
            line = self.line()
        return line

    def say(self, text, expected="2"):
        self.send(text + "\r\n")
        answer = self.reply()
        if not answer.startswith(expected):
            raise Failed(f"{text[:60]} was answered {answer!r}")
        return answer

    def imap(self, text):
        """Everything up to the tagged line, which is the last."""
        self.send(f"x {text}\r\n")
        lines = [self.line()]
        while lines[-1] and not lines[-1].startswith("x "):
            lines.append(self.line())
        return lines


def smtp(host, source=GOOD, port="SMTP", **how):
    client = Client(host.port(port), source, **how)
    if not client.reply().startswith("220"):
        raise Failed("no greeting")
    client.say("EHLO client.example.test")
    return client


def imap(host, user, source=GOOD):
    client = Client(host.port("IMAP"), source)
    client.line()
    if " OK" not in client.imap(f"LOGIN user{user}@{host.env['DOMAIN']} pass{user}")[-1]:
        raise Failed("no login")
    return client


def transaction(client, host, user, body="x"):
    client.say("MAIL FROM:<a@client.example.test>")
    client.say(f"RCPT TO:<user{user}@{host.env['DOMAIN']}>")
    client.say("DATA", "354")
    client.say(f"Subject: overload\r\n\r\n{body}\r\n.")


def median(values):
    return sorted(values)[len(values) // 2]


def p99(values):
    return sorted(values)[min(len(values) - 1, len(values) * 99 // 100)]


def greetings(host, count, source=GOOD):
    """The milliseconds that so many clients, one after the other, wait for their greeting."""
    times = []
    for _ in range(count):
        start = time.monotonic()
        client = Client(host.port("SMTP"), source)
        reply = client.reply()
        if not reply.startswith("220"):
            raise Failed(f"a good client was not greeted, but heard {reply!r}")
        times.append((time.monotonic() - start) * 1000)
        client.close()
    return times


def deliveries(host, count, user=8):
    """The milliseconds from the first byte of so many mails, one after the other, until each is in the mailbox."""
    times = []
    for _ in range(count):
        before = len(host.messages(user))
        start = time.monotonic()
        client = smtp(host)
        transaction(client, host, user)
        wait_for("delivery", lambda: len(host.messages(user)) > before)
        times.append((time.monotonic() - start) * 1000)
        client.close()
    return times


def end(pid):
    if pid > 0:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
