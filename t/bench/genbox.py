"""A mailbox to measure with: messages of 2 to 8 KiB and of varied MIME structure, the same ones for the same number."""

import base64
import os
import random
from email.utils import formatdate

WORDS = ("alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra tango "
         "uniform victor whiskey xray yankee zulu invoice meeting report budget release kernel server mailbox quota schedule travel "
         "lunch contract review draft final urgent reminder question answer patch build").split()
FIRST_DATE = 1640995200
SITES = 40


class Writer:
    def __init__(self):
        self.random = random.Random(1)
        self.paragraphs = ["".join(self.words(6, 11) + "\n" for _ in range(self.random.randint(6, 14))) for _ in range(400)]
        self.files = ["\n".join(base64.b64encode(self.random.randbytes(57)).decode() for _ in range(self.random.randint(15, 60))) + "\n"
                      for _ in range(100)]

    def words(self, least, most):
        return " ".join(self.random.choices(WORDS, k=self.random.randint(least, most)))

    def text(self):
        return "".join(self.random.choices(self.paragraphs, k=self.random.randint(2, 5)))

    def paragraph(self):
        return self.random.choice(self.paragraphs)

    def message(self, number):
        content_type, body = self.content(number)
        return "\n".join(self.header(number) + ["MIME-Version: 1.0", "Content-Type: " + content_type]) + "\n\n" + body

    def header(self, number):
        date = FIRST_DATE + number * 300
        sender = self.random.randrange(500)
        site = f"site{sender % SITES}.test"
        fields = [f"Return-Path: <person{sender}@{site}>",
                  f"Received: from relay.{site} (relay [192.0.2.{sender % 250}])\n\tby mail.local.test with ESMTPS id {number:08X}\n"
                  f"\tfor <user000@local.test>; {formatdate(date)}",
                  f"Date: {formatdate(date - 5)}",
                  f'From: "Person Number {sender}" <person{sender}@{site}>',
                  "To: User Zero <user000@local.test>"]
        if number % 5 == 0:
            others = self.random.sample(range(300), 3)
            fields.append("Cc: " + ",\n\t".join(f"Other {other} <other{other}@site{other % SITES}.test>" for other in others))
        is_reply = number > 10 and self.random.random() < 0.5
        if is_reply:
            parent = number - self.random.randint(1, 10)
            fields += [f"In-Reply-To: <m{parent}@bench.test>", f"References: <m{max(0, parent - 3)}@bench.test>\n\t<m{parent}@bench.test>"]
        subject = self.words(2, 6)
        if number % 9 == 0:
            fields.append("Subject: =?utf-8?B?" + base64.b64encode(("Größe " + subject).encode()).decode() + "?=")
        else:
            fields.append("Subject: " + ("Re: " if is_reply else "") + subject)
        return fields + [f"Message-ID: <m{number}@bench.test>"]

    def content(self, number):
        """The content type and the body: plain, two alternatives, a file beside them, or a forwarded message."""
        kind = self.random.random()
        if kind < 0.4:
            return "text/plain; charset=utf-8", self.text() + self.text()
        boundary = f"=_b{number}"
        if kind < 0.7:
            return self.alternatives(boundary)
        if kind < 0.95:
            inner_type, inner = self.alternatives(boundary + "i")
            file = (f'Content-Type: application/pdf; name="file{number}.pdf"\nContent-Disposition: attachment; filename="file{number}.pdf"\n'
                    f"Content-Transfer-Encoding: base64\n\n{self.random.choice(self.files)}")
            return f'multipart/mixed;\n boundary="{boundary}"', self.parts(boundary, f"Content-Type: {inner_type}\n\n{inner}", file)
        forwarded = (f"Content-Type: message/rfc822\n\nFrom: inner@site.test\nTo: x@y.test\nSubject: inner {self.words(2, 4)}\n"
                     f"Date: {formatdate(FIRST_DATE)}\nMessage-ID: <inner{number}@bench.test>\n\n{self.text()}")
        return f'multipart/mixed; boundary="{boundary}"', self.parts(boundary, f"Content-Type: text/plain\n\n{self.text()}", forwarded)

    def alternatives(self, boundary):
        plain = f"Content-Type: text/plain; charset=utf-8\n\n{self.text()}"
        html = ("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
                f"<html><body><p>{self.paragraph()}</p></body></html>\n")
        return f'multipart/alternative;\n boundary="{boundary}"', self.parts(boundary, plain, html)

    @staticmethod
    def parts(boundary, *parts):
        return "".join(f"--{boundary}\n{part}\n" for part in parts) + f"--{boundary}--\n"


def write_mailbox(count, directory):
    """A new maildir with so many messages in cur, four fifths of them seen."""
    for folder in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(directory, folder))
    writer = Writer()
    for number in range(count):
        date = FIRST_DATE + number * 300
        path = os.path.join(directory, "cur", f"{date}.M{number % 1000000}V1I{number:x}.bench:2," + ("" if number % 5 == 0 else "S"))
        with open(path, "w", encoding="utf-8", newline="\n") as f:
            f.write(writer.message(number))
        os.utime(path, (date, date))
