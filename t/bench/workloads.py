"""What is measured: every function takes the running peers, does one thing to each of them in turn, and records figures."""

import json
import os
import shutil
import subprocess
import time

import measure
from genbox import write_mailbox
from imap import ImapClient

SYNCS = ("fsync", "fdatasync", "sync_file_range", "syncfs", "sync")
MESSAGE_BYTES = 4096
DAWDLERS = 400
GREETING_LIMIT = 10  # seconds


class Failed(Exception):
    """A load generator that did not get through."""


class Load:
    """Runs the load generator against peers."""

    def __init__(self, program):
        self.program = program

    def arguments(self, mode, peer, **options):
        command = [self.program, mode, "--port", str(peer.ports["smtp"])]
        for name, value in {"burst": peer.ports.get("burst", 0), **options}.items():
            command += ["--" + name, str(value)]
        return command

    def run(self, mode, peer, **options):
        done = subprocess.run(self.arguments(mode, peer, **options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        figures = json.loads(done.stdout or '{"failed": "no result"}')
        if "failed" in figures:
            raise Failed(f"{peer.name}: {figures['failed']}")
        return figures

    def deliver(self, peer, sessions, messages):
        """To maildirs, until the last file is there. What was delivered stays: ext4 without a journal is slow after deletions."""
        return self.run("smtp", peer, sessions=sessions, messages=messages, expect=messages, size=MESSAGE_BYTES,
                        watch=peer.directory + "/mail/userNNN/new")

    def relay(self, peer, sessions, messages):
        """To the sink, until it has the last message."""
        return self.run("smtp", peer, sessions=sessions, messages=messages, expect=messages, size=MESSAGE_BYTES,
                        recipient="userNNN@relay.test", sink=peer.ports["sink"])


def warm_up(load, peers, sessions):
    """Until all processes run that the load will need."""
    for peer in peers:
        load.deliver(peer, sessions, 2 * sessions)
        load.relay(peer, min(sessions, 20), 2 * min(sessions, 20))
        peer.group.settle()


def throughput(results, peers, title, action, sessions, messages):
    for peer in peers:
        peer.group.settle()
        with measure.Meter(peer.group) as meter:
            figures = action(peer, sessions, messages)
            peer.group.settle()
        title_here = f"{title}, {sessions} session" + "s" * (sessions > 1)
        results.add(peer, title_here, "messages/s", figures["rate"], meter)
        results.add(peer, title_here, "CPU ms/message", meter.cpu * 1000 / messages, meter)


def system_calls(results, peers, title, action, messages, scratch):
    for peer in peers:
        counts = measure.count_system_calls(peer.group, scratch, lambda peer=peer: action(peer, 20, messages))
        total = sum(sum(calls.values()) for calls in counts.values())
        syncs = sum(calls.get(name, 0) for calls in counts.values() for name in SYNCS)
        results.add(peer, title, "system calls/message", total / messages)
        results.add(peer, title, "syncs/message", syncs / messages)
        for program, calls in sorted(counts.items()):
            results.add_calls(peer, title, program, {name: count / messages for name, count in calls.items()})


def idle_memory(results, load, peers, connections):
    for peer in peers:
        peer.group.settle()
        before = peer.group.memory()
        command = load.arguments("idle", peer, messages=connections, sessions=20, timeout=300)
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            try:
                figures = json.loads(holder.stdout.readline() or '{"failed": "no result"}')
                if "failed" in figures:
                    raise Failed(f"{peer.name}: {figures['failed']}")
                peer.group.settle()
                after = peer.group.memory()
            finally:
                holder.stdin.close()
        results.add(peer, f"{connections} idle SMTP connections", "KiB/connection", (after - before) / 1024 / connections)


def dawdlers(results, load, peers, good):
    """The greeting of a good client; at most GREETING_LIMIT, which is recorded if it got none until then."""
    for peer in peers:
        figures = load.run("dawdle", peer, messages=DAWDLERS, good=good, timeout=GREETING_LIMIT + 2)
        value = figures["median_ms"] if figures["greeted"] == good else GREETING_LIMIT * 1000
        results.add(peer, f"greeting while {DAWDLERS} clients dawdle", "ms, the limit is 10000", value)


class Mailbox:
    """A mailbox to copy, made once."""

    def __init__(self, count, work):
        self.count = count
        self.path = os.path.join(work, "box")
        write_mailbox(count, self.path)

    def give(self, peer, user):
        if "own_store" in peer.ports:
            if peer.call("load", f"user{user:03}", self.path) != 0:
                raise Failed(f"{peer.name}: the mailbox was not loaded")
            return
        target = peer.mailbox(user)
        owner = os.stat(target)
        shutil.rmtree(target)
        shutil.copytree(self.path, target, copy_function=os.link)
        for folder, _, files in os.walk(target):
            for name in [folder] + [os.path.join(folder, file) for file in files]:
                os.chown(name, owner.st_uid, owner.st_gid)


def imap(results, peers, mailbox, user):
    """Every round has a user of its own, whose mailbox no one has opened before."""
    for peer in peers:
        mailbox.give(peer, user)
        peer.group.settle()

        def timed(title, text, client):
            with measure.Meter(peer.group) as meter:
                seconds = client.command(text)
            results.add(peer, title, "ms", seconds * 1000, meter)

        messages = f"of {mailbox.count} messages"
        client = ImapClient(peer.ports["imap"], f"user{user:03}@local.test", "pass")
        timed(f"IMAP SELECT {messages}, first", "SELECT INBOX", client)
        timed(f"IMAP FETCH ENVELOPE {messages}, first", "FETCH 1:* (ENVELOPE)", client)
        client.logout()
        time.sleep(0.2)
        client = ImapClient(peer.ports["imap"], f"user{user:03}@local.test", "pass")
        timed(f"IMAP SELECT {messages}, again", "SELECT INBOX", client)
        timed(f"IMAP FETCH ENVELOPE {messages}, again", "FETCH 1:* (ENVELOPE)", client)
        client.logout()
