"""The other side of shim.cc: which call is to fail, and how many there were."""

import errno
import mmap
import os
import struct

CALLS = ("open read write writev fsync fdatasync rename link unlink close socket accept connect sendmsg recvmsg fork mmap new epoll mkdir truncate stat").split()
PROGRAMS = ("master front auth dns notify smtpd cleanup pickup qmgr trivial-rewrite bounce showq smtp local virtual error imapd pop3d "
            "sendmail postsuper postmap postqueue").split()
SHORT = -1
DISK = ("EIO", "ENOSPC", "EDQUOT", "EROFS")
FILES = ("EMFILE", "ENFILE", "ENOMEM")
# What each call can fail with.
ERRORS = {"open": DISK + FILES + ("EINTR",), "read": ("EIO", "EINTR", "SHORT"), "write": DISK + ("EINTR", "SHORT"), "writev": DISK + ("EINTR", "SHORT"),
          "fsync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"), "fdatasync": ("EIO", "ENOSPC", "EDQUOT", "EINTR"), "rename": DISK + ("ENOMEM",),
          "link": DISK + ("ENOMEM",), "unlink": ("EIO", "EROFS", "ENOMEM"), "close": ("EIO", "EINTR", "ENOSPC", "EDQUOT"), "socket": FILES,
          "accept": FILES + ("EINTR",), "connect": ("ENOMEM", "EINTR", "EAGAIN"), "sendmsg": ("ENOMEM", "EINTR", "EPIPE", "SHORT"),
          "recvmsg": ("ENOMEM", "EINTR", "ECONNRESET", "SHORT"), "fork": ("ENOMEM", "EAGAIN"), "mmap": ("ENOMEM", "ENFILE"), "new": ("ENOMEM",),
          "epoll": ("EMFILE", "ENOMEM", "ENOSPC"), "mkdir": DISK, "truncate": ("EIO", "EROFS"), "stat": ("EIO", "ENOMEM")}

MOST_PROGRAMS, NAME_BYTES = 48, 24
NAMES = MOST_PROGRAMS * NAME_BYTES
FIELDS = struct.Struct("IIiiiI")  # program, call, error, before, failures, hits
COUNTS = NAMES + FIELDS.size


class Shim:
    """Shared with all programs that run with the environment."""

    def __init__(self, path, library):
        self.environment = {"LD_PRELOAD": library, "BUUTA_FAULTS": path}
        with open(path, "wb") as f:
            names = b"".join(name.encode().ljust(NAME_BYTES, b"\0") for name in PROGRAMS).ljust(NAMES, b"\0")
            f.write(names + bytes(FIELDS.size + MOST_PROGRAMS * len(CALLS) * 4))
        os.chmod(path, 0o666)
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), 0)

    def arm(self, program, call, error, number, times):
        """The number-th call from now on fails, and those behind it, `times` in all."""
        code = SHORT if error == "SHORT" else getattr(errno, error)
        FIELDS.pack_into(self.memory, NAMES, 0, CALLS.index(call), code, number - 1, times, 0)
        struct.pack_into("I", self.memory, NAMES, PROGRAMS.index(program) + 1)

    def disarm(self):
        """How many calls have failed."""
        struct.pack_into("I", self.memory, NAMES, 0)
        return FIELDS.unpack_from(self.memory, NAMES)[5]

    def left(self):
        """Of the calls that are to work before the first that fails."""
        return FIELDS.unpack_from(self.memory, NAMES)[3] + 1

    def counts(self):
        """{(program, call): how many there were}"""
        values = struct.unpack_from(f"{len(PROGRAMS) * len(CALLS)}I", self.memory, COUNTS)
        return {(program, call): values[p * len(CALLS) + c] for p, program in enumerate(PROGRAMS) for c, call in enumerate(CALLS)}
