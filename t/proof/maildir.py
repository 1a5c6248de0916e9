"""Maildirs and the uid lists in them, read by code that shares nothing with the suite's."""

import os
import re

from proof import message, queuefile

def read_message(path):
    with open(path, "rb") as stream:
        return message.read(stream.read())


def base_of(name):
    return re.split(r"[:;!]2,", name, maxsplit=1)[0]


def flags_of(name):
    parts = re.split(r"[:;!]2,", name, maxsplit=1)
    return set(parts[1].split(",")[0]) if len(parts) == 2 else set()


class UidList:
    """buuta-uidlist: uid_validity, next (no smaller UID is given any more), files (UID: base name), is_damaged (inside, not a torn end)."""

    def __init__(self, text):
        self.uid_validity, self.next, self.reserved, self.files = 0, 1, 0, {}
        self.is_damaged, bad = False, False
        for line in text.split(b"\n"):
            if not line:
                continue
            is_good = self._apply(line)
            self.is_damaged |= bad and is_good
            bad |= not is_good
        # After a start of the machine whatever was reserved counts as used.
        self.next = max(self.next, self.reserved)

    def _apply(self, line):
        crc, _, words = line.partition(b" ")
        if len(crc) != 8 or not re.fullmatch(rb"[0-9a-f]{8}", crc) or int(crc, 16) != queuefile.crc32c(words):
            return False
        words = words.decode("utf-8", "surrogateescape")
        if words.startswith("buuta-uidlist 1 "):
            self.uid_validity = int(words.split(" ")[2])
            return True
        kind, rest = words[:1], words[2:]
        if kind == "n":
            self.reserved = max(self.reserved, int(rest.split(" ")[0]))
        elif kind == "u":
            self.next = max(self.next, int(rest))
        elif kind == "+":
            uid, *_, = rest.split(" ", 6)
            path = rest.split(" ", 6)[6]
            self.files[int(uid)] = base_of(path.split("/", 1)[1])
            self.next = max(self.next, int(uid) + 1)
        elif kind == "=":
            uid, _, path = rest.split(" ", 2)
            if int(uid) in self.files:
                self.files[int(uid)] = base_of(path.split("/", 1)[1])
        elif kind == "-":
            self.files.pop(int(rest), None)
        return True


class Folder:
    """One folder: messages (path: message.Read), temporary (paths), uids (a UidList, or None)."""

    def __init__(self, directory):
        self.directory, self.messages, self.temporary, self.uids = directory, {}, [], None
        for part in ("new", "cur"):
            path = os.path.join(directory, part)
            for name in os.listdir(path) if os.path.isdir(path) else ():
                self._add(os.path.join(path, name))
        path = os.path.join(directory, "tmp")
        self.temporary = [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else []
        try:
            with open(os.path.join(directory, "buuta-uidlist"), "rb") as stream:
                self.uids = UidList(stream.read())
        except FileNotFoundError:
            pass

    def _add(self, path):
        try:
            self.messages[path] = read_message(path)
        except FileNotFoundError:
            pass

    def by_base(self):
        return {base_of(os.path.basename(path)): path for path in self.messages}


class Mailbox:
    """A Maildir++: folders by name; INBOX is the root."""

    def __init__(self, directory):
        self.directory = directory
        self.folders = {"INBOX": Folder(directory)}
        for name in os.listdir(directory) if os.path.isdir(directory) else ():
            if name.startswith(".") and os.path.isdir(os.path.join(directory, name, "cur")):
                self.folders[name[1:]] = Folder(os.path.join(directory, name))
