"""Disks that are recorded while they work, and put back to any moment of their past: loop devices over a file of t/proof/recorder.cc.
Needs root and a mount namespace of one's own."""

import bisect
import ctypes
import fcntl
import mmap
import os
import random
import struct
import subprocess
import time

BLOCK = 4096
MODELS = ("none", "all", "random")  # what the disk has kept of the writes behind the last flush
ENTRY = struct.Struct("<IIQQ")
WRITE, FLUSH = 1, 2
SIZES = {"ext4": 192 << 20, "xfs": 320 << 20}
LOOP_GET_FREE, LOOP_CONFIGURE, AUTOCLEAR, LOOP_MAJOR = 0x4C82, 0x4C0A, 4, 7
NOATIME, BIND = 1024, 4096
libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, kind, options="", flags=NOATIME):
    os.makedirs(target, exist_ok=True)
    _check(libc.mount(source.encode(), target.encode(), kind.encode() or None, flags, options.encode() or None), f"mount {target}")


def bind(source, target):
    os.makedirs(target, exist_ok=True)
    bind_file(source, target)


def bind_file(source, target):
    _check(libc.mount(source.encode(), target.encode(), None, BIND, None), f"bind {target}")


def unmount(target):
    """Waits until nobody uses it any more: a process that has just been killed may take a moment."""
    for _ in range(500):
        if libc.umount2(target.encode(), 0) == 0:
            return
        time.sleep(0.01)
    _check(libc.umount2(target.encode(), 0), f"unmount {target}")


def attach(path):
    """A loop device for the file, as an open descriptor; it goes when nobody uses it any more."""
    with open(path, "r+b", buffering=0) as file, open("/dev/loop-control", "r+b", buffering=0) as control:
        for _ in range(50):
            number = fcntl.ioctl(control, LOOP_GET_FREE)
            name = f"/dev/loop{number}"
            if not os.path.exists(name):
                os.mknod(name, 0o60600, os.makedev(LOOP_MAJOR, number))
            device = os.open(name, os.O_RDWR | os.O_CLOEXEC)
            config = struct.pack("<II", file.fileno(), 0) + struct.pack("<5Q4I", 0, 0, 0, 0, 0, 0, 0, 0, AUTOCLEAR) + bytes(64 + 64 + 32 + 16 + 64)
            try:
                fcntl.ioctl(device, LOOP_CONFIGURE, config)
                return name, device
            except OSError:  # somebody else was faster
                os.close(device)
    raise OSError("no free loop device")


def mount_image(path, target, kind):
    name, device = attach(path)
    try:
        mount(name, target, kind, "nouuid" if kind == "xfs" else "")
    finally:
        os.close(device)


def make_file_system(path, kind):
    with open(path, "wb") as file:
        file.truncate(SIZES[kind])
    command = {"ext4": ["mkfs.ext4", "-q", "-F", "-b", str(BLOCK), "-N", "20000", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"],
               "xfs": ["mkfs.xfs", "-q", "-f", "-K"]}[kind]
    subprocess.run([*command, path], check=True, stdout=subprocess.DEVNULL)


def copy(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


class Disk:
    """Records from mounting to unmounting."""

    def __init__(self, directory, name, kind, recorder):
        self.kind, self.stem = kind, os.path.join(directory, name)
        self.base, self.log, self.live, self.window = (self.stem + end for end in (".base", ".log", ".live", ".window"))
        make_file_system(self.base, kind)
        copy(self.base, self.live)
        os.makedirs(self.window, exist_ok=True)
        self.recorder = subprocess.Popen([recorder, self.window, self.live, self.log])
        self.target = None

    def mount(self, target):
        while not os.path.exists(self.window + "/disk"):
            if self.recorder.poll() is not None:
                raise OSError("the recorder has ended")
            time.sleep(0.005)
        mount_image(self.window + "/disk", target, self.kind)
        self.target = target

    def close(self):
        if self.target:
            unmount(self.target)
        unmount(self.window)
        self.recorder.wait()
        os.unlink(self.live)


class Past:
    """What a recorded disk has held at any moment. Moments must be asked for in their order."""

    def __init__(self, disk):
        self.kind, self.path = disk.kind, disk.stem + ".state"
        self.entries, self.times = [], []  # (kind, offset, place of the data in the log, bytes)
        with open(disk.log, "rb") as log:
            self.log = mmap.mmap(log.fileno(), 0, prot=mmap.PROT_READ)
        at = 0
        while at + ENTRY.size <= len(self.log):
            kind, count, offset, nanoseconds = ENTRY.unpack_from(self.log, at)
            at += ENTRY.size
            self.entries.append((kind, offset, at, count))
            self.times.append(nanoseconds / 1e9)
            at += count
        self.flushes = [index for index, entry in enumerate(self.entries) if entry[0] == FLUSH]
        self.durable_path, self.done = disk.stem + ".durable", 0
        copy(disk.base, self.durable_path)
        self.durable = open(self.durable_path, "r+b", buffering=0)

    def flushes_until(self, moment):
        return bisect.bisect_right([self.times[index] for index in self.flushes], moment)

    def _apply(self, file, index, blocks):
        kind, offset, place, count = self.entries[index]
        if kind != WRITE:
            return
        for start in range(0, count, BLOCK) if blocks else (0,):
            size = min(BLOCK, count - start) if blocks else count
            if not blocks or blocks.random() < 0.5:
                os.pwrite(file.fileno(), self.log[place + start:place + start + size], offset + start)

    def image(self, moment, model, seed):
        """The file that a machine finds on its disk when it comes up again."""
        end = bisect.bisect_right(self.times, moment)
        before = bisect.bisect_left(self.flushes, end)
        durable = self.flushes[before - 1] if before else 0
        for index in range(self.done, durable):
            self._apply(self.durable, index, None)
        self.done = max(self.done, durable)
        copy(self.durable_path, self.path)
        with open(self.path, "r+b", buffering=0) as file:
            for index in range(durable, end) if model != "none" else ():
                self._apply(file, index, random.Random(f"{seed}-{index}") if model == "random" else None)
        return self.path

    def close(self):
        self.durable.close()
        self.log.close()
