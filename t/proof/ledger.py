"""The ledger of t/mailcheck, where its format is described: writing and reading it."""

import glob
import json
import os
import re
import time

RESULTS = ("ok", "temporary", "permanent", "aborted")


class Writer:
    """Appends lines; each is one write, so that several processes and threads may share the file."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def note(self, event, **values):
        line = {"t": time.monotonic(), "event": event, **values}
        os.write(self.fd, json.dumps(line).encode() + b"\n")


def lines_of(paths, until=None):
    """The lines of all files in the order of their times, without those behind the limit. A torn last line has not happened."""
    found = []
    for path in paths:
        with open(path, "rb") as stream:
            for number, line in enumerate(stream):
                if line.endswith(b"\n"):
                    value = json.loads(line)
                    found.append((value.get("t", 0), path, number, value))
    found.sort(key=lambda line: line[:3])
    return [line[3] for line in found if until is None or line[0] <= until]


class Message:
    """One token: what was tried, what was promised."""

    def __init__(self, line):
        self.token, self.protocol, self.digest = line["token"], line["protocol"], line["sha256"]
        self.sender, self.recipients = line.get("sender", ""), list(line.get("recipients", ()))
        self.user, self.folder = line.get("user"), line.get("folder", "INBOX")
        self.wants_notice = bool(self.sender) and line.get("notify") != "never"
        self.queue_ids, self.is_under_fault = set(), False
        self.tries, self.is_deleted, self.may_be_deleted = 0, False, False
        self.results = {}  # of each recipient (append: of None): the results of its tries

    def add_try(self, line):
        self.tries += 1
        for recipient in line.get("recipients", ()):
            if recipient not in self.recipients:
                self.recipients.append(recipient)

    def answer(self, line, is_under_fault):
        self.queue_ids.update(filter(None, [line.get("queue_id")]))
        if line["result"] not in RESULTS:
            raise ValueError(f"{self.token}: unknown result {line['result']}")
        for recipient in line.get("recipients", self.recipients) or [None]:
            self.results.setdefault(recipient, []).append(line["result"])
        self.is_under_fault |= is_under_fault and line["result"] == "ok"

    def is_accepted(self, recipient=None):
        return "ok" in self.results.get(recipient, ())

    def is_accepted_at_all(self):
        return any("ok" in results for results in self.results.values())

    def most_copies(self, recipient=None):
        """How many of the tries may have led to a copy."""
        return self.tries - self.results.get(recipient, []).count("aborted")


class Shelf:
    """How often a token must and may be in the folders of one mailbox, as far as IMAP and POP3 clients have had a hand in it."""

    def __init__(self):
        self.least, self.most = {}, {}  # by folder; added to what deliveries bring
        self.total_least = self.total_most = 0
        self.deletions = 0              # acknowledged
        self.removals = {}              # by folder: begun

    def add(self, folder, least, most, total_least, total_most):
        self.least[folder] = self.least.get(folder, 0) + least
        self.most[folder] = self.most.get(folder, 0) + most
        self.total_least += total_least
        self.total_most += total_most


class Ledger:
    """What the lines say, as lines_of() gives them."""

    def __init__(self, lines, maildirs=None, moved=None):
        self.maildirs, self.moved = maildirs, moved or {}
        self.messages, self.shelves, self.paths, self.kinds, self.aliases = {}, {}, {}, {}, {}
        self.received, self.faults, self.restarts, self.resources, self.problems = [], [], [], [], []
        self.uids, self.flags, self.held, self.deleted_ids, self.sessions = [], {}, {}, {}, {}
        self._is_under_fault = False
        for line in lines:
            take = getattr(self, "_" + line["event"], None)
            if not take:
                raise ValueError(f"unknown event {line['event']}")
            take(line)

    # What addresses are.
    def path_of(self, address):
        """The maildir of an address, or None if it has none here."""
        path = self.paths.get(address)
        if not path and self.maildirs and address not in self.kinds and "@" in address:
            local, domain = address.rsplit("@", 1)
            path = self.maildirs.replace("%d", domain).replace("%n", local)
        return path and self._place(path)

    def _place(self, path):
        for old, new in self.moved.items():
            if (path + "/").startswith(old.rstrip("/") + "/"):
                return new.rstrip("/") + path[len(old.rstrip("/")):]
        return path

    def _found(self):
        """The addresses of the mailboxes that exist, whether they got mail or not."""
        form = self._place(self.maildirs) if self.maildirs else ""
        pattern = re.compile(re.escape(form).replace("%d", "(?P<d>[^/]+)", 1).replace("%n", "(?P<n>[^/]+)", 1) + "/cur")
        for path in glob.glob(form.replace("%d", "*").replace("%n", "*") + "/cur") if form else ():
            if (found := pattern.fullmatch(path)) and {"d", "n"} <= found.groupdict().keys():
                yield f"{found['n']}@{found['d']}"

    def final(self, address):
        """The address, or those that its alias leads to."""
        if address not in self.aliases:
            return [address]
        return [final for each in self.aliases[address] for final in self.final(each)]

    def shelf(self, user, token):
        return self.shelves.setdefault((user, token), Shelf())

    def users(self):
        """All addresses that may have mailboxes here."""
        found = {user for user, _ in self.shelves} | set(self.paths) | set(self._found())
        for message in self.messages.values():
            for address in [*message.recipients, message.sender, message.user]:
                found.update(self.final(address) if address else ())
        return sorted(address for address in found if self.path_of(address))

    # The events.
    def _send(self, line):
        message = self.messages.setdefault(line["token"], Message(line))
        message.add_try(line)
        if message.user:
            self.shelf(message.user, message.token).add(message.folder, 0, 1, 0, 1)

    def _answer(self, line):
        message = self.messages[line["token"]]
        message.answer(line, self._is_under_fault)
        if message.user and line["result"] == "ok":
            self.shelf(message.user, message.token).add(message.folder, 1, 0, 1, 0)
        if message.user and line["result"] == "aborted":
            self.shelf(message.user, message.token).add(message.folder, 0, -1, 0, -1)

    def _mailbox(self, line):
        self.paths[line["address"]] = line["path"]

    def _remote(self, line):
        self.kinds[line["address"]] = "remote"

    def _bad(self, line):
        self.kinds[line["address"]] = "bad"

    def _alias(self, line):
        self.aliases[line["address"]] = line["to"]

    def _received(self, line):
        self.received.append(line)

    def _copying(self, line):
        self.shelf(line["user"], line["token"]).add(line["folder"], 0, 1, 0, 1)

    def _copied(self, line):
        self.shelf(line["user"], line["token"]).add(line["folder"], 1, 0, 1, 0)

    def _moving(self, line):
        shelf = self.shelf(line["user"], line["token"])
        shelf.add(line["from"], -1, 0, 0, 1)  # while it goes on, both may have it
        shelf.add(line["folder"], 0, 1, 0, 0)
        shelf.removals[line["from"]] = shelf.removals.get(line["from"], 0) + 1

    def _moved(self, line):
        shelf = self.shelf(line["user"], line["token"])
        shelf.add(line["from"], 0, -1, 0, -1)
        shelf.add(line["folder"], 1, 0, 0, 0)

    def _deleting(self, line):
        if "queue_id" in line:
            self.deleted_ids.setdefault(line["queue_id"], False)
            self.held.pop(line["queue_id"], None)
            return
        shelf = self.shelf(line["user"], line["token"])
        shelf.add(line["folder"], -1, 0, -1, 0)
        shelf.removals[line["folder"]] = shelf.removals.get(line["folder"], 0) + 1

    def _deleted(self, line):
        if "queue_id" in line:
            self.deleted_ids[line["queue_id"]] = True
            return
        shelf = self.shelf(line["user"], line["token"])
        shelf.add(line["folder"], 0, -1, 0, -1)
        shelf.deletions += 1

    def _holding(self, line):
        self.held.pop(line["queue_id"], None)

    _releasing = _released = _holding

    def _held(self, line):
        self.held[line["queue_id"]] = True

    def _uid(self, line):
        self.uids.append(line)

    def _flagging(self, line):
        self.flags.pop((line["user"], line["folder"], line["token"]), None)

    def _flagged(self, line):
        self.flags[line["user"], line["folder"], line["token"]] = set(line["flags"])

    def _selected(self, line):
        self.sessions[line["session"]] = line["count"]

    def _exists(self, line):
        if line["count"] < self.sessions.get(line["session"], 0):
            self.problems.append(f"I6 session {line['session']}: EXISTS fell from {self.sessions[line['session']]} to {line['count']}")
        self.sessions[line["session"]] = line["count"]

    def _expunged(self, line):
        self.sessions[line["session"]] = self.sessions.get(line["session"], 0) - line["count"]

    def _fault(self, line):
        if line.get("phase") != "end":
            self.faults.append(line)
        if line.get("total"):
            self._is_under_fault = line.get("phase") == "begin"

    def _restart(self, line):
        self.restarts.append(line)

    def _resources(self, line):
        self.resources.append(line)

    def allowed_duplicates(self):
        return sum(fault.get("allows", 1) for fault in self.faults)
