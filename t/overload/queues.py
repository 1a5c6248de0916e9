"""Mails that are many, or cannot be delivered, or start programs."""

import os
import socket
import subprocess
import threading
import time

from host import BUILD, Failed, Host, deliveries, median, p99, rollup, smtp, wait_for


def fill(host, count, recipient, state="incoming", seconds=0, recipients=1):
    done = subprocess.run([f"{BUILD}/queuefill", host.env["QUEUE_DIRECTORY"], str(count), recipient, state, str(seconds), str(recipients)],
                          text=True, capture_output=True)
    if done.returncode != 0:
        raise Failed(done.stderr)


def queued(host):
    return [name for state in ("incoming", "active") for name in os.listdir(f"{host.env['QUEUE_DIRECTORY']}/{state}") if not name.startswith(".")]


def restart(host):
    """Seconds from the start to the first new delivery, and the megabytes of the queue manager."""
    host.run("stop")
    start = time.monotonic()
    host.start_again()
    deliveries(host, 1)
    first = time.monotonic() - start
    return first, sum(rollup(pid, "Rss") for pid in host.processes("qmgr")) / 1e6


def deferred(report, is_long):
    count = 50000 if is_long else 5000
    with Host() as host:
        deliveries(host, 3)
        empty, base = restart(host)
        before = deliveries(host, 30)
        host.run("stop")
        fill(host, count, "x@dead.example.test", "deferred", 86400)
        first, used = restart(host)
        after = deliveries(host, 30)
        report(f"{count} deferred mails: start to first new delivery", f"{first:.2f} s, {empty:.2f} s with none", "2 s with 1,000,000", first < 2 + empty)
        each = (used - base) * 1e6 / count
        report(f"{count} deferred mails: queue manager", f"{used:.1f} MB, {each:.0f} bytes a mail", "300 bytes a mail", each <= 300)
        report(f"{count} deferred mails: new mail takes", f"median {median(after):.1f} ms, p99 {p99(after):.1f} ms; {median(before):.1f} and {p99(before):.1f} ms with none",
               "20 % more", median(after) < 2 * median(before) + 20)


class BlackHole:
    """A port that does not answer: connections are neither taken nor refused."""

    def __init__(self):
        self.sockets = [socket.socket()]
        self.sockets[0].bind(("127.0.0.1", 0))
        self.sockets[0].listen(0)
        self.port = self.sockets[0].getsockname()[1]
        for _ in range(4):
            other = socket.socket()
            other.setblocking(False)
            other.connect_ex(("127.0.0.1", self.port))
            self.sockets.append(other)

    def close(self):
        for one in self.sockets:
            one.close()


def dead_destination(report, is_long):
    """As many mails as five times what may be active: they must not take the places of others."""
    count = 20000 if is_long else 1000
    hole = BlackHole()
    with Host(smtp_connect_timeout="3s", qmgr_message_active_limit=str(count // 5), transport_maps=f"inline:{{ {{dead.example.test=smtp:[127.0.0.1]:{hole.port}}} }}") as host:
        deliveries(host, 3)
        before = deliveries(host, 30)
        host.run("stop")
        fill(host, count, "x@dead.example.test")
        host.start_again()
        after = deliveries(host, 30)
        seen = host.log().count("to=<x@dead.example.test>")
        after += deliveries(host, 30)
        wait_for("attempt", lambda: "status=deferred" in host.log())
        after += deliveries(host, 30)
        hole.close()
        report(f"{count} mails for a dead destination: others take", f"median {median(after):.1f} ms, p99 {p99(after):.1f} ms; {median(before):.1f} and {p99(before):.1f} ms without"
               f" ({seen} were tried by then)", "10 % more", p99(after) < 1500 and median(after) < 2 * median(before) + 20)


def send_to_many(host, count):
    client = smtp(host)
    client.say("MAIL FROM:<a@client.example.test>")
    for first in range(0, count, 100):
        client.send("".join(f"RCPT TO:<x{first + i}@many.example.test>\r\n" for i in range(100)))
        for _ in range(100):
            answer = client.reply()
            if not answer.startswith("250"):
                raise Failed(f"a recipient was answered {answer!r}")
    client.say("DATA", "354")
    client.say("Subject: many\r\n\r\nx\r\n.")


def deliveries_until(host, is_over):
    times = deliveries(host, 5)
    while not is_over():
        times += deliveries(host, 1)
    return times


def many_recipients(report, is_long):
    """Of one mail, that is found in the queue at the start, and then of another that comes by SMTP."""
    count = 100000 if is_long else 10000
    with Host(transport_maps="inline:{ {many.example.test=discard:} }", smtpd_recipient_limit=str(count), mynetworks="127.0.9.0/24",
              authenticated_client_memory_limit="none") as host:
        deliveries(host, 3)
        before = deliveries(host, 20)

        def say(how, during, start):
            report(f"a mail with {count} recipients {how}: others take", f"median {median(during):.1f} ms, p99 {p99(during):.1f} ms; {median(before):.1f} and {p99(before):.1f} ms without;"
                   f" all done after {time.monotonic() - start:.1f} s", "p99 500 ms", p99(during) < 2000 and median(during) < 2 * median(before) + 100)

        host.run("stop")
        fill(host, 1, "x@many.example.test", recipients=count)
        host.start_again()
        start = time.monotonic()
        say("in the queue", deliveries_until(host, lambda: not queued(host)), start)
        start = time.monotonic()
        sender = threading.Thread(target=send_to_many, args=(host, count))
        sender.start()
        during = deliveries_until(host, lambda: not sender.is_alive() and not queued(host))
        wait_for("delivery to all", lambda: host.log().count("relay=none") == 2 * count)
        say("by SMTP", during, start)


def commands(report, is_long):
    """An alias that starts a command which does not end soon."""
    mails = 12
    with Host() as host:
        place = f"{host.directory}/running"
        os.mkdir(place)
        os.chmod(place, 0o777)
        script = f"{host.directory}/slow"
        with open(script, "w") as f:
            f.write(f"#!/bin/sh\nmkdir {place}/$$; ls {place} | wc -l >> {place}.most; sleep 0.3; rmdir {place}/$$\n")
        os.chmod(script, 0o755)
        open(f"{place}.most", "w").close()
        os.chmod(f"{place}.most", 0o666)
        with open(f"{host.env['CONFIG_DIRECTORY']}/aliases", "a") as f:
            f.write(f'bomb "|{script}"\n')
        client = smtp(host)
        before = deliveries(host, 20)
        for _ in range(mails):
            client.say("MAIL FROM:<a@client.example.test>")
            client.say(f"RCPT TO:<bomb@{host.env['HOST_NAME']}>")
            client.say("DATA", "354")
            client.say("Subject: x\r\n\r\nx\r\n.")
        during = deliveries(host, 20)
        wait_for("end of the commands", lambda: open(f"{place}.most").read().count("\n") >= mails)
        most = max(int(line) for line in open(f"{place}.most").read().split())
        report(f"{mails} mails for a slow command: at the same time", f"{most}", "2", most <= 2)
        report("the same: others take", f"median {median(during):.1f} ms; {median(before):.1f} ms without", "unchanged", median(during) < 2 * median(before) + 50)


ROWS = {"deferred": deferred, "dead-destination": dead_destination, "many-recipients": many_recipients, "commands": commands}
