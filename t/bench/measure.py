"""What a run costs: processor time, memory and system calls of one peer's processes, and how quiet the machine was."""

import os
import re
import signal
import subprocess
import time

CGROUPS = "/sys/fs/cgroup"


class Group:
    """A control group (of version 1 or 2) that holds every process of one peer, also those that leave their parents."""

    def __init__(self, name):
        self.is_v1 = os.path.isdir(f"{CGROUPS}/cpuacct")
        self.directory = f"{CGROUPS}/cpuacct/{name}" if self.is_v1 else f"{CGROUPS}/{name}"
        os.makedirs(self.directory, exist_ok=True)

    @staticmethod
    def is_possible():
        return os.access(f"{CGROUPS}/cpuacct" if os.path.isdir(f"{CGROUPS}/cpuacct") else f"{CGROUPS}/cgroup.procs", os.W_OK)

    def enter(self):
        """For the child of a fork: it and what it starts belong to the group."""
        with open(f"{self.directory}/cgroup.procs", "w") as f:
            f.write(str(os.getpid()))

    def pids(self):
        with open(f"{self.directory}/cgroup.procs") as f:
            return [int(line) for line in f]

    def cpu_seconds(self):
        if self.is_v1:
            with open(f"{self.directory}/cpuacct.usage") as f:
                return int(f.read()) / 1e9
        with open(f"{self.directory}/cpu.stat") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("usage_usec")) / 1e6

    def memory(self):
        """Bytes that the processes hold, shared pages divided by those who share them."""
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1)) * 1024
            except (OSError, AttributeError):
                pass  # it has just ended
        return total

    def programs(self):
        """The processes by the name of their program."""
        found = {}
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/comm") as f:
                    found.setdefault(f.read().strip(), []).append(pid)
            except OSError:
                pass
        return found

    def settle(self, limit=20.0):
        """Waits until the processes use hardly any processor time."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(0.3)
            if self.cpu_seconds() - before < 0.01:
                return

    def kill(self):
        """Ends what is left, politely at first."""
        for attempt in range(100):
            pids = self.pids()
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGTERM if attempt < 30 else signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.1)

    def remove(self):
        for _ in range(50):
            try:
                return os.rmdir(self.directory)
            except OSError:
                time.sleep(0.1)


def machine_times():
    """Seconds that all processors were busy, and those that a hypervisor took away."""
    with open("/proc/stat") as f:
        fields = [int(x) / os.sysconf("SC_CLK_TCK") for x in f.readline().split()[1:]]
    return sum(fields[:3]) + sum(fields[5:7]), fields[7]


class Meter:
    """Around a run: .cpu, seconds of the group; .foreign, the share of the processors that others used; .steal, the share of the
    busy time that a hypervisor took."""

    def __init__(self, group):
        self.group = group

    def __enter__(self):
        self.began = time.monotonic(), self.group.cpu_seconds(), sum(os.times()[:4]), machine_times()
        return self

    def __exit__(self, *_):
        began, cpu, own, (busy, steal) = self.began
        seconds = max(time.monotonic() - began, 0.001)
        busy, steal = machine_times()[0] - busy, machine_times()[1] - steal
        self.cpu = self.group.cpu_seconds() - cpu
        own = sum(os.times()[:4]) - own
        # The clock ticks of 10 ms make short runs look busy.
        self.foreign = max(0.0, busy - self.cpu - own - 0.02) / (seconds * os.cpu_count())
        self.steal = steal / (busy + steal) if steal else 0.0


def tracer_of(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            return int(re.search(r"^TracerPid:\s+(\d+)", f.read(), re.M).group(1))
    except OSError:
        return 1


def count_system_calls(group, scratch, action):
    """{program: {call: count}} of all the group's processes, and of those they start, while the action runs."""
    tracers = {}
    try:
        programs = group.programs()
        for program, pids in programs.items():
            output = os.path.join(scratch, f"strace.{program}")
            command = ["strace", "-f", "-c", "-U", "calls,name", "-o", output]
            for pid in pids:
                command += ["-p", str(pid)]
            tracers[program] = output, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                        stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 20
        while not all(tracer_of(pid) for pids in programs.values() for pid in pids):
            if time.monotonic() > deadline:
                raise RuntimeError("strace cannot attach to all processes")
            time.sleep(0.05)
        action()
        group.settle()
    finally:
        for _, tracer in tracers.values():
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
    return {program: read_counts(output) for program, (output, _) in tracers.items()}


def read_counts(path):
    counts = {}
    with open(path) as f:
        for line in f:
            match = re.fullmatch(r"\s*(\d+)\s+(\w+)\s*", line)
            if match and match.group(2) != "total":
                counts[match.group(2)] = int(match.group(1))
    return counts
