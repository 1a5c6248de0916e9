"""The invariants I1 to I12 of t/mailcheck."""

import collections

from proof import accounts, order


class Report:
    def __init__(self):
        self.violations, self.counts, self.unchecked = [], collections.Counter(), {}

    def violate(self, invariant, what):
        self.violations.append(f"{invariant} {what}")

    def has(self, *invariants):
        return any(violation.split(" ", 1)[0] in invariants for violation in self.violations)

    def summary(self):
        names = [f"I{number}" for number in range(1, 13)]
        lines = ["checked: " + " ".join(name for name in names if name not in self.unchecked)]
        if self.unchecked:
            lines.append("not checked: " + ", ".join(f"{name} ({why})" for name, why in self.unchecked.items()))
        counts = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return "\n".join(lines) + f"\n{len(self.violations)} violations; {counts}"


def check(book, seen, is_drained=False, temp_age=3600.0):
    report = Report()
    accounts.Accounts(book, seen, report).settle()
    report.violations += book.problems
    order.check_uids(book, seen, report)
    order.check_flags(book, seen, report)
    order.check_restarts(book, seen, report, is_drained)
    order.check_files(book, seen, report, temp_age)
    order.check_log(book, seen, report, is_drained)
    check_faults(book, report)
    note_unchecked(book, seen, report, is_drained)
    report.counts["faults"] = len(book.faults)
    report.counts["files"] = sum(len(folder.messages) for box in seen.mailboxes.values() for folder in box.folders.values())
    return report


def check_faults(book, report):
    is_lossy = report.has("I1", "I5")
    for message in book.messages.values():
        if message.is_under_fault:
            report.violate("I10", f"{message.token}: accepted while nothing could be stored")
    if is_lossy and any(fault["kind"] in ("enospc", "eio") for fault in book.faults):
        report.violate("I10", "mail was accepted and lost while the disk had faults")
    if report.violations and any(fault.get("during") == "recovery" for fault in book.faults):
        report.violate("I11", f"{len(report.violations)} violations after a fault during recovery")


def note_unchecked(book, seen, report, is_drained):
    """Which invariants the input says nothing about."""
    def without(name, is_missing, why):
        if is_missing:
            report.unchecked[name] = why
    kinds = {fault["kind"] for fault in book.faults}
    without("I6", not (book.uids or book.flags or book.sessions), "no UIDs, flags or sessions in the ledger")
    without("I7", not (book.deleted_ids or book.held or any(shelf.deletions for shelf in book.shelves.values())), "nothing was deleted or held")
    without("I8", not book.restarts and not is_drained, "no restart, and the queue need not be empty")
    without("I10", not kinds & {"enospc", "eio"} and not any(fault.get("total") for fault in book.faults), "no disk faults")
    without("I11", not any(fault.get("during") == "recovery" for fault in book.faults), "no fault during recovery")
    without("I12", seen.log is None or not is_drained, "no log" if seen.log is None else "the queue need not be empty")
    if not seen.queue:
        report.unchecked["I1"] = report.unchecked["I5"] = "no queue directory"
    if not seen.has_receivers and "remote" in book.kinds.values():
        report.unchecked["I1"] = report.unchecked["I5"] = "other hosts got mail, and no receiver is given"
