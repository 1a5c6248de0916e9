"""The suite on recorded disks, for t/powercut."""

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
import uuid

from proof import disk, ledger, load, sink

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIRST_UID = 64101
MADE_OF = {"queue": 1, "mail": 2, "home": 2, "tables": 1}  # what is on which disk, if there are two
PROMISES = ("answer", "copied", "moved", "deleted", "held", "flagged")


def home_of(directory, address):
    return f"{directory}/home/{address.split('@')[0]}"


def make_users(work):
    """System users with homes on the disk, in an /etc that only this mount namespace sees."""
    subprocess.run(["cp", "-a", "/etc", f"{work}/etc"], check=True)
    disk.bind(f"{work}/etc", "/etc")
    group = pwd.getpwnam("vmail").pw_gid
    with open("/etc/passwd", "a", encoding="utf-8") as stream:
        for number, address in enumerate(load.LOCAL):
            stream.write(f"{address.split('@')[0]}:x:{FIRST_UID + number}:{group}::{home_of(f'{work}/i', address)}:/usr/sbin/nologin\n")


class Result:
    """What the load has done: the ledger's lines and their times, its begin and end, the promises' times, the table's versions."""

    def __init__(self, lines, begin, end, table):
        self.lines, self.begin, self.end, self.table = lines, begin, end, table
        self.times = [line["t"] for line in lines]
        kept = [line for line in lines if line["event"] in PROMISES and line.get("result", "ok") == "ok"]
        self.promises = [line["t"] for line in kept if begin <= line["t"] <= end]
        self.accepted = [line["t"] for line in kept if line["event"] == "answer"]


class Past:
    def __init__(self, disks):
        self.disks = [disk.Past(one) for one in disks]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.disks:
            one.close()


class Server:
    def __init__(self, work, kind, disks, recorder):
        self.kind, self.count = kind, disks
        self.directory, self.then = f"{work}/i", f"{work}/then"
        self.work_directory = f"{work}/{kind}{disks}"
        os.makedirs(self.work_directory)
        self.ledger_path = f"{self.work_directory}/ledger"
        self.disks = [disk.Disk(self.work_directory, f"disk{number}", kind, recorder) for number in range(1, disks + 1)]
        self.sink = sink.Sink(ledger.Writer(self.ledger_path))
        self.env = {}

    def place(self, root, name):
        return f"{root}/disk{min(MADE_OF[name], self.count)}/{name}"

    # The disks.
    def lay_out(self, root):
        """The parts of the instance, from where the disks are mounted below root."""
        for name in MADE_OF:
            os.makedirs(self.place(root, name), exist_ok=True)
            disk.bind(self.place(root, name), f"{self.directory}/{name}")

    def clear(self):
        for name in MADE_OF:
            disk.unmount(f"{self.directory}/{name}")

    def prepare(self):
        root = f"{self.work_directory}/live"
        for number, one in enumerate(self.disks, 1):
            one.mount(f"{root}/disk{number}")
        self.lay_out(root)
        self.make_homes()
        os.makedirs(f"{self.directory}/etc", exist_ok=True)
        with open(f"{self.directory}/etc/fresh", "w", encoding="ascii") as stream:
            stream.write("/^(fresh[0-9a-z]+)@example[.]test$/ example.test/$1/\n")

    def make_homes(self):
        for number, address in enumerate(load.LOCAL):
            home = home_of(self.directory, address)
            os.makedirs(home, mode=0o700)
            os.chown(home, FIRST_UID + number, pwd.getpwnam("vmail").pw_gid)

    # The suite.
    def transports(self, slow):
        return f"inline:{{ {{relay.test=smtp:[127.0.0.1]:{self.sink.port}}} {{slow.test={slow}}} {{fail.test=error:5.7.1 not wanted}} }}"

    def start(self):
        settings = {"transport_maps": self.transports("retry:4.3.0 not now"),
                    "virtual_mailbox_maps": f"texthash:{self.directory}/etc/vmailbox, regexp:{self.directory}/etc/fresh",
                    "mynetworks": "127.0.0.0/8", "minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "transport_retry_time": "1s",
                    "smtpd_reject_unlisted_recipient": "no"}
        self.instance("start", *(f"{name}={value}" for name, value in settings.items()))
        with open(f"{self.directory}/env", encoding="utf-8") as stream:
            self.env = dict(word.split("=", 1) for word in stream.read().split())

    def start_again(self):
        """With the same configuration, but the slow host takes mail now; gives the seconds until there is a greeting."""
        path = f"{self.directory}/etc/main.cf"
        with open(path, encoding="utf-8") as stream:
            text = re.sub("^transport_maps = .*$", f"transport_maps = {self.transports(f'smtp:[127.0.0.1]:{self.sink.port}')}", stream.read(), flags=re.M)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        begun = time.monotonic()
        self.tool("master", "-w")
        try:
            with socket.create_connection((self.env["HOST"], int(self.env["SMTP_PORT"])), timeout=30) as client:
                client.recv(1)
        except OSError:
            return None
        return time.monotonic() - begun

    def instance(self, verb, *more):
        done = subprocess.run([f"{TOP}/t/instance", verb, self.directory, *more], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"t/instance {verb}: {done.stderr.decode()}")

    def tool(self, *command):
        done = subprocess.run([f"{self.env['BIN']}/{command[0]}", *command[1:]], env={**os.environ, **self.env}, capture_output=True, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def introduce(self, book):
        """Who is who."""
        for address in load.LOCAL:
            book.note("mailbox", address=address, path=home_of(self.directory, address) + "/Maildir")
        for address in (load.FAR, load.SLOW):
            book.note("remote", address=address)
        book.note("bad", address=load.BAD)
        book.note("alias", address=load.LIST, to=load.LIST_MEMBERS)

    def work(self, seconds, seed):
        """The whole life of the disks: from their first mount to their last."""
        self.prepare()
        self.start()
        self.introduce(ledger.Writer(self.ledger_path))
        os.sync()
        begin = time.monotonic()
        table = load.run(self.env, self.ledger_path, seconds, seed, f"{self.directory}/tables/map")
        end = time.monotonic()
        self.instance("stop")
        self.clear()
        for one in self.disks:
            one.close()
        return Result(ledger.lines_of([self.ledger_path]), begin, end, table)

    def forget(self):
        """Makes room for the next."""
        self.sink.shutdown()
        self.sink.server_close()
        shutil.rmtree(self.work_directory)

    def past(self):
        return Past(self.disks)

    @contextlib.contextmanager
    def mounted(self, images):
        """The disks as they come up again, below self.then."""
        done = []
        try:
            for number, image in enumerate(images, 1):
                disk.mount_image(image, f"{self.then}/disk{number}", self.kind)
                done.append(f"{self.then}/disk{number}")
            yield
        finally:
            for target in reversed(done):
                disk.unmount(target)

    @contextlib.contextmanager
    def recovering(self):
        """The suite on the mounted disks, in what it takes for another run of the machine; gives the seconds until it answers."""
        boot = f"{self.work_directory}/boot"
        with open(boot, "w", encoding="ascii") as stream:
            stream.write(f"{uuid.uuid4()}\n")
        disk.bind_file(boot, "/proc/sys/kernel/random/boot_id")
        self.lay_out(self.then)
        try:
            yield self.start_again()
        finally:
            self.instance("stop")
            self.clear()
            disk.unmount("/proc/sys/kernel/random/boot_id")
