"""Messages as senders and receivers see them: which one it is (its token), and whether it is the one that was sent."""

import functools
import hashlib
import re

# What servers put in front of a message.
TRACE = (b"return-path:", b"x-original-to:", b"delivered-to:", b"received:")
FAILED = re.compile(rb"^(?:Final|Original)-Recipient:[ \t]*rfc822;[ \t]*(\S+)", re.M | re.I)
TOKEN = re.compile(rb"^X-Token:[ \t]*([^\s<>]+)", re.M | re.I)


def with_lf(content):
    return content.replace(b"\r\n", b"\n")


def without_trace(content):
    """The message (LF line ends) behind the trace fields at its beginning."""
    while content[:14].lower().startswith(TRACE):
        end = content.find(b"\n")
        while end >= 0 and content[end + 1:end + 2] in (b" ", b"\t"):
            end = content.find(b"\n", end + 1)
        if end < 0:
            return b""
        content = content[end + 1:]
    return content


def digest(content):
    """Of a message, whatever its line ends and however many servers it has passed."""
    return hashlib.sha256(without_trace(with_lf(content))).hexdigest()


def header_of(content):
    end = content.find(b"\n\n")
    return content if end < 0 else content[:end + 1]


def token_of(content):
    """The token in the header (of a message with LF line ends), or None."""
    found = TOKEN.search(header_of(content))
    return found[1].decode("latin-1") if found else None


def tokens_within(content):
    """The tokens in the body: of the messages that a notification speaks of."""
    return {found.decode("latin-1") for found in TOKEN.findall(content[len(header_of(content)):])}


class Read:
    """One stored message, read as far as the checks need it."""

    def __init__(self, content):
        content = with_lf(content)
        self.token = token_of(content)
        self.digest = digest(content)
        self.bytes = len(content)
        head = header_of(without_trace(content)).lower()
        # Of the mail system itself: a DSN, or a letter to the postmaster.
        self.is_notice = self.token is None and (b"\nfrom: mailer-daemon" in b"\n" + head or b"multipart/report" in head)
        self.about = tokens_within(content) if self.is_notice else set()
        self.failed = {found.decode("latin-1") for found in FAILED.findall(content)} if self.is_notice else set()
        self.is_whole = self.bytes > 0 and (b"multipart/report" not in head or has_last_boundary(content))


@functools.lru_cache(maxsize=20000)
def read(content):
    """Stored messages do not change, and states of the same disk have most of them in common."""
    return Read(content)


def has_last_boundary(content):
    found = re.search(rb'boundary="?([^"\s;]+)', header_of(content))
    return not found or b"\n--" + found[1] + b"--" in content
