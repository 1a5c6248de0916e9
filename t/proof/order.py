"""What holds in mailboxes, after a restart, of files, and in the log: the invariants I6, I8, I9 and I12."""

import collections
import os
import stat
import time

from proof import maildir

ANSWER_SECONDS = 5


def folder_of(book, seen, user, name):
    box = seen.mailboxes.get(book.path_of(user))
    return box.folders.get(name) if box else None


def check_uids(book, seen, report):
    """I6: a (mailbox, UIDVALIDITY, UID) never names two messages."""
    shown = {}
    for line in book.uids:
        key = line["user"], line["folder"], line["uidvalidity"], line["uid"]
        if shown.setdefault(key, line["token"]) != line["token"]:
            report.violate("I6", f"{key}: was {shown[key]}, then {line['token']}")
    latest = collections.defaultdict(lambda: (0, 0))
    for user, name, validity, uid in shown:
        latest[user, name] = max(latest[user, name], (validity, uid))
    for (user, name), (validity, uid) in latest.items():
        folder = folder_of(book, seen, user, name)
        if folder and folder.uids:
            check_list(shown, user, name, folder, (validity, uid), report)


def check_list(shown, user, name, folder, latest, report):
    """The uid list on disk, against what clients have seen."""
    uids, where = folder.uids, f"{user} {name}"
    if uids.is_damaged:
        report.violate("I6", f"{where}: its uid list is damaged inside")
    if uids.uid_validity < latest[0]:
        report.violate("I6", f"{where}: UIDVALIDITY fell from {latest[0]} to {uids.uid_validity}")
    if uids.uid_validity == latest[0] and uids.next <= latest[1]:
        report.violate("I6", f"{where}: the next UID is {uids.next}, and {latest[1]} was shown")
    by_base = folder.by_base()
    for uid, base in uids.files.items():
        token = shown.get((user, name, uids.uid_validity, uid))
        read = folder.messages.get(by_base.get(base))
        if token and read and read.token != token:
            report.violate("I6", f"{where}: UID {uid} was {token} and is {read.token}")


def check_flags(book, seen, report):
    """I6: flags that were acknowledged stay."""
    for (user, name, token), flags in book.flags.items():
        folder = folder_of(book, seen, user, name)
        for path, read in folder.messages.items() if folder else ():
            if read.token == token and maildir.flags_of(os.path.basename(path)) & set("DFRST") != flags:
                report.violate("I6", f"{path}: the flags of {token} were {''.join(sorted(flags)) or 'none'}")


def check_restarts(book, seen, report, is_drained):
    for line in book.restarts:
        if line["answered_after"] is None or line["answered_after"] > ANSWER_SECONDS:
            report.violate("I8", f"after a restart the service answered after {line['answered_after']} s")
    for state, queue_id, _ in seen.queue.mails if seen.queue and is_drained else ():
        if state not in ("hold", "corrupt"):
            report.violate("I8", f"{state}/{queue_id}: still in the queue")


def check_files(book, seen, report, temp_age):
    """I9: temporary files, owners, modes, and what the ledger says of resources."""
    temporary = list(seen.queue.temporary) if seen.queue else []
    if seen.queue:
        owner = os.stat(os.path.join(seen.queue.directory, "incoming")).st_uid
        for state in ("incoming", "active", "deferred", "hold"):
            check_rights(files_in(os.path.join(seen.queue.directory, state)), owner, report)
    for path, box in seen.mailboxes.items():
        for folder in box.folders.values():
            temporary += folder.temporary
            if folder.messages:
                check_rights(folder.messages, os.stat(path).st_uid, report)
    for path in temporary:
        status = look(path)
        if status and time.time() - status.st_mtime > temp_age:
            report.violate("I9", f"{path}: a temporary file, {time.time() - status.st_mtime:.0f} s old")
    for line in book.resources:
        if line["value"] > line["limit"]:
            report.violate("I9", f"{line['what']}: {line['value']}, and the limit is {line['limit']}")


def files_in(directory):
    return [os.path.join(path, name) for path, _, names in os.walk(directory) for name in names]


def look(path):
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def check_rights(paths, owner, report):
    for status, path in ((look(path), path) for path in paths):
        if not status:
            continue
        if status.st_uid != owner or status.st_mode & 0o077 or not stat.S_ISREG(status.st_mode):
            report.violate("I9", f"{path}: owner {status.st_uid}, mode {status.st_mode & 0o7777:o}")


def check_log(book, seen, report, is_drained):
    """I12: one final status line for each (queue ID, recipient)."""
    if seen.log is None or not is_drained:
        return
    finals = collections.Counter()
    for queue_id, to, original, status in seen.log:
        if status in ("sent", "bounced", "expired"):
            finals[queue_id, to] += 1
            if original:
                finals[queue_id, original] += 1
    on_hold = {queue_id for state, queue_id, _ in seen.queue.mails if state == "hold"} if seen.queue else set()
    surplus, allowed = 0, book.allowed_duplicates()
    for message in book.messages.values():
        for queue_id in message.queue_ids - book.deleted_ids.keys() - on_hold:
            for recipient in message.recipients:
                lines = finals[queue_id, recipient]
                surplus += max(0, lines - max(1, len(book.final(recipient))))
                if lines == 0 and message.is_accepted(recipient):
                    report.violate("I12", f"{queue_id}: no final line in the log for {recipient}")
    if surplus > allowed:
        report.violate("I12", f"{surplus} final lines too many in the log, {allowed} allowed by the faults")
