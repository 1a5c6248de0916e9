"""What is there: the queue, the mailboxes, what other hosts have accepted, the log."""

import os
import re

from proof import ledger, maildir, message, queuefile

STATUS = re.compile(r": ([0-9A-Za-z]{6,}): to=<([^>]*)>(?:, orig_to=<([^>]*)>)?,.* status=(sent|bounced|expired|deferred|undeliverable)\b")


def read_dump(path):
    """A dump of smtp-sink: fields with the envelope, the message with CRLF, and an empty line behind it."""
    with open(path, "rb") as stream:
        content = message.with_lf(stream.read())
    recipients = []
    while content.startswith((b"X-Client-", b"X-Helo-Args:", b"X-Mail-Args:", b"X-Rcpt-Args:", b"Received:")):
        line, _, content = content.partition(b"\n")
        while content[:1] in (b" ", b"\t"):
            content = content.partition(b"\n")[2]
        if line.startswith(b"X-Rcpt-Args:"):
            recipients += re.findall(r"<([^>]*)>", line.decode("utf-8", "replace"))[:1]
    if content.endswith(b"\n\n"):
        content = content[:-1]
    read = message.Read(content)
    return {"token": read.token, "recipients": recipients, "sha256": read.digest, "about": sorted(read.about), "failed": sorted(read.failed)}


class World:
    def __init__(self, book, queue=None, receivers=(), log=None, until=None):
        self.queue = queuefile.Queue(queue) if queue else None
        self.mailboxes = {}  # by path; several addresses may have the same
        for user in book.users():
            path = book.path_of(user)
            if path not in self.mailboxes:
                self.mailboxes[path] = maildir.Mailbox(path)
        self.received = list(book.received)
        self.has_receivers = bool(receivers) or bool(book.received)
        for receiver in receivers:
            self._receive(receiver, until)
        self.log = self._read_log(log) if log else None

    def _receive(self, receiver, until):
        if os.path.isdir(receiver):
            self.received += [read_dump(os.path.join(receiver, name)) for name in sorted(os.listdir(receiver))]
        else:
            self.received += ledger.lines_of([receiver], until)

    @staticmethod
    def _read_log(path):
        """(queue ID, to, orig_to, status) of each line about a recipient."""
        with open(path, "rb") as stream:
            text = stream.read().decode("utf-8", "replace")
        return [found.groups() for line in text.split("\n") if (found := STATUS.search(line))]
