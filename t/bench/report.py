"""The results: one number a line in a file, and a table of medians and ratios."""

import json
import statistics

MOST_STEAL = 0.05
MOST_FOREIGN = 0.10
OURS = "buuta"


def in_short(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


class Results:
    def __init__(self, path):
        self.path = path
        self.round = 0
        self.rows = []
        self.calls = {}   # (figure, peer): {program: {call: count per message}}
        open(path, "w").close()

    def write(self, row):
        with open(self.path, "a") as f:
            f.write(json.dumps(row) + "\n")

    def add(self, peer, figure, unit, value, meter=None):
        row = {"peer": peer.name, "figure": figure, "unit": unit, "value": round(value, 4), "round": self.round}
        if meter:
            row.update(foreign=round(meter.foreign, 3), steal=round(meter.steal, 3))
        self.rows.append(row)
        self.write(row)
        print(f"  {peer.name:8} {figure}: {in_short(value)} {unit}", flush=True)

    def add_calls(self, peer, figure, program, counts):
        self.calls.setdefault((figure, peer.name), {})[program] = counts
        for name, count in counts.items():
            self.write({"peer": peer.name, "figure": f"{figure}, {program}, {name}", "unit": "calls/message", "value": round(count, 4)})

    def table(self):
        """Lines of text: our median, the other's, the median of the rounds' ratios and their range."""
        cells = {}
        for row in self.rows:
            cells.setdefault((row["figure"], row["unit"]), {}).setdefault(row["peer"], {})[row["round"]] = row
        yield f"{'':46} {'unit':24} {'Buuta':>9} {'other':>9}  {'':9} {'ratio':>7}  range"
        for (figure, unit), peers in cells.items():
            others = [name for name in peers if name != OURS]
            yield from (self.line(figure, unit, peers, other) for other in others or [None])
        yield f"The ratio is Buuta's figure by the other's in the same round. ~ marks rows with more than {MOST_STEAL:.0%} steal or {MOST_FOREIGN:.0%} foreign load."

    @staticmethod
    def line(figure, unit, peers, other):
        def median(name):
            return statistics.median(row["value"] for row in peers[name].values()) if name in peers else None

        def number(value):
            return f"{'-' if value is None else in_short(value):>9}"

        both = set(peers.get(OURS, ())) & set(peers.get(other, ()))
        ratios = [peers[OURS][n]["value"] / peers[other][n]["value"] for n in both if peers[other][n]["value"]]
        is_noisy = any(row.get("steal", 0) > MOST_STEAL or row.get("foreign", 0) > MOST_FOREIGN for rows in peers.values() for row in rows.values())
        ratio = f"{statistics.median(ratios):7.3g}  {min(ratios):.3g} to {max(ratios):.3g}" if ratios else f"{'-':>7}"
        return f"{figure:46} {unit:24} {number(median(OURS))} {number(median(other))}  {other or '':9} {ratio}{' ~' if is_noisy else ''}"

    def call_table(self):
        """Lines of text: where the system calls of a message are made."""
        for (figure, peer), programs in self.calls.items():
            yield f"{figure}, {peer}: system calls per message"
            for program, counts in sorted(programs.items(), key=lambda item: -sum(item[1].values())):
                if sum(counts.values()) >= 0.05:
                    top = sorted(counts.items(), key=lambda item: -item[1])[:10]
                    yield f"  {program:16} {sum(counts.values()):7.1f}  " + " ".join(f"{name} {count:.1f}" for name, count in top if count >= 0.05)
