"""Other hosts as nobody wants them: SMTP servers that are slow, silent or mad, and a name server that fails in all ways."""

import socket
import struct
import threading
import time


class Server(threading.Thread):
    """Takes mail as well as any other, but at one place does what its name says, until it is told to be good."""

    def __init__(self, habit):
        super().__init__(daemon=True)
        self.habit = habit
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self.listener.getsockname()[1]
        self.visits = 0
        self.taken = []  # Message-IDs

    def run(self):
        while True:
            client, _ = self.listener.accept()
            self.visits += 1
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            with client:
                Session(self, client).talk()
        except OSError:
            pass


class Session:
    def __init__(self, server, client):
        self.server, self.client, self.stream = server, client, client.makefile("rb")

    def does(self, *habits):
        return self.server.habit in habits

    def say(self, text):
        self.client.sendall(text.encode() + b"\r\n")

    def talk(self):
        if self.does("never greets"):
            return self.stream.read()
        if self.does("greets a byte at a time"):
            for byte in b"220 slow.test ESMTP\r\n":
                self.client.sendall(bytes([byte]))
                time.sleep(1)
        if self.does("greets with megabytes"):
            for _ in range(200):
                self.client.sendall(b"220 " + b"x" * 65536)
        if self.does("answers before it is asked"):
            self.say("220 early.test\r\n250 early.test\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 ok\r\n221 bye")
            return self.stream.read()
        self.say("220 evil.test ESMTP")
        while line := self.stream.readline():
            if not self.obey(line.strip().upper()):
                return None
        return None

    def obey(self, line):
        verb = line.split(b" ")[0]
        if self.does(f"closes at {verb.decode(errors='replace')}"):
            return False
        if verb == b"EHLO" and self.does("never ends its answer", "ends its answer never, slowly"):
            pause = 0.3 if self.does("ends its answer never, slowly") else 0
            while True:
                self.say("250-X-MORE")
                time.sleep(pause)
        if verb == b"RCPT" and self.does("answers nonsense"):
            self.say("\x00\xff nonsense")
        elif verb == b"DATA":
            return self.data()
        else:
            self.say("221 bye" if verb == b"QUIT" else "250 ok")
        return verb != b"QUIT"

    def data(self):
        self.say("354 go on")
        if self.does("closes one direction"):
            self.client.shutdown(socket.SHUT_WR)
        content = b""
        while not content.endswith(b"\r\n.\r\n"):
            if self.does("reads a byte at a time"):
                time.sleep(1)
                self.client.recv(1)
                continue
            more = self.stream.readline()
            if not more:
                return False
            content += more
        if self.does("resets behind the dot"):
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if self.does("never answers the dot", "closes one direction"):
            self.stream.read()
            return False
        self.server.taken += [line for line in content.split(b"\r\n") if line.lower().startswith(b"message-id:")]
        self.say("250 ok")
        return True


HABITS = ("never greets", "greets a byte at a time", "greets with megabytes", "closes at EHLO", "closes at MAIL", "closes at RCPT", "closes at DATA",
          "never ends its answer", "ends its answer never, slowly", "answers nonsense", "reads a byte at a time", "closes one direction",
          "resets behind the dot", "never answers the dot")
# Who answers before it is asked has taken the mail, as far as anybody can know.
LIARS = ("answers before it is asked",)

MX, A, CNAME, SOA, NS = 15, 1, 5, 6, 2


class Names(threading.Thread):
    """A name server; the first label of a name says what becomes of questions for it."""

    def __init__(self, mail_host="127.0.0.1"):
        super().__init__(daemon=True)
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp = socket.create_server(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
        self.mail_host = mail_host
        self.asked = {}  # label: how often
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def run(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            for reply in self.answers(query, False):
                self.udp.sendto(reply, peer)

    def serve_tcp(self):
        while True:
            client, _ = self.tcp.accept()
            with client:
                try:
                    client.settimeout(5)
                    size, = struct.unpack("!H", client.recv(2))
                    for reply in self.answers(client.recv(size), True):
                        client.sendall(struct.pack("!H", len(reply)) + reply)
                except (OSError, struct.error):
                    pass

    def answers(self, query, is_tcp):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind, = struct.unpack_from("!H", query, at + 1)
        question = query[12:at + 5]
        label = labels[-2].lower() if len(labels) > 1 else labels[0].lower()
        self.asked[label] = self.asked.get(label, 0) + 1
        handler = getattr(self, label, self.normal)
        return handler(query[:2], question, kind, is_tcp)

    @staticmethod
    def packet(number, question, records=(), code=0, flags=0x8180, authority=()):
        return number + struct.pack("!HHHHH", flags | code, 1, len(records), len(authority), 0) + question + b"".join(records) + b"".join(authority)

    @staticmethod
    def record(kind, data, name=b"\xc0\x0c"):
        return name + struct.pack("!HHIH", kind, 1, 1, len(data)) + data

    def soa(self):
        return self.record(SOA, b"\x00\x00" + struct.pack("!IIIII", 1, 1, 1, 1, 1))

    def addresses(self, kind):
        """The host's own."""
        if kind == A:
            return [self.record(A, socket.inet_aton(self.mail_host))]
        return [self.record(MX, struct.pack("!H", 10) + b"\xc0\x0c")] if kind == MX else []

    def normal(self, number, question, kind, _):
        records = self.addresses(kind)
        return [self.packet(number, question, records, authority=[] if records else [self.soa()])]

    def servfail(self, number, question, *_):
        return [self.packet(number, question, code=2)]

    def refused(self, number, question, *_):
        return [self.packet(number, question, code=5)]

    def silent(self, *_):
        return []

    def truncated(self, number, question, kind, is_tcp):
        return [] if is_tcp else [self.packet(number, question, flags=0x8380)]

    def wrongid(self, number, question, kind, _):
        return [self.packet(bytes([number[0] ^ 1, number[1]]), question, self.addresses(kind))]

    def lame(self, number, question, *_):
        """Knows only who else might know."""
        return [self.packet(number, question, flags=0x8000, authority=[self.record(NS, b"\x02ns\x04test\x00")])]

    def circle(self, number, question, *_):
        other = b"\x01b\x06circle\x04test\x00"
        own = b"\x01a\x06circle\x04test\x00"
        return [self.packet(number, question, [self.record(CNAME, other), self.record(CNAME, own, other), self.record(CNAME, other, own)])]

    def garbage(self, number, question, *_):
        return [number + b"\xff" * 40]

    def many(self, number, question, kind, is_tcp):
        if kind != MX:
            return self.normal(number, question, kind, is_tcp)
        if not is_tcp:
            return [self.packet(number, question, flags=0x8380)]
        return [self.packet(number, question, [self.record(MX, struct.pack("!H", i) + b"\xc0\x0c") for i in range(512)])]

    def nobody(self, number, question, *_):
        return [self.packet(number, question, code=3, authority=[self.soa()])]

    def nomail(self, number, question, kind, is_tcp):
        """RFC 7505."""
        if kind != MX:
            return self.normal(number, question, kind, is_tcp)
        return [self.packet(number, question, [self.record(MX, struct.pack("!H", 0) + b"\x00")])]

    def flips(self, number, question, kind, is_tcp):
        """Fails three times before it answers."""
        return self.servfail(number, question) if self.asked["flips"] <= 3 else self.normal(number, question, kind, is_tcp)


# What has to become of mail for each.
FOR_NOW = ("servfail", "refused", "silent", "truncated", "wrongid", "lame", "garbage")
FOR_GOOD = ("nobody", "nomail", "circle")
DELIVERED = ("normal", "many", "flips")
