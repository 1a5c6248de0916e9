"""Sends mail through every way in, and reads and changes mailboxes, in an instance that runs under strace."""

import os
import re
import shutil
import smtplib
import socket
import subprocess
import threading
import time

import trace

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 60.0


class Sink(threading.Thread):
    """An SMTP server that takes all mail and remembers when it said so."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = {}  # token: when, by the clock that strace uses

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rwb") as stream:
            def say(text):
                stream.write(text.encode() + b"\r\n")
                stream.flush()
            say("220 sink.test ESMTP")
            while line := stream.readline():
                verb = line.split(b" ")[0].strip().upper()
                if verb == b"DATA":
                    say("354 go on")
                    content = b""
                    while not content.endswith(b"\r\n.\r\n"):
                        content += stream.readline()
                    for token in re.findall(rb"durable-[0-9]+-", content):
                        self.taken[token.decode()] = time.time_ns()
                say("221 bye" if verb == b"QUIT" else "250 ok")
                if verb == b"QUIT":
                    return


class Imap:
    """Its tags begin with the command, so that whoever reads the answers knows what they promise."""

    def __init__(self, port, user, password):
        self.stream = socket.create_connection(("127.0.0.1", port), LIMIT).makefile("rwb")
        self.stream.readline()
        self.number = 0
        self.command(f"LOGIN {user} {password}")

    def command(self, text, literal=None):
        words = text.split()
        verb = words[1] if words[0] == "UID" else words[0]
        self.number += 1
        tag = f"{verb}{self.number}".encode()
        self.stream.write(tag + b" " + text.encode() + b"\r\n")
        self.stream.flush()
        said = b""
        while line := self.stream.readline():
            said += line
            if line.startswith(b"+") and literal is not None:
                self.stream.write(literal + b"\r\n")
                self.stream.flush()
            elif line.startswith(tag):
                if not line.startswith(tag + b" OK"):
                    raise RuntimeError(f"{text}: {line.decode()}")
                return said.decode(errors="replace")
        raise RuntimeError(f"{text}: the connection is gone")

    def append(self, folder, message):
        self.command(f"APPEND {folder} {{{len(message)}}}", message)


class Scenario:
    def __init__(self, directory):
        self.directory = directory
        self.trace = os.path.join(directory, "trace")
        self.sink = Sink()
        self.number = 0
        self.expectations = {}
        self.traces = []

    # The instance.
    def start(self):
        self.sink.start()
        local = os.path.join(self.directory, "local")
        os.makedirs(local)
        if os.getuid() == 0:
            shutil.chown(local, "nobody")
        under = " ".join(trace.strace(self.trace, "-DDD"))
        settings = [f"transport_maps=inline:{{ {{relay.test=smtp:[127.0.0.1]:{self.sink.port}}} {{fail.test=error:5.7.1 no}} {{later.test=retry:4.4.1 later}} }}",
                    "minimal_backoff_time=600s", "allow_mail_to_files=alias", "smtpd_reject_unlisted_recipient=no", "default_privs=nobody"]
        if os.getuid() != 0:
            settings.append("sandbox=no")  # else only root can follow its processes
        subprocess.run([os.path.join(TOP, "t/instance"), "start", self.directory, *settings], check=True, env=dict(os.environ, UNDER=under))
        with open(os.path.join(self.directory, "env")) as f:
            self.env = dict(word.split("=", 1) for word in f.read().split())
        with open(os.path.join(self.directory, "etc/aliases"), "a") as f:
            f.write(f"box {local}/Maildir/\nfile {local}/mbox\n")
        with open(os.path.join(self.env["QUEUE_DIRECTORY"], "pid/master.pid")) as f:
            master = int(f.read())
        with open(f"/proc/{master}/status") as f:
            self.tracer = int(re.search(r"TracerPid:\s+(\d+)", f.read()).group(1))
        self.traces.append(self.trace)

    def stop(self):
        subprocess.run([os.path.join(TOP, "t/instance"), "stop", self.directory], check=True)
        deadline = time.monotonic() + LIMIT
        while os.path.exists(f"/proc/{self.tracer}") and time.monotonic() < deadline:
            time.sleep(0.02)

    def log(self):
        with open(self.env["LOG_FILE"], errors="replace") as f:
            return f.read()

    def wait_for(self, regex, count=1):
        deadline = time.monotonic() + LIMIT
        while len(re.findall(regex, self.log())) < count:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no log line {regex}; see {self.env['LOG_FILE']}")
            time.sleep(0.02)

    # Messages and what is expected of them.
    def message(self, size=300, **expected):
        self.number += 1
        token = f"durable-{self.number}-"
        self.expectations[token] = expected
        line = "All that was acknowledged is on the disk, whatever happens.\r\n"
        return f"From: a@sender.test\r\nTo: b@example.test\r\nSubject: {token}\r\n\r\n{line * (size // len(line) + 1)}".encode()

    @staticmethod
    def boxes(*numbers):
        return [f"example.test/user{n}" for n in numbers]

    def send(self, message, recipients, port="SMTP", sender="a@sender.test"):
        with smtplib.SMTP("127.0.0.1", int(self.env[port + "_PORT"]), "sender.test", LIMIT) as client:
            if port == "SUBMISSION":
                client.login(self.env["USER9"], self.env["PASS9"])
            client.sendmail(sender, recipients, message)

    def send_all(self):
        self.send(self.message(mailboxes=self.boxes(1)), ["user1@example.test"])
        self.send(self.message(mailboxes=self.boxes(1, 2)), ["user1@example.test", "user2@example.test"])
        self.send(self.message(size=700000, mailboxes=self.boxes(1)), ["user1@example.test"])
        self.send(self.message(forwarded=True, mailboxes=self.boxes(1, 2)), ["list@mail.example.test"])
        self.send(self.message(), ["box@mail.example.test", "file@mail.example.test"])
        relayed = self.message()
        self.send(relayed, ["x@relay.test"], "SUBMISSION", "user9@example.test")
        self.send(self.message(mailboxes=self.boxes(3)), ["user3@example.test", "x@later.test"], "SUBMISSION", "user9@example.test")
        self.send(self.message(report_to=self.boxes(4)), ["x@fail.test"], "SUBMISSION", "user4@example.test")
        self.send(self.message(mailboxes=self.boxes(5), report_to=self.boxes(4)), ["user5@example.test", "x@fail.test"], "SUBMISSION", "user4@example.test")
        threads = [threading.Thread(target=self.send, args=(self.message(mailboxes=self.boxes(1 + i)), [f"user{1 + i}@example.test"])) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def traced(self, name, *arguments, stdin=b""):
        output = os.path.join(self.directory, f"trace.{len(self.traces)}")
        command = trace.strace(output) + [os.path.join(self.env["BIN"], name), *arguments]
        done = subprocess.run(command, input=stdin, env=dict(os.environ, MAIL_CONFIG=self.env["CONFIG_DIRECTORY"]), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name} {' '.join(arguments)}: {done.stdout.decode()}")
        self.traces.append(output)

    def use_commands(self):
        self.traced("sendmail", "-f", "user9@example.test", "user2@example.test", stdin=self.message(mailboxes=self.boxes(2)).replace(b"\r\n", b"\n"))
        self.wait_for("to=<x@later.test>.*status=deferred")
        deferred = re.search(r"(\w+): to=<x@later.test>.*status=deferred", self.log()).group(1)
        for option in ("-h", "-H", "-r", "-h", "-d"):
            self.traced("postsuper", option, deferred)
        table = os.path.join(self.env["CONFIG_DIRECTORY"], "made")
        with open(table, "w") as f:
            f.write("".join(f"user{i}@example.test other{i}@example.test\n" for i in range(500)))
        for kind in ("hash", "btree"):
            self.traced("postmap", f"{kind}:{table}")
        with open(table, "w") as f:
            f.write("".join(f"user{i}: other{i}\n" for i in range(500)))
        self.traced("postalias", f"hash:{table}")
        self.traced("postconf", "-e", "queue_run_delay=300s")

    def use_imap(self):
        imap = Imap(int(self.env["IMAP_PORT"]), self.env["USER8"], self.env["PASS8"])
        for name in ("first", "first.second", "third"):
            imap.command(f"CREATE {name}")
        imap.command("RENAME first.second fourth")
        imap.command("SUBSCRIBE fourth")
        imap.append("INBOX", self.message())
        imap.append("INBOX", self.message(size=600000))
        imap.append("third", self.message())
        imap.command("SELECT INBOX")
        imap.command("COPY 1:* third")
        imap.command("MOVE 1 fourth")
        imap.command("STORE 1 +FLAGS (\\Seen new-keyword)")
        imap.command("CHECK")
        imap.command("STORE 1 +FLAGS (\\Deleted)")
        imap.command("EXPUNGE")
        imap.command("SELECT third")
        imap.command("STORE 1:2 +FLAGS (\\Deleted)")
        imap.command("CLOSE")
        imap.command("SELECT fourth")
        imap.command("STORE 1 +FLAGS (\\Flagged)")
        imap.command("UNSELECT")
        imap.command("DELETE third")
        imap.command("UNSUBSCRIBE fourth")
        imap.command("LOGOUT")

    def use_pop3(self):
        with socket.create_connection(("127.0.0.1", int(self.env["POP3_PORT"])), LIMIT).makefile("rwb") as stream:
            stream.readline()
            for command in (f"USER {self.env['USER7']}", f"PASS {self.env['PASS7']}", "DELE 1", "QUIT"):
                stream.write(command.encode() + b"\r\n")
                stream.flush()
                if not stream.readline().startswith(b"+OK"):
                    raise RuntimeError(f"POP3: {command}")

    def run(self):
        self.start()
        try:
            self.send_all()
            self.wait_for(r"to=<user[178]@example.test>.*status=sent", 6)
            self.use_imap()
            self.use_pop3()
            self.use_commands()
            self.wait_for(r": removed", 17)
        finally:
            self.stop()
