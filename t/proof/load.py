"""Everything that changes a queue or a mailbox, at once, each step in a ledger: the clients of t/powercut."""

import email.utils
import imaplib
import os
import poplib
import random
import re
import smtplib
import subprocess
import threading
import time

from proof import ledger, message

VIRTUAL = [f"user{number}@example.test" for number in range(1, 9)]
LOCAL = [f"loc{number}@mail.example.test" for number in (1, 2, 3)]
SENDER = "user9@example.test"
LIST, LIST_MEMBERS = "list@mail.example.test", VIRTUAL[:2]  # as t/instance makes it
FAR, SLOW, BAD = "x@relay.test", "x@slow.test", "x@fail.test"


class Client(threading.Thread):
    """Does one thing after the other until it is told to stop; a thing that failed because the server went is over."""
    names = 0

    def __init__(self, env, book, stop, seed):
        super().__init__(daemon=True)
        Client.names += 1
        self.env, self.book, self.stop, self.count = env, book, stop, 0
        self.random, self.label = random.Random(f"{seed}-{Client.names}"), f"{type(self).__name__.lower()}{Client.names}"
        self.failed = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.session()
        except Exception as problem:  # told by the one who waits for the thread
            self.failed = problem

    def new_message(self):
        self.count += 1
        token = f"{self.label}.{self.count}"
        size = self.random.choice([0, 300, 1500, 3000, 6000]) if self.random.random() < 0.95 else self.random.randrange(20000, 150000)
        body = "".join(f"{number} {'x' * (number * 37 % 70)}\n" for number in range(size // 40))
        text = (f"X-Token: {token}\nFrom: Sender <{SENDER}>\nTo: somebody@example.test\nSubject: {token}\nDate: {email.utils.formatdate()}\n"
                f"Message-ID: <{token}@client.test>\n\n{body}end\n").encode()
        return token, text, message.digest(text)

    def program(self, name, *arguments, given=b""):
        return subprocess.run([os.path.join(self.env["BIN"], name), *arguments], input=given, env={**os.environ, **self.env},
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)


class Smtp(Client):
    def session(self):
        with smtplib.SMTP(self.env["HOST"], int(self.env["SMTP_PORT"]), timeout=30) as server:
            server.ehlo("client.test")
            for _ in range(self.random.randrange(1, 12)):
                if self.stop.is_set():
                    return
                self.transfer(server)

    def recipients(self):
        pick, user = self.random.random(), self.random.choice(VIRTUAL)
        if pick < 0.35:
            return [user]
        if pick < 0.5:
            return [self.random.choice(LOCAL)]
        if pick < 0.6:
            return [user, self.random.choice([other for other in VIRTUAL if other != user]), FAR]
        if pick < 0.75:
            return [FAR]
        if pick < 0.85:
            return [SLOW]
        if pick < 0.92:
            return [user, BAD]
        if pick < 0.95:
            return [LIST]
        return [f"fresh{self.label}x{self.count}@example.test"]  # has no maildir yet

    def transfer(self, server):
        token, text, digest = self.new_message()
        recipients = self.recipients()
        server.mail(SENDER)
        for recipient in recipients:
            server.rcpt(recipient)
        self.book.note("send", token=token, protocol="smtp", sender=SENDER, recipients=recipients, sha256=digest)
        code, reply = server.data(text.replace(b"\n", b"\r\n"))
        queue_id = reply.decode().rsplit(" ", 1)[-1] if code == 250 else None
        self.book.note("answer", token=token, result={2: "ok", 4: "temporary"}.get(code // 100, "permanent"), queue_id=queue_id)


class Submit(Client):
    """The sendmail command."""

    def session(self):
        token, text, digest = self.new_message()
        recipient = self.random.choice(VIRTUAL + [FAR])
        self.book.note("send", token=token, protocol="submit", sender=SENDER, recipients=[recipient], sha256=digest)
        done = self.program("sendmail", "-i", "-f", SENDER, recipient, given=text)
        self.book.note("answer", token=token, result="ok" if done.returncode == 0 else "temporary")


class Imap(Client):
    """Owns the mailbox of one user, as far as deletions go."""

    def __init__(self, env, book, stop, seed, number):
        super().__init__(env, book, stop, seed)
        self.number, self.user, self.folders = number, env[f"USER{number}"], ["INBOX", "Work", "Archive"]

    def session(self):
        with imaplib.IMAP4(self.env["HOST"], int(self.env["IMAP_PORT"]), timeout=30) as server:
            server.login(self.user, self.env[f"PASS{self.number}"])
            for folder in self.folders[1:]:
                server.create(folder)  # or it is there
            server.select("INBOX")
            self.known = {}  # what the view has: UID: token
            for _ in range(self.random.randrange(10, 40)):
                if self.stop.is_set():
                    return
                self.random.choice([self.append, self.append, self.copy, self.move, self.delete, self.flag, self.look, self.make_folder])(server)

    @staticmethod
    def code(server, name):
        """The words of a response code."""
        _, found = server.response(name)
        return (found[-1] or b"").decode().split() if found else []

    def shown(self, folder, validity, uid, token):
        self.book.note("uid", user=self.user, folder=folder, uidvalidity=int(validity), uid=int(uid), token=token)

    def append(self, server, folder=None):
        folder = folder or self.random.choice(self.folders)
        token, text, digest = self.new_message()
        self.book.note("send", token=token, protocol="append", user=self.user, folder=folder, sha256=digest)
        server.response("APPENDUID")
        done, _ = server.append(folder, None, None, text)
        self.book.note("answer", token=token, result="ok" if done == "OK" else "temporary")
        if done == "OK":
            validity, uid = self.code(server, "APPENDUID")
            self.shown(folder, validity, uid, token)
            if folder == "INBOX":
                server.noop()
                self.known[int(uid)] = token

    def look(self, server):
        """Learns what deliveries have brought."""
        server.noop()
        done, answer = server.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (X-Token)])")
        validity = self.validity(server)
        for part in answer if done == "OK" else ():
            if isinstance(part, tuple) and (token := message.token_of(part[1].replace(b"\r\n", b"\n"))):
                uid = int(re.search(rb"UID (\d+)", part[0])[1])
                self.shown("INBOX", validity, uid, token)
                self.known[uid] = token

    @staticmethod
    def validity(server):
        return re.search(rb"UIDVALIDITY (\d+)", server.status("INBOX", "(UIDVALIDITY)")[1][0])[1]

    def one(self):
        return self.random.choice(sorted(self.known.items())) if self.known else (None, None)

    def copy(self, server, verb="COPY", events=("copying", "copied")):
        uid, token = self.one()
        if not uid:
            return
        target = self.random.choice(self.folders[1:])
        what = {"user": self.user, "token": token, "from": "INBOX", "folder": target}
        self.book.note(events[0], **what)
        server.response("COPYUID")
        done, _ = server.uid(verb, str(uid), target)
        if done == "OK" and (code := self.code(server, "COPYUID")):
            self.book.note(events[1], **what)
            self.shown(target, code[0], code[2], token)

    def move(self, server):
        before = dict(self.known)
        self.copy(server, "MOVE", ("moving", "moved"))
        server.noop()
        self.known = {}
        if before:
            self.look(server)

    def delete(self, server):
        uid, token = self.one()
        if not uid:
            return
        self.book.note("flagging", user=self.user, folder="INBOX", token=token)
        self.book.note("deleting", user=self.user, folder="INBOX", token=token)
        server.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
        done, _ = server.uid("EXPUNGE", str(uid))
        if done == "OK":
            self.book.note("deleted", user=self.user, folder="INBOX", token=token)
        del self.known[uid]

    def flag(self, server):
        uid, token = self.one()
        if not uid:
            return
        self.book.note("flagging", user=self.user, folder="INBOX", token=token)
        server.uid("STORE", str(uid), "FLAGS", "(\\Flagged \\Seen)")
        if server.check()[0] == "OK":
            self.book.note("flagged", user=self.user, folder="INBOX", token=token, flags="FS")

    def make_folder(self, server):
        self.count += 1
        name = f"F{self.count}"
        if server.create(name)[0] == "OK":
            self.append(server, name)


class Pop(Client):
    def __init__(self, env, book, stop, seed, number):
        super().__init__(env, book, stop, seed)
        self.number, self.user = number, env[f"USER{number}"]

    def session(self):
        server = poplib.POP3(self.env["HOST"], int(self.env["POP3_PORT"]), timeout=30)
        server.user(self.user)
        server.pass_(self.env[f"PASS{self.number}"])
        tokens = []
        for index in range(1, min(server.stat()[0], 5) + 1):
            token = message.token_of(b"\n".join(server.top(index, 0)[1]) + b"\n\n")
            if token and self.random.random() < 0.7:
                server.dele(index)
                tokens.append(token)
        for token in tokens:
            self.book.note("deleting", user=self.user, folder="INBOX", token=token)
        server.quit()
        for token in tokens:
            self.book.note("deleted", user=self.user, folder="INBOX", token=token)
        self.stop.wait(0.05)


class Super(Client):
    """postsuper, on mail for the host that does not answer."""
    VERBS = {"-h": ("holding", "held", "Placed on hold"), "-H": ("releasing", "released", "Released from hold"),
             "-r": ("releasing", "released", "Requeued"), "-d": ("deleting", "deleted", "Deleted")}

    def session(self):
        waiting = [name for state in ("deferred", "hold") for _, _, names in os.walk(f"{self.env['QUEUE_DIRECTORY']}/{state}") for name in names]
        letter = self.random.choice(["-h", "-h", "-H", "-r", "-d"])
        if not waiting:
            self.stop.wait(0.02)
        elif self.random.random() < 0.1:
            self.program("postsuper", "-s")
        else:
            begun, done, words = self.VERBS[letter]
            queue_id = self.random.choice(waiting)
            self.book.note(begun, queue_id=queue_id)
            told = self.program("postsuper", letter, queue_id)
            if told.returncode == 0 and f"{words}: 1 message".encode() in told.stderr:
                self.book.note(done, queue_id=queue_id)


class Table(Client):
    """Rebuilds a table again and again; versions says when each was begun and when postmap had ended."""
    KEYS = 50

    def __init__(self, env, book, stop, seed, path):
        super().__init__(env, book, stop, seed)
        self.path, self.versions = path, []

    def session(self):
        version = len(self.versions)
        with open(self.path, "w", encoding="ascii") as stream:
            stream.writelines(f"key{number} version{version}\n" for number in range(self.KEYS))
        begun = time.monotonic()
        self.versions.append((begun, None))
        done = self.program("postmap", f"hash:{self.path}")
        if done.returncode:
            raise RuntimeError(f"postmap: {done.stderr.decode()}")
        self.versions[-1] = begun, time.monotonic()
        self.stop.wait(0.05)


def run(env, book_path, seconds, seed, table_path):
    """The load, for that long; gives the client that has rebuilt the table."""
    stop, book = threading.Event(), ledger.Writer(book_path)
    table = Table(env, book, stop, seed, table_path)
    clients = [*(Smtp(env, book, stop, seed) for _ in range(4)), Submit(env, book, stop, seed), Imap(env, book, stop, seed, 1),
               Imap(env, book, stop, seed, 2), Pop(env, book, stop, seed, 3), Super(env, book, stop, seed), table]
    for client in clients:
        client.start()
    stop.wait(seconds)
    stop.set()
    for client in clients:
        client.join(60)
        if client.is_alive() or client.failed:
            raise RuntimeError(f"{client.label}: {client.failed or 'does not end'}") from client.failed
    return table
