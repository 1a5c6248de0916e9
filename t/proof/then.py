"""A moment at which the power went: what is on the disks, and what the suite makes of it."""

import bisect
import imaplib
import json
import re
import time

from proof import checks, disk, ledger, load, message, world

DRAIN_SECONDS = 60
SHOWN_VIOLATIONS = 30


class Tally:
    def __init__(self):
        self.states = self.recovered = self.failed_mounts = 0
        self.violations, self.raw, self.after = [], {}, {}

    def add(self, where, report, sums):
        for violation in report.violations:
            if len(self.violations) < SHOWN_VIOLATIONS:
                print(f"{where}: {violation}", flush=True)
            self.violations.append(violation)
        for name, count in report.counts.items():
            sums[name] = sums.get(name, 0) + count

    def text(self):
        count = self.raw.get
        text = (f"{self.states} states: {len(self.violations)} violations, {count('lost', 0)} lost, {count('torn', 0)} torn, "
                f"{count('duplicates', 0)} duplicates, {self.failed_mounts} failed mounts")
        return text + (f"; {self.recovered} recovered: {self.after.get('lost', 0)} lost, {self.after.get('duplicates', 0)} duplicates, "
                       f"{self.after.get('remote duplicates', 0)} at other hosts, {self.after.get('told twice', 0)} told twice" if self.recovered else "")


class State:
    def __init__(self, server, result, past, number, moment, seed):
        self.server, self.result, self.number, self.moment = server, result, number, moment
        self.lines = result.lines[:bisect.bisect_right(result.times, moment)]
        self.models = [disk.MODELS[number // 3 ** index % 3] for index in range(len(past.disks))]
        self.images = [one.image(moment, model, f"{seed}-{number}-{index}") for index, (one, model) in enumerate(zip(past.disks, self.models))]

    def judge(self, tally, is_recovered):
        tally.states += 1
        where = f"{self.server.kind} state {self.number} ({self.moment - self.result.begin:.3f} s, {'+'.join(self.models)})"
        try:
            with self.server.mounted(self.images):
                self.judge_files(tally, where)
                if is_recovered:
                    tally.recovered += 1
                    self.judge_recovery(tally, where + " recovered")
        except OSError as problem:
            tally.failed_mounts += 1
            tally.violations.append(str(problem))
            print(f"{where}: {problem}", flush=True)

    def judge_files(self, tally, where):
        server = self.server
        moved = {f"{server.directory}/{name}": server.place(server.then, name) for name in ("mail", "home")}
        self.book = ledger.Ledger(self.lines, f"{server.directory}/mail/%d/%n", moved)
        self.seen = world.World(self.book, server.place(server.then, "queue"))
        report = checks.check(self.book, self.seen)
        self.check_table(report)
        tally.add(where, report, tally.raw)

    def check_table(self, report):
        """The table is an old one or a new one, whole; not older than the last that was acknowledged."""
        versions = self.result.table.versions
        oldest = max((number for number, (_, done) in enumerate(versions) if done and done <= self.moment), default=None)
        newest = max((number for number, (begun, _) in enumerate(versions) if begun <= self.moment), default=-1)
        status, text = self.server.tool("postmap", "-s", f"hash:{self.server.place(self.server.then, 'tables')}/map")
        found = sorted(text.split("\n")[:-1])
        if status != 0 and oldest is None:
            return
        wanted = [sorted(f"key{key}\tversion{number}" for key in range(load.Table.KEYS)) for number in range(oldest or 0, newest + 1)]
        if status != 0 or found not in wanted:
            report.violate("TABLE", f"postmap -s: status {status}, {len(found)} entries, {found[:1]}; versions {oldest} to {newest} may be there")

    def done_unknown(self):
        """How many recipients another host has, or their sender has heard of, though the queue does not know it yet."""
        done = {(line["token"], recipient) for line in self.seen.received for recipient in line["recipients"]}
        notices = [read for box in self.seen.mailboxes.values() for folder in box.folders.values() for read in folder.messages.values()]
        notices += [message.read(mail.content) for _, _, mail in self.seen.queue.mails]
        done |= {(token, recipient) for read in notices for token in read.about for recipient in read.failed}
        return sum((message.token_of(mail.content), recipient["recipient"]) in done
                   for _, _, mail in self.seen.queue.mails for number, recipient in enumerate(mail.recipients)
                   if mail.is_open(number) or (mail.has_failed(number) and not mail.is_told(number)))

    def judge_recovery(self, tally, where):
        server, allowed = self.server, self.done_unknown()
        path = f"{server.work_directory}/ledger.{self.number}"
        with open(path, "w", encoding="ascii") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in self.lines)
        book = server.sink.book = ledger.Writer(path)
        book.note("fault", kind="power", allows=allowed)
        with server.recovering() as seconds:
            book.note("restart", answered_after=seconds)
            self.drain()
            for number in range(1, 9):
                self.note_uids(book, number)
        server.lay_out(server.then)
        try:
            lines = ledger.Ledger(ledger.lines_of([path]), f"{server.directory}/mail/%d/%n")
            report = checks.check(lines, world.World(lines, f"{server.directory}/queue"), is_drained=True)
        finally:
            server.clear()
        if tally_is_hit := len(report.violations):
            print(f"{where}: {tally_is_hit} violations, {allowed} duplicates allowed", flush=True)
        tally.add(where, report, tally.after)

    def drain(self):
        """Until nothing is in the queue but what is held; what is left after the time is found by the check."""
        end = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < end:
            self.server.tool("postqueue", "-f")
            _, text = self.server.tool("postqueue", "-j")
            if not [line for line in text.split("\n") if line and json.loads(line)["queue_name"] != "hold"]:
                return
            time.sleep(0.1)  # the pace

    def note_uids(self, book, number):
        """What an IMAP client sees now, under which UIDs."""
        env = self.server.env
        with imaplib.IMAP4(env["HOST"], int(env["IMAP_PORT"]), timeout=30) as client:
            client.login(env[f"USER{number}"], env[f"PASS{number}"])
            for folder in [re.search(rb'"?([^" ]+)"?$', line)[1].decode() for line in client.list()[1] if line]:
                client.select(folder, readonly=True)
                validity = client.response("UIDVALIDITY")[1][-1].decode()
                for part in client.uid("FETCH", "1:*", "(UID BODY.PEEK[HEADER.FIELDS (X-Token)])")[1]:
                    if isinstance(part, tuple) and (token := message.token_of(part[1].replace(b"\r\n", b"\n"))):
                        book.note("uid", user=env[f"USER{number}"], folder=folder, uidvalidity=int(validity),
                                  uid=int(re.search(rb"UID (\d+)", part[0])[1]), token=token)
