"""A mail server to measure: one of the programs in peers/, run in a control group of its own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from measure import Group

HERE = os.path.dirname(os.path.abspath(__file__))


@contextlib.contextmanager
def uninterrupted():
    """Cleaning up is not stopped by Ctrl-C; that takes effect afterwards."""
    received = []
    old = {number: signal.signal(number, lambda number, _: received.append(number)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        if received:
            os.kill(os.getpid(), received[0])


def script(name):
    path = os.path.join(HERE, "peers", name + ".sh")
    if not os.access(path, os.X_OK):
        sys.exit(f"there is no peer \"{name}\" in {os.path.dirname(path)}")
    return path


def install(name):
    subprocess.run([script(name), "install"], check=True, stdin=subprocess.DEVNULL)


def ports_of(name, port_base):
    environment = dict(os.environ, BENCH_PORT=str(port_base))
    listed = subprocess.run([script(name), "ports"], env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {key: int(value) for key, value in (word.split("=") for word in listed.split())}


class Peer:
    """with Peer(...) as peer: it runs, with all its state in peer.directory; afterwards nothing of it is left. settings: lines for its
    configuration, if it is Buuta."""

    def __init__(self, name, work, port_base, process_limit=100, settings=""):
        self.name = name
        self.script = script(name)
        self.environment = dict(os.environ, BENCH_PORT=str(port_base), BENCH_MAXPROC=str(process_limit), BENCH_SETTINGS=settings)
        self.ports = ports_of(name, port_base)
        self.directory = tempfile.mkdtemp(prefix=name + ".", dir=work)
        os.chmod(self.directory, 0o755)
        self.group = None

    def call(self, verb, *arguments):
        """To a file, not a pipe: a daemon would keep that open. Its own session: Ctrl-C is our business."""
        with open(self.directory + ".log", "a") as log:
            return subprocess.run([self.script, verb, self.directory, *arguments], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  start_new_session=True, preexec_fn=self.group.enter if self.group else None).returncode

    def __enter__(self):
        try:
            if os.geteuid() == 0:
                self.group = Group(f"bench-{os.getpid()}-{os.path.basename(self.directory)}")
            if self.call("start") != 0:
                with open(self.directory + ".log") as f:
                    raise RuntimeError(f"{self.name} does not start: {f.read()[-2000:]}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with uninterrupted():
            self.call("stop")
            if self.group:
                self.group.kill()
                self.group.remove()
            shutil.rmtree(self.directory, ignore_errors=True)

    def mailbox(self, number):
        return f"{self.directory}/mail/user{number:03}"
