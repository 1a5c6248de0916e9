"""The rig of t/powercut proves itself: a writer that is known to be wrong, and one that is known to be right."""

import os
import random
import time

from proof import checks, disk, ledger, message, world

MESSAGES, STATES, USER = 60, 24, "writer@self.test"


def write(box, book, is_right):
    """Maildir deliveries, each acknowledged; gives the times of the acknowledgements."""
    times = []
    for number in range(MESSAGES):
        text = b"X-Token: self.%d\n\n" % number + b"x" * 3000 + b"\n"
        book.note("send", token=f"self.{number}", protocol="append", user=USER, sha256=message.digest(text))
        name = f"{number}.M1.h"
        with open(f"{box}/tmp/{name}", "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(f"{box}/tmp/{name}", f"{box}/new/{name}")
        if is_right:
            directory = os.open(f"{box}/new", os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
        book.note("answer", token=f"self.{number}", result="ok")
        times.append(time.monotonic())
    return times


def bad_states(work, kind, recorder, seed, is_right):
    """In how many of the states acknowledged mail is missing."""
    name, here, then = f"self-{kind}-{is_right}", f"{work}/self", f"{work}/self-then"
    one = disk.Disk(work, name, kind, recorder)
    one.mount(here)
    for part in ("tmp", "new", "cur"):
        os.makedirs(f"{here}/box/{part}", exist_ok=True)
    os.sync()
    path = f"{work}/{name}.ledger"
    book = ledger.Writer(path)
    book.note("mailbox", address=USER, path=f"{then}/box")
    times = write(f"{here}/box", book, is_right)
    one.close()
    picker, past, bad = random.Random(seed), disk.Past(one), 0
    moments = sorted(picker.choice(times) + picker.random() * 0.003 if number % 2 else picker.uniform(times[0], times[-1])
                     for number in range(STATES))
    for number, moment in enumerate(moments):
        disk.mount_image(past.image(moment, disk.MODELS[number % 3], f"{seed}-{number}"), then, kind)
        lines = ledger.Ledger(ledger.lines_of([path], moment))
        bad += bool(checks.check(lines, world.World(lines)).violations)
        disk.unmount(then)
    past.close()
    return bad


def prove(work, kind, recorder, seed):
    wrong, right = (bad_states(work, kind, recorder, seed, is_right) for is_right in (False, True))
    is_proof = wrong * 2 > STATES and right == 0
    print(f"{kind}: the wrong writer loses mail in {wrong} of {STATES} states, the right one in {right}" + ("" if is_proof else ": this rig proves nothing"),
          flush=True)
    return is_proof
