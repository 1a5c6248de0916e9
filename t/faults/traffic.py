"""An instance with something preloaded into all its programs, another host that takes all mail, and what is said of both afterwards."""

import os
import re
import shutil
import socket
import subprocess
import threading
import time

from proof import message as proof_message
from proof.ledger import Writer

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 25.0  # seconds that a client waits for an answer: more than ipc_timeout of the instance
SETTINGS = ["minimal_backoff_time=1s", "maximal_backoff_time=1s", "transport_retry_time=1s", "service_throttle_time=1s", "ipc_timeout=8s",
            "allow_mail_to_files=alias", "smtpd_reject_unlisted_recipient=no", "smtpd_client_connection_rate_limit=0"]


class Silence(Exception):
    """No answer in time."""


class Gone(Exception):
    """The connection is closed."""


class Lines:
    """A client's connection."""

    def __init__(self, port):
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        except TimeoutError as error:
            raise Silence(f"connecting to {port}") from error
        except OSError as error:
            raise Gone(str(error)) from error
        self.stream = self.socket.makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stream.close()
        except OSError:
            pass
        self.socket.close()

    def send(self, data):
        try:
            self.stream.write(data)
            self.stream.flush()
        except TimeoutError as error:
            raise Silence("nobody reads") from error
        except OSError as error:
            raise Gone(str(error)) from error

    def line(self):
        try:
            line = self.stream.readline()
        except TimeoutError as error:
            raise Silence(f"no answer in {PATIENCE} s") from error
        except OSError as error:
            raise Gone(str(error)) from error
        if not line.endswith(b"\n"):
            raise Gone("connection closed")
        return line.decode(errors="replace").rstrip("\r\n")

    def reply(self, command=None):
        """Of SMTP: its last line."""
        if command is not None:
            self.send(command.encode() + b"\r\n")
        line = self.line()
        while line[3:4] == "-":
            line = self.line()
        return line


class Sink(threading.Thread):
    """Another host, which takes all mail."""

    def __init__(self, ledger):
        super().__init__(daemon=True)
        self.ledger = ledger
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with client, client.makefile("rwb") as stream:
                self.talk(stream)
        except OSError:
            pass

    def talk(self, stream):
        def say(text):
            stream.write(text.encode() + b"\r\n")
            stream.flush()
        say("220 sink.test ESMTP")
        recipients = []
        while line := stream.readline():
            words = line.split()
            verb = words[0].upper() if words else b""
            if verb == b"MAIL":
                recipients = []
            elif verb == b"RCPT":
                recipients.append(re.search(r"<(.*?)>", line.decode()).group(1))
            elif verb == b"DATA":
                say("354 go on")
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    more = stream.readline()
                    if not more:
                        return
                    content += more
                content = content[:-3].replace(b"\r\n.", b"\r\n").replace(b"\r\n", b"\n")
                read = proof_message.read(content)
                self.ledger.note("received", token=read.token, recipients=recipients, sha256=read.digest, about=sorted(read.about))
            say("221 bye" if verb == b"QUIT" else "250 ok")
            if verb == b"QUIT":
                return


class Instance:
    def __init__(self, directory, preloaded=None, settings=(), under=()):
        """preloaded: the environment of all its programs; under: a command that runs master."""
        self.directory = directory
        os.makedirs(os.path.join(directory, "local"))
        os.chmod(directory, 0o755)
        if os.getuid() == 0:
            shutil.chown(os.path.join(directory, "local"), "nobody")
        self.ledger_path = os.path.join(directory, "ledger")
        self.ledger = Writer(self.ledger_path)
        self.sink = Sink(self.ledger)
        self.sink.start()
        self.environment = dict(os.environ)
        preload = [f"{name}={value}" for name, value in (preloaded or {}).items()]
        if preload or under:
            self.environment["UNDER"] = " ".join([*under, "env", *preload])
        transports = f"inline:{{ {{relay.test=smtp:[127.0.0.1]:{self.sink.port}}} {{fail.test=error:5.7.1 no}} {{later.test=retry:4.4.1 later}} }}"
        all_settings = SETTINGS + [f"transport_maps={transports}", "import_environment=" + " ".join(["TZ LANG=C PATH=/usr/bin:/bin"] + preload), *settings]
        subprocess.run([os.path.join(TOP, "t/instance"), "start", directory, *all_settings], check=True, env=self.environment)
        with open(os.path.join(directory, "env")) as f:
            self.env = dict(word.split("=", 1) for word in f.read().split())
        with open(os.path.join(directory, "etc/aliases"), "a") as f:
            f.write(f"box {directory}/local/Maildir/\n")
        self.ledger.note("mailbox", address="box@mail.example.test", path=f"{directory}/local/Maildir")
        self.ledger.note("alias", address="list@mail.example.test", to=["user1@example.test", "user2@example.test"])
        self.ledger.note("remote", address="x@relay.test")
        self.ledger.note("bad", address="x@fail.test")

    def stop(self):
        subprocess.run([os.path.join(TOP, "t/instance"), "stop", self.directory], check=False, timeout=60)

    def port(self, name):
        return int(self.env[name + "_PORT"])

    def command(self, *arguments, data=b"", environment=None):
        """Exit status and output; None if it does not end."""
        try:
            done = subprocess.run([os.path.join(self.env["BIN"], arguments[0]), *arguments[1:]], input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=PATIENCE, check=False, env=dict(os.environ, MAIL_CONFIG=self.env["CONFIG_DIRECTORY"], **(environment or {})))
        except subprocess.TimeoutExpired:
            return None, ""
        return done.returncode, done.stdout.decode(errors="replace")

    def master(self):
        """Its process, or nothing: it has ended."""
        try:
            with open(os.path.join(self.env["QUEUE_DIRECTORY"], "pid/master.pid")) as f:
                pid = int(f.read())
            with open(f"/proc/{pid}/stat") as f:
                return pid if f.read().rsplit(")", 1)[1].split()[0] != "Z" else None
        except (OSError, ValueError):
            return None

    def start_again(self):
        """As systemd does with a master that has ended."""
        command = [*self.environment.get("UNDER", "env").split(), os.path.join(self.env["BIN"], "master"), "-c", self.env["CONFIG_DIRECTORY"], "-w"]
        return subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60).returncode == 0

    def processes(self):
        """{pid: CPU seconds} of all below master."""
        parents, seconds = {}, {}
        ticks = os.sysconf("SC_CLK_TCK")
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(entry)] = int(fields[1])
            seconds[int(entry)] = (int(fields[11]) + int(fields[12])) / ticks
        found, new = {}, [self.master()] if self.master() else []
        while new:
            pid = new.pop()
            found[pid] = seconds.get(pid, 0)
            new += [child for child, parent in parents.items() if parent == pid]
        return found

    def is_drained(self):
        return not any(not name.startswith(".p") for state in ("incoming", "active", "deferred")
                       for _, _, names in os.walk(os.path.join(self.env["QUEUE_DIRECTORY"], state)) for name in names)

    def drain(self, seconds):
        deadline = time.monotonic() + seconds
        while not self.is_drained() and time.monotonic() < deadline:
            self.command("postqueue", "-f")
            time.sleep(0.2)

    def wait_for_log(self, regex, seconds, offset=0):
        deadline = time.monotonic() + seconds
        while not re.search(regex, self.log_since(offset)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def log_size(self):
        return os.path.getsize(self.env["LOG_FILE"])

    def log_since(self, offset):
        with open(self.env["LOG_FILE"], "rb") as f:
            f.seek(offset)
            return f.read().decode(errors="replace")


def complaints_in(log):
    """What a log must never say, whatever the trouble is."""
    return [line for line in log.splitlines() if re.search(r"killed by signal|panic|status=(bounced|expired)", line) and "x@fail.test" not in line]


def verdict(instance):
    """What t/mailcheck has to complain of in an instance that was stopped."""
    done = subprocess.run([os.path.join(TOP, "t/mailcheck"), instance.ledger_path, "--queue", instance.env["QUEUE_DIRECTORY"], "--maildirs",
                           instance.env["MAILDIR_FORMAT"], "--drained"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return [line for line in done.stdout.splitlines() if not re.match("checked|not checked", line)] if done.returncode != 0 else []
