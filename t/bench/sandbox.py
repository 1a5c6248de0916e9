"""What the sandboxes cost: two instances of Buuta, one with sandbox = no, get the same load in turns."""

import statistics

import measure
from peer import Peer
from report import MOST_FOREIGN, MOST_STEAL

SESSIONS = 20
CONFINED, OPEN = "yes", "no"


def loaded(load, peer, messages):
    """One turn: messages per second, processor time per message in ms, and whether the machine was quiet."""
    peer.group.settle()
    with measure.Meter(peer.group) as meter:
        figures = load.deliver(peer, SESSIONS, messages)
        peer.group.settle()
    return figures["rate"], meter.cpu * 1000 / messages, meter.foreign <= MOST_FOREIGN and meter.steal <= MOST_STEAL


def summary(title, ratios):
    middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
    return f"{title}: {middle:.3f} of that without sandbox (median of {len(ratios)} pairs, {low:.3f} to {high:.3f})"


def compare(load, work, port, pairs, messages):
    """Prints each pair, and the medians of their ratios."""
    rates, times, noisy = [], [], 0
    with Peer("buuta", work, port, settings=f"sandbox = {CONFINED}") as confined, Peer("buuta", work, port + 10, settings=f"sandbox = {OPEN}") as free:
        for peer in (confined, free):
            load.deliver(peer, SESSIONS, 10 * SESSIONS)
        for pair in range(pairs):
            turns = (confined, free) if pair % 2 == 0 else (free, confined)
            found = {peer: loaded(load, peer, messages) for peer in turns}
            (rate, cpu, is_quiet), (free_rate, free_cpu, is_free_quiet) = found[confined], found[free]
            mark = "" if is_quiet and is_free_quiet else " ~"
            noisy += bool(mark)
            rates.append(rate / free_rate)
            times.append(cpu / free_cpu)
            print(f"  pair {pair + 1}: {rate:.0f} and {free_rate:.0f} messages/s, ratio {rates[-1]:.3f}; "
                  f"CPU {cpu:.3f} and {free_cpu:.3f} ms/message, ratio {times[-1]:.3f}{mark}", flush=True)
    print(summary("messages/s", rates), summary("CPU ms/message", times), sep="\n")
    print(f"~ marks pairs with more than {MOST_STEAL:.0%} steal or {MOST_FOREIGN:.0%} foreign load: {noisy}")
