"""Queue files as queue_file(5) describes them, read by code that shares nothing with the suite's."""

import functools
import os
import re
import struct

STATES = ("incoming", "active", "deferred", "hold", "corrupt")
FINAL = ("sent", "bounced", "expired")
ID = re.compile(r"[0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz]{10}z[0-9BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz]{5}$")
HEADER_BYTES = 40


def _crc_table():
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
        table.append(number)
    return table


_TABLE = _crc_table()


@functools.lru_cache(maxsize=20000)
def crc32c(data):
    crc = 0xFFFFFFFF
    table = _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Damaged(Exception):
    """No queue file, or not a whole one."""


def attributes(payload):
    parts = payload.split(b"\0")
    if len(parts) % 2 != 1 or parts[-1]:
        raise Damaged("a record is not a list of attributes")
    text = [part.decode("utf-8", "surrogateescape") for part in parts[:-1]]
    return dict(zip(text[::2], text[1::2]))


def take_record(data, at):
    """(type, attributes, end), or None where there is no whole record with a right checksum."""
    if len(data) < at + 9:
        return None
    length = struct.unpack_from("<I", data, at + 1)[0]
    end = at + 9 + length
    if len(data) < end or crc32c(data[at:end - 4]) != struct.unpack_from("<I", data, end - 4)[0]:
        return None
    return chr(data[at]), attributes(data[at + 5:end - 4]), end


class QueueFile:
    """envelope (a dict), recipients (a list of dicts), content (bytes), outcomes (the latest of each recipient, or None), notes."""

    def __init__(self, data):
        if len(data) < HEADER_BYTES or data[:8] != b"BUUTAQ1\n":
            raise Damaged("not a queue file")
        envelope_bytes, content_bytes, count, zeros, crc = struct.unpack_from("<QQIQI", data, 8)
        if crc32c(data[:36]) != crc or zeros != 0:
            raise Damaged("the header's checksum is wrong")
        start = HEADER_BYTES + envelope_bytes
        self.envelope, self.recipients = {}, []
        self._read_envelope(data[:start])
        if len(self.recipients) != count:
            raise Damaged("the number of recipients is wrong")
        self.content = bytes(data[start:start + content_bytes])
        end = take_record(data, start + content_bytes)
        if len(self.content) != content_bytes or not end or end[0] != "E":
            raise Damaged("cut off")
        if int(end[1]["content_bytes"]) != content_bytes or int(end[1]["content_crc32c"]) != crc32c(self.content):
            raise Damaged("the content's checksum is wrong")
        self.outcomes, self.notes, self.told = [None] * count, [], set()
        self.torn_bytes = len(data) - self._read_tail(data, end[2])

    def _read_envelope(self, data):
        at = HEADER_BYTES
        while at < len(data):
            record = take_record(data, at)
            if not record:
                raise Damaged("a record of the envelope is damaged")
            kind, values, at = record
            if kind == "M":
                self.envelope = values
            elif kind == "R":
                self.recipients.append(values)

    def _read_tail(self, data, at):
        while record := take_record(data, at):
            kind, values, at = record
            if kind == "D" and 0 <= int(values["number"]) < len(self.outcomes):
                self.outcomes[int(values["number"])] = values
                self.told.discard(int(values["number"]))
            elif kind == "N":
                self.notes.append(values["note"])
                if values["note"] == "failures_told":
                    self.told.update(number for number in range(len(self.outcomes)) if self.has_failed(number))
        return at

    def is_open(self, number):
        outcome = self.outcomes[number]
        return not outcome or outcome["action"] not in FINAL

    def has_failed(self, number):
        outcome = self.outcomes[number]
        return bool(outcome) and outcome["action"] in ("bounced", "expired")

    def is_told(self, number):
        """Whether the sender knows of the recipient's failure, or does not want to."""
        return number in self.told


def files_below(directory):
    """(path, name) of every file, without those that vanish meanwhile."""
    for path, _, names in os.walk(directory):
        for name in names:
            yield os.path.join(path, name), name


class Queue:
    """What is in a queue directory: mails (state, ID, QueueFile), prepared files that are whole mails among those of incoming, and
    damaged ones (path, why)."""

    def __init__(self, directory):
        self.directory, self.mails, self.damaged, self.temporary = directory, [], [], []
        for state in STATES:
            for path, name in files_below(os.path.join(directory, state)):
                self._add(state, path, name)

    def _add(self, state, path, name):
        is_prepared = name.startswith(".p") and state == "incoming"
        if not ID.match(name) and not is_prepared:
            self.temporary.append(path)
            return
        try:
            with open(path, "rb") as stream:
                mail = QueueFile(stream.read())
        except FileNotFoundError:
            return
        except (Damaged, UnicodeError, ValueError, KeyError) as problem:
            if is_prepared:  # not yet written, or not acknowledged
                self.temporary.append(path)
            else:
                self.damaged.append((path, str(problem)))
            return
        if state == "corrupt":
            self.damaged.append((path, "in corrupt, but whole"))
        queue_id = mail.envelope.get("queue_id", "")
        if not is_prepared and queue_id != name:
            self.damaged.append((path, f"is the mail {queue_id}"))
        self.mails.append((state, queue_id, mail))
