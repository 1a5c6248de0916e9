"""Reads what `strace -f -y --absolute-timestamps=format:unix,precision:ns` has written."""

import re

# What the model needs to see: how files come to be, change, are synced and renamed, and what is said to others.
CALLS = ("execve,clone,clone3,fork,vfork,exit_group,open,openat,creat,write,pwrite64,writev,pwritev,sendto,sendmsg,rename,renameat,renameat2,"
         "link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,sync_file_range,ftruncate,fallocate,copy_file_range,sendfile")
# Longer than the header of any message in the scenario with its envelope, or than any reply.
STRING_BYTES = 4096

LINE = re.compile(r"(\d+) +(\d+)\.(\d{9}) (.*)")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)", re.S)
RESULT = re.compile(r"\) += +(-?\d+|\?)(.*)", re.S)
DESCRIPTOR = re.compile(r"(AT_FDCWD|\d+)(?:<(.*?)>(?:\(deleted\))?)?$", re.S)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\.\.\.)?', re.S)
ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-f]{2}|.)", re.S)
PLAIN = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "f": "\f"}


def strace(output, *options):
    """The begin of a command line that runs a program under strace."""
    return ["strace", *options, "-f", "-y", "--seccomp-bpf", "-s", str(STRING_BYTES), "--absolute-timestamps=format:unix,precision:ns",
            "-e", "trace=" + CALLS, "-e", "signal=none", "-o", output]


class Event:
    """The begin of a system call (result is None), or its end. Nothing else happens in between unless other events say so."""

    def __init__(self, pid, time, name, text, result=None, rest=""):
        self.pid, self.time, self.name, self.text, self.result = pid, time, name, text, result
        self.new_path = None  # of the descriptor that the call has made
        if rest.startswith("<"):
            self.new_path = rest[1:rest.rindex(">")]
        self._arguments = None

    @property
    def arguments(self):
        if self._arguments is None:
            self._arguments = split_arguments(self.text)
        return self._arguments

    def string(self, index):
        match = STRING.match(self.arguments[index])
        return unescape(match.group(1)) if match else ""

    def path_of(self, index):
        """Of the descriptor that is this argument; nothing for sockets and pipes."""
        match = DESCRIPTOR.match(self.arguments[index])
        path = match.group(2) if match else None
        return path if path and path.startswith("/") else None

    def data(self):
        """All strings among the arguments, one after the other: what is written."""
        return "".join(unescape(s) for s in STRING.findall(self.text))


def unescape(text):
    def replace(match):
        what = match.group(1)
        if what[0] in "01234567":
            return chr(int(what, 8))
        if what[0] == "x" and len(what) == 3:
            return chr(int(what[1:], 16))
        return PLAIN.get(what, what)
    return ESCAPE.sub(replace, text) if "\\" in text else text


def split_arguments(text):
    """At the commas outside of strings, brackets and descriptors' paths."""
    parts, start, depth, at = [], 0, 0, 0
    while at < len(text):
        c = text[at]
        if c == '"':
            match = STRING.match(text, at)
            at = match.end() if match else len(text)
            continue
        if c in "[{(<":
            depth += 1
        elif c in "]})>":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    return parts + [text[start:].strip()]


def split_result(text):
    """Arguments, result and what follows it; a result is at the end, behind the last ") = "."""
    at = text.rfind(") = ")
    if at < 0:
        at = text.rfind(")  ")  # strace pads short lines
    match = RESULT.match(text, at) if at >= 0 else None
    if not match:
        return text, None, ""
    return text[:at], None if match.group(1) == "?" else int(match.group(1)), match.group(2)


def read(path):
    """The events in the order in which strace saw them."""
    begun = {}
    with open(path, errors="replace") as f:
        for line in f:
            match = LINE.match(line)
            if not match:
                continue
            pid, rest = int(match.group(1)), match.group(4)
            time = int(match.group(2)) * 10**9 + int(match.group(3))
            resumed = RESUMED.match(rest)
            if resumed:
                begin = begun.pop(pid, None)
                if begin:
                    text, result, tail = split_result(begin.text + resumed.group(2))
                    yield Event(pid, time, begin.name, text, -1 if result is None else result, tail)
                continue
            name, bracket, text = rest.partition("(")
            if not bracket or not name.isidentifier():
                continue  # a signal, or the end of a process
            if text.endswith("<unfinished ...>"):
                begun[pid] = Event(pid, time, name, text[:-len("<unfinished ...>")])
                yield begun[pid]
                continue
            text, result, tail = split_result(text)
            yield Event(pid, time, name, text)
            yield Event(pid, time, name, text, -1 if result is None else result, tail)
