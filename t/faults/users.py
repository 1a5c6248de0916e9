"""What the users of an instance do. They note what they were promised in the ledger of t/mailcheck, and take every error as an answer
but three: silence, a refusal for good, and a lie."""

import os
import re
import time

from proof import message as proof_message
from traffic import Gone, Lines, Silence

RELOAD_SECONDS = 8.0


class Users:
    """Each method is a session of some client; True if all of it worked."""

    def __init__(self, instance):
        self.instance, self.ledger = instance, instance.ledger
        self.number = 0
        self.complaints = []
        self.queue_ids = []

    def message(self, size=400):
        self.number += 1
        token = f"f{os.getpid()}-{time.monotonic_ns()}-{self.number}"
        line = "What was acknowledged is kept.\r\n"
        content = (f"Date: Tue, 03 Mar 2026 10:15:42 +0000\r\nFrom: a@sender.test\r\nTo: b@example.test\r\nSubject: fault\r\n"
                   f"Message-ID: <{token}@sender.test>\r\nX-Token: {token}\r\n\r\n{line * (size // len(line))}")
        return token, content.encode()

    def attempt(self, name, *arguments, **options):
        """Runs a session; what must never happen becomes a complaint."""
        try:
            return getattr(self, name)(*arguments, **options)
        except Gone:
            return False
        except Silence as silence:
            self.complaints.append(f"{name}: {silence}")
            return False

    def is_ok(self, reply, code):
        if reply.startswith("5"):
            self.complaints.append(f"refused for good: {reply}")
        return reply.startswith(code)

    # SMTP.
    def smtp(self):
        return self.transfer_to(["user1@example.test", "x@relay.test"], ["user3@example.test", "box@mail.example.test"], ["x@fail.test"],
                                ["list@mail.example.test"])

    def attempt_mails(self, mails, size):
        """All of these, however often it takes to hand them in."""
        for recipients in mails:
            while not self.attempt("transfer_to", recipients, size=size):
                time.sleep(0.05)

    def transfer_to(self, *mails, size=400):
        with Lines(self.instance.port("SUBMISSION")) as client:
            if not self.is_ok(client.reply(), "220") or not self.is_ok(client.reply("EHLO sender.test"), "250"):
                return False
            if not self.is_ok(client.reply("AUTH PLAIN AHVzZXI5QGV4YW1wbGUudGVzdABwYXNzOQ=="), "235"):
                return False
            good = True
            for recipients in mails:
                good = self.transfer(client, recipients, 70000 if "box@mail.example.test" in recipients else size) and good
            client.reply("QUIT")
            return good

    def transfer(self, client, recipients, size):
        if not self.is_ok(client.reply("MAIL FROM:<user9@example.test>"), "250"):
            return False
        for recipient in recipients:
            if not self.is_ok(client.reply(f"RCPT TO:<{recipient}>"), "250"):
                client.reply("RSET")
                return False
        if not self.is_ok(client.reply("DATA"), "354"):
            return False
        token, content = self.message(size)
        self.ledger.note("send", token=token, protocol="smtp", sender="user9@example.test", recipients=recipients, sha256=proof_message.digest(content))
        client.send(content + b".\r\n")
        reply = client.reply()
        good = self.is_ok(reply, "250")
        queue_id = reply.split()[-1] if good else None
        if good:
            self.queue_ids.append(queue_id)
        self.ledger.note("answer", token=token, result="ok" if good else "temporary", queue_id=queue_id)
        return good

    def submit(self):
        token, content = self.message()
        self.ledger.note("send", token=token, protocol="submit", sender="user9@example.test", recipients=["user4@example.test"],
                         sha256=proof_message.digest(content))
        status, output = self.instance.command("sendmail", "-f", "user9@example.test", "user4@example.test", data=content.replace(b"\r\n", b"\n"),
                                               environment=self.command_environment("sendmail"))
        if status is None:
            raise Silence("sendmail does not end")
        self.check_status("sendmail", status, output)
        if status not in (0, 75):
            self.complaints.append(f"sendmail ends with {status}: {output.strip()}")
        self.ledger.note("answer", token=token, result="ok" if status == 0 else "temporary")
        return status == 0

    def check_status(self, name, status, output):
        if status < 0:
            self.complaints.append(f"{name} dies of signal {-status}: {output.strip()}")

    def command_environment(self, name):
        return {}

    # IMAP.
    def imap(self):
        with Lines(self.instance.port("IMAP")) as client:
            client.line()
            number = 0

            def command(text, literal=None):
                nonlocal number
                number += 1
                client.send(f"a{number} {text}\r\n".encode())
                said = []
                while True:
                    said.append(client.line())
                    if said[-1].startswith("+ ") and literal is not None:
                        client.send(literal + b"\r\n")
                    elif said[-1].startswith(f"a{number} "):
                        if said[-1].startswith(f"a{number} BAD"):
                            self.complaints.append(f"IMAP: {text}: {said[-1]}")
                        if "INBOX" in text and re.search(r"\[(NONEXISTENT|TRYCREATE)\]", said[-1]):
                            self.complaints.append(f"IMAP: {text}: what cannot be looked at is said not to be there: {said[-1]}")
                        return said[-1].split()[1] == "OK", "\n".join(said)
            good, _ = command("LOGIN user7@example.test pass7")
            if not good:
                return False
            command("CREATE Kept")
            return self.use_folders(command) and command("LOGOUT")[0]

    def append(self, command):
        token, content = self.message()
        self.ledger.note("send", token=token, protocol="append", user="user7@example.test", folder="INBOX", sha256=proof_message.digest(content))
        good, said = command(f"APPEND INBOX {{{len(content)}}}", content)
        self.ledger.note("answer", token=token, result="ok" if good else "temporary")
        shown = re.search(r"APPENDUID (\d+) (\d+)", said)
        if good and shown:
            self.ledger.note("uid", user="user7@example.test", folder="INBOX", uidvalidity=int(shown.group(1)), uid=int(shown.group(2)), token=token)
        return token if good else None

    def use_folders(self, command):
        tokens = [self.append(command) for _ in range(3)]
        good, said = command("SELECT INBOX")
        if not good or not all(tokens):
            return False
        user = {"user": "user7@example.test"}
        for token, (doing, done, verb) in zip(tokens, (("copying", "copied", "COPY"), ("moving", "moved", "MOVE"), ("deleting", "deleted", "DELETE"))):
            found, said = command(f"UID SEARCH HEADER X-Token {token}")
            uid = re.search(r"^\* SEARCH (\d+)", said, re.M)
            if found and not uid:
                self.complaints.append(f"IMAP: the message {token} is not found")
            if not found or not uid:
                return False
            where = {"folder": "INBOX"} if verb == "DELETE" else {"from": "INBOX", "folder": "Kept"}
            if verb == "DELETE" and not command(f"UID STORE {uid.group(1)} +FLAGS (\\Deleted)")[0]:
                return False
            self.ledger.note(doing, token=token, **user, **where)
            if not command(f"UID EXPUNGE {uid.group(1)}" if verb == "DELETE" else f"UID {verb} {uid.group(1)} Kept")[0]:
                return False
            self.ledger.note(done, token=token, **user, **where)
        return True

    def pop3(self):
        with Lines(self.instance.port("POP3")) as client:
            client.line()
            for text in ("USER user4@example.test", "PASS pass4"):
                client.send(text.encode() + b"\r\n")
                if not client.line().startswith("+OK"):
                    return False
            client.send(b"STAT\r\n")
            reply = client.line()
            if reply.startswith("+OK 0 ") or not reply.startswith("+OK"):
                client.send(b"QUIT\r\n")
                return client.line().startswith("+OK") and reply.startswith("+OK")
            return self.delete_first(client)

    def delete_first(self, client):
        client.send(b"RETR 1\r\n")
        if not client.line().startswith("+OK"):
            return False
        lines = []
        while (line := client.line()) != ".":
            lines.append(line[1:] if line.startswith(".") else line)
        token = proof_message.read("\n".join(lines).encode() + b"\n").token
        client.send(b"DELE 1\r\n")
        if not client.line().startswith("+OK"):
            return False
        self.ledger.note("deleting", user="user4@example.test", folder="INBOX", token=token)
        client.send(b"QUIT\r\n")
        if not client.line().startswith("+OK"):
            return False
        self.ledger.note("deleted", user="user4@example.test", folder="INBOX", token=token)
        return True

    # Commands for the queue and for tables.
    def list_queue(self):
        status, output = self.instance.command("postqueue", "-p", environment=self.command_environment("postqueue"))
        if status is None:
            raise Silence("postqueue does not end")
        self.check_status("postqueue", status, output)
        return status == 0

    def reload(self):
        before = self.instance.log_size()
        status, _ = self.instance.command("buuta", "reload")
        if status is None:
            raise Silence("buuta reload does not end")
        # Master may have nowhere to write: what it does not say has not taken place.
        return status == 0 and self.instance.wait_for_log(r"reload(: | -- ).*\n", RELOAD_SECONDS, before) and " reload -- " in self.instance.log_since(before)

    def supervise(self):
        """Holds and releases all mail, of which there may be none."""
        good = True
        for option in ("-s", "-h", "-H"):
            arguments = [option] if option == "-s" else [option, "ALL"]
            status, output = self.instance.command("postsuper", *arguments, environment=self.command_environment("postsuper"))
            if status is None:
                raise Silence("postsuper does not end")
            self.check_status("postsuper", status, output)
            good = good and status == 0
        return good

    def make_table(self):
        """Whatever happens, the table has the old content or the new."""
        table = os.path.join(self.instance.directory, "table")
        old = self.number
        self.number += 1
        with open(table, "w") as f:
            f.write("".join(f"key{i} {self.number}\n" for i in range(200)))
        status, output = self.instance.command("postmap", f"hash:{table}", environment=self.command_environment("postmap"))
        if status is None:
            raise Silence("postmap does not end")
        self.check_status("postmap", status, output)
        found, value = self.instance.command("postmap", "-q", "key77", f"hash:{table}")
        value = value.strip()
        is_new, is_old = value == str(self.number), getattr(self, "table_value", None) in (None, value)
        if (status == 0 and not is_new) or (status != 0 and not is_new and not is_old):
            self.complaints.append(f"postmap ends with {status}, and the table has {value!r}, not {self.number} (or {old})")
        if is_new:
            self.table_value = value
        return status == 0 and found == 0
