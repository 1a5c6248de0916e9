"""A control group, of version 1 or 2, that bounds the memory of all its processes together."""

import os

V1, V2 = "/sys/fs/cgroup/memory", "/sys/fs/cgroup"


class MemoryGroup:
    def __init__(self, name):
        self.is_v1 = os.path.isdir(V1)
        self.directory = os.path.join(V1 if self.is_v1 else V2, name)
        os.mkdir(self.directory)

    @staticmethod
    def is_possible():
        if os.path.isdir(V1):
            return os.access(f"{V1}/cgroup.procs", os.W_OK)
        try:
            with open(f"{V2}/cgroup.subtree_control", "r+") as f:
                if "memory" not in f.read().split():
                    f.write("+memory")
            return True
        except OSError:
            return False

    def read(self, name):
        with open(os.path.join(self.directory, name)) as f:
            return f.read()

    def numbers(self, name):
        return {words[0]: int(words[1]) for words in (line.split() for line in self.read(name).splitlines()) if len(words) == 2}

    def used(self):
        """Bytes that cannot be written to a disk, and so are there until a process ends."""
        return self.numbers("memory.stat")["rss" if self.is_v1 else "anon"]

    def limit(self, size):
        """In bytes; None is no limit. False if the processes have more already, and nothing can be taken from them."""
        name, none = ("memory.limit_in_bytes", "-1") if self.is_v1 else ("memory.max", "max")
        try:
            with open(os.path.join(self.directory, name), "w") as f:
                f.write(none if size is None else str(size))
        except OSError:
            return False
        return True

    def killed(self):
        """How many processes the kernel has ended for the limit."""
        return self.numbers("memory.oom_control" if self.is_v1 else "memory.events")["oom_kill"]

    def command(self, path):
        """Writes a script that runs its arguments in the group."""
        with open(path, "w") as f:
            f.write(f'#!/bin/sh\necho $$ > {self.directory}/cgroup.procs && exec "$@"\n')
        os.chmod(path, 0o755)
        return path

    def remove(self):
        os.rmdir(self.directory)
