"""Follows a trace and looks at each acknowledgement: is everything on the disk that it promises?"""

import collections
import os
import re

from disk import Disk

# What may be lost: locks, hints that only save work, logs, and what a folder that was removed durably leaves behind.
MAY_BE_LOST = re.compile(r"\.lock$|/(buuta-uidlist\.witness|buuta-deliveries|maildirfolder|maillog|stdout|stderr)$|/queue/(pid|private|public)/"
                         r"|unlink .*/buuta-removed\.|^/dev/|^/proc/|/#[0-9]+$")
# Lines that reserve UIDs, give them, or begin a list: after a crash the others are found out anew.
RESERVES = re.compile(r"(?m)^[0-9a-f]{8} (n|buuta-uidlist) ")
GIVES_UID = re.compile(r"(?m)^[0-9a-f]{8} \+ ")
LIVE = re.compile(r"/queue/(incoming|active|deferred/.|hold)/[0-9A-Za-z]{10,}z[0-9A-Za-z]+$|/queue/incoming/\.p[0-9A-Za-z]+$")
QUEUE_FILE = re.compile(r"/queue/(incoming|active|deferred/.|hold|corrupt)/\.?p?([0-9A-Za-z]{10,}z[0-9A-Za-z]+)$")
MAILBOX_FILE = re.compile(r"/mail/([^/]+/[^/]+)(/\.[^/]+)?/(new|cur)/[^/]+$")
TOKEN = re.compile(r"durable-[0-9]+-")
QUEUED_AS = re.compile(r"^250 .*queued as (\w+)\r\n")
TAGGED = re.compile(r"(?:^|\n)([A-Z]+)[0-9]+ OK ")
# The answers that promise all that the session has done since its last answer, or ever.
PROMISES_LAST = {"APPEND", "COPY", "MOVE", "CREATE", "RENAME", "DELETE", "SUBSCRIBE", "UNSUBSCRIBE"}
PROMISES_ALL = {"CHECK", "CLOSE", "EXPUNGE", "UNSELECT", "LOGOUT"}
COMMANDS = {"sendmail", "postsuper", "postmap", "postalias", "newaliases", "postconf"}
FINAL = re.compile(r"action\0(sent|bounced|expired)\0")


class Process:
    def __init__(self, program):
        self.program = program
        self.ops, self.written = [], []  # since the last answer
        self.unsaid = []                 # of all before: (ops, written) that no answer has promised


class Judge:
    def __init__(self, expectations=None):
        self.disk = Disk()
        self.processes = {}
        self.queued = {}                 # queue ID: node
        self.begun = {}                  # pid: count of changes when its sync began
        self.expectations = expectations  # token: what must be durable before its queue file goes
        self.removed = set()             # tokens of mails whose removal was looked at
        self.violations = []
        self.acknowledgements = collections.Counter()
        self.copies = collections.defaultdict(set)  # token: files that have it

    def process(self, pid):
        if pid not in self.processes:
            self.processes[pid] = Process("")
        return self.processes[pid]

    def follow(self, events):
        for event in events:
            if event.result is None:
                self.begin(event)
            elif event.result >= 0 or event.name in ("fsync", "fdatasync"):
                self.end(event)

    # The begin of a call: what is said, and what a sync can cover.
    def begin(self, event):
        name = event.name
        if name in ("fsync", "fdatasync"):
            self.begun[event.pid] = self.disk.count
        elif name in ("write", "sendto", "sendmsg", "writev") and not event.path_of(0):
            self.said(event, event.data())
        elif name == "exit_group" and event.arguments[0] == "0":
            program = self.process(event.pid).program
            if program in COMMANDS:
                self.promise(event, f"exit status 0 of {program}", everything=True)
        elif name in ("unlinkat", "unlink"):
            self.before_unlink(event)
        elif name == "renameat2":
            self.before_rename(event)

    def end(self, event):
        handler = getattr(self, "on_" + event.name, None)
        if handler:
            handler(event)

    def complain(self, event, acknowledgement, what):
        self.violations.append(f"{self.process(event.pid).program}[{event.pid}] at {event.time / 1e9:.6f}: {acknowledgement}, but {what}")

    # Paths of calls that take a directory and a name.
    @staticmethod
    def at(event, index):
        return os.path.normpath(os.path.join(event.path_of(index) or "/", event.string(index + 1)))

    def absolute(self, event, index):
        return os.path.normpath(os.path.join("/", event.string(index)))

    def did(self, event, op):
        if not MAY_BE_LOST.search(op.what):
            self.process(event.pid).ops.append(op)

    def on_execve(self, event):
        self.processes[event.pid] = Process(os.path.basename(event.string(0)))

    def on_clone(self, event):
        self.processes[event.result] = Process(self.process(event.pid).program)

    on_clone3 = on_fork = on_vfork = on_clone

    def on_openat(self, event):
        path = event.new_path
        if not path or not path.startswith("/") or path.startswith(("/dev/", "/proc/")):
            return
        flags = event.arguments[2] if event.name == "openat" else event.arguments[1]
        if "O_CREAT" in flags and not self.disk.knows(path) and ("O_EXCL" in flags or self.is_ours(event)):
            self.did(event, self.disk.create(path))
        if "O_TRUNC" in flags:
            self.wrote(event, path, "")

    on_open = on_openat

    def is_ours(self, event):
        return self.process(event.pid).program != ""

    def wrote(self, event, path, data):
        if not path or path.startswith(("/dev/", "/proc/")):
            return
        process, node = self.process(event.pid), self.disk.find(path)
        is_deferral = process.program == "qmgr" and not FINAL.search(data)
        is_found_anew = path.endswith("/buuta-uidlist") and not RESERVES.search(data) and not GIVES_UID.search(data)
        self.disk.write(node, not (is_deferral or is_found_anew))
        if "buuta-uidlist" in path and RESERVES.search(data):
            node.reserved = self.disk.count
        for token in TOKEN.findall(data):
            if not (process.program == "qmgr" or "uidlist" in path):
                node.tokens.add(token)
                self.copies[token].add(node)
        node.is_report = node.is_report or "multipart/report" in data
        if not MAY_BE_LOST.search(path) and node not in process.written:
            process.written.append(node)
        match = QUEUE_FILE.search(path)
        if match and "queue_id\0" in data:
            self.queued[re.search(r"queue_id\0(\w+)\0", data).group(1)] = node

    def on_write(self, event):
        self.wrote(event, event.path_of(0), event.data())

    on_pwrite64 = on_writev = on_pwritev = on_write

    def on_ftruncate(self, event):
        self.wrote(event, event.path_of(0), "")

    on_fallocate = on_sendfile = on_ftruncate

    def on_copy_file_range(self, event):
        self.wrote(event, event.path_of(2), "")

    def on_mkdir(self, event):
        if self.is_ours(event):
            self.did(event, self.disk.create(self.absolute(event, 0)))

    def on_mkdirat(self, event):
        if self.is_ours(event):
            self.did(event, self.disk.create(self.at(event, 0)))

    def on_rename(self, event):
        self.did(event, self.disk.rename(self.absolute(event, 0), self.absolute(event, 1)))

    def on_renameat(self, event):
        self.did(event, self.disk.rename(self.at(event, 0), self.at(event, 2)))

    on_renameat2 = on_renameat

    def on_link(self, event):
        self.did(event, self.disk.link(self.absolute(event, 0), self.absolute(event, 1)))

    def on_linkat(self, event):
        self.did(event, self.disk.link(self.at(event, 0), self.at(event, 2)))

    def on_unlink(self, event):
        self.did(event, self.disk.unlink(self.absolute(event, 0)))

    def on_unlinkat(self, event):
        self.did(event, self.disk.unlink(self.at(event, 0)))

    on_rmdir = on_unlink

    def on_fsync(self, event):
        path = event.path_of(0)
        if path:
            self.disk.sync(self.disk.find(path), self.begun.pop(event.pid, self.disk.count), event.result == 0)

    on_fdatasync = on_fsync

    # What is said.
    def said(self, event, data):
        program = self.process(event.pid).program
        if program == "smtpd" and QUEUED_AS.match(data):
            self.queue_promise(event, "250 after the end of data", QUEUED_AS.match(data).group(1))
        elif program == "imapd":
            for verb in TAGGED.findall(data):
                self.imap_promise(event, verb)
        elif program == "pop3d" and data.startswith("+OK") and self.process(event.pid).ops:
            self.promise(event, "+OK of pop3d after a change", everything=True)
        elif program in ("virtual", "local") and "action\0sent\0" in data:
            self.promise(event, f"{program}: sent")
        elif data.startswith("ACK "):
            self.promise(event, data.strip())

    def imap_promise(self, event, verb):
        for node in self.lists_of(event.pid):
            if node.durable_version < node.reserved:
                self.complain(event, f"OK to {verb}", f"the reservation of UIDs in {node.path()} is not synced")
        if verb in PROMISES_LAST or verb in PROMISES_ALL:
            self.promise(event, f"OK to {verb}", everything=verb in PROMISES_ALL)
            return
        process = self.process(event.pid)
        process.unsaid.append((process.ops, process.written))
        process.ops, process.written = [], []

    def lists_of(self, pid):
        process = self.process(pid)
        for _, written in process.unsaid + [(process.ops, process.written)]:
            yield from (node for node in written if node.reserved)

    def promise(self, event, what, everything=False):
        """All that the process has done must be durable."""
        self.acknowledgements[what] += 1
        process = self.process(event.pid)
        done = (process.unsaid if everything else []) + [(process.ops, process.written)]
        for ops, written in done:
            for op in ops:
                self.check_op(event, what, op)
            for node in written:
                if node.names and not node.has_durable_data() and not ("uidlist" in node.path() and not self.shows_uids(what)):
                    self.complain(event, what, f"the data of {node.path()} are not synced")
        process.ops, process.written = [], []
        if everything:
            process.unsaid = []

    @staticmethod
    def shows_uids(what):
        """A line that is lost from the list of UIDs does harm only if the client was told its UID."""
        return what in ("OK to APPEND", "OK to COPY", "OK to MOVE")

    def check_op(self, event, acknowledgement, op):
        node = op.node
        if not op.is_durable and (node.names or node.durable_names) and not self.is_undone(op):
            self.complain(event, acknowledgement, f"this is not synced: {op.what}")
        for directory, _ in op.adds:
            while directory and directory.ops:
                for other in directory.open_ops():
                    if directory.names:
                        self.complain(event, acknowledgement, f"on the way to {node.path()} this is not synced: {other.what}")
                directory = next(iter(directory.names), (None,))[0]

    @staticmethod
    def is_undone(op):
        later = op.node.ops[op.node.ops.index(op) + 1:] if op in op.node.ops else []
        return bool(op.adds) and any(op.adds <= other.removes for other in later)

    # The queue.
    def is_safe(self, node, pattern):
        """Whether the file has a name that is looked at after any power cut, and its data."""
        def is_found(names):
            return any(pattern.search(directory.path().rstrip("/") + "/" + name) and not any(d.open_ops() for d in above(directory))
                       for directory, name in names)
        return node.has_durable_data() and all(is_found(names) for names in node.states())

    def queue_promise(self, event, what, queue_id):
        self.acknowledgements[what] += 1
        node = self.queued.get(queue_id)
        if node is None:
            self.complain(event, what, f"no queue file of {queue_id} was seen")
        elif not node.names:
            if not node.tokens & self.removed:
                self.complain(event, what, f"the queue file of {queue_id} is gone")
        elif not self.is_safe(node, LIVE):
            self.complain(event, what, f"the queue file {node.path()} is not durable")

    def before_unlink(self, event):
        path = self.at(event, 0) if event.name == "unlinkat" else self.absolute(event, 0)
        if self.process(event.pid).program != "qmgr" or not QUEUE_FILE.search(path) or "/corrupt/" in path or not self.disk.knows(path):
            return
        node = self.disk.find(path)
        for token in node.tokens:
            self.removed.add(token)
            self.acknowledgements["removal of a queue file"] += 1
            for missing in self.missing(node, token):
                self.complain(event, f"removal of {path} ({token})", missing)

    def missing(self, queue_file, token):
        """What the removal of the mail's queue file needs and the disk does not have."""
        expected = (self.expectations or {}).get(token)
        if not expected:
            return
        others = [node for node in self.copies[token] if node is not queue_file]
        if queue_file.is_report:
            expected = {"mailboxes": expected["report_to"]}
        elif expected.get("forwarded") and any(self.is_safe(node, LIVE) for node in others if QUEUE_FILE.search(node.path())):
            return
        for mailbox in expected.get("mailboxes", []):
            if not any(self.is_safe(node, MAILBOX_FILE) and MAILBOX_FILE.search(node.path()).group(1) == mailbox
                       for node in others if node.names and MAILBOX_FILE.search(node.path()) and node.is_report == queue_file.is_report):
                yield f"there is no durable copy in {mailbox}"
        if not queue_file.is_report and expected.get("report_to"):
            if not any(node.is_report and (self.is_safe(node, LIVE) or self.is_safe(node, MAILBOX_FILE)) for node in others):
                yield "the report to its sender is not durable"
        for taken_at in expected.get("taken", []):
            if not taken_at:
                yield "the other host has not taken it"

    def before_rename(self, event):
        source, target = self.at(event, 0), self.at(event, 2)
        if self.process(event.pid).program == "qmgr" and "/queue/deferred/" in target:
            self.acknowledgements["deferral of a queue file"] += 1
            if not self.disk.find(source).has_durable_data():
                self.complain(event, f"deferral of {source}", "the record of a recipient that is done is not synced")


def above(directory):
    while directory:
        yield directory
        directory = next(iter(directory.names), (None,))[0]
