"""Who has got which message how often: the invariants I1 to I5 and I7."""

import collections

from proof.message import read as read_content


class Accounts:
    """Every copy that exists, by token; then every message that was sent, against them."""

    def __init__(self, book, seen, report):
        self.book, self.seen, self.report = book, seen, report
        self.copies = collections.Counter()   # (mailbox path, folder, token)
        self.told = collections.Counter()     # (sender, token): notices that have arrived
        self.failed = set()                   # (sender, token, recipient) of those notices
        self.queued = collections.defaultdict(list)  # by token: (state, ID, QueueFile)
        self.received = collections.Counter()  # (address, token)
        self.users = collections.defaultdict(list)  # by path
        for user in book.users():
            self.users[book.path_of(user)].append(user)

    def settle(self):
        self.count_mailboxes()
        self.count_queue()
        self.count_received()
        for message in self.book.messages.values():
            self.settle_message(message)
        self.settle_folders()
        self.settle_queue_orders()
        self.bound_duplicates()

    def violate(self, invariant, what):
        self.report.violate(invariant, what)

    # What is there.
    def count_mailboxes(self):
        for path, box in self.seen.mailboxes.items():
            for name, folder in box.folders.items():
                for file, read in folder.messages.items():
                    self.look_at(read, file)
                    self.copies[path, name, read.token] += 1
                    for user in self.users[path]:
                        self.tell(user, read.about, read.failed)

    def tell(self, user, tokens, recipients):
        for token in tokens:
            self.told[user, token] += 1
            self.failed.update((user, token, recipient) for recipient in recipients)

    def is_told(self, message, *recipients):
        """Whether the sender has a notice, or will have one, that speaks of one of the recipients."""
        return any((message.sender, message.token, recipient) in self.failed for recipient in recipients) or \
            self.is_notice_queued(message, recipients)

    def look_at(self, read, where):
        """I4: what is stored somewhere is something that was sent."""
        message = self.book.messages.get(read.token)
        if read.token is None and read.is_notice and read.is_whole:
            return
        if not read.bytes or read.token is None:
            self.report.counts["torn"] += 1
            self.violate("I4", f"{where}: {'empty' if not read.bytes else 'not a whole message that was sent'}, {read.bytes} bytes")
        elif not message:
            self.violate("I4", f"{where}: token {read.token} was never sent")
        elif read.digest != message.digest:
            self.report.counts["torn"] += 1
            self.violate("I4", f"{where}: {read.token} is not as it was sent, {read.bytes} bytes")

    def count_queue(self):
        if not self.seen.queue:
            return
        may_be_damaged = any(fault["kind"] == "damage" for fault in self.book.faults)
        for path, why in self.seen.queue.damaged if not may_be_damaged else ():
            self.violate("I4", f"{path}: {why}")
        for state, queue_id, mail in self.seen.queue.mails:
            if state == "corrupt":
                continue
            read = read_content(mail.content)
            self.look_at(read, f"{state}/{queue_id}")
            for token in {read.token} if read.token else read.about:
                self.queued[token].append((state, queue_id, mail))
            self.check_envelope(read, state, queue_id, mail)

    def check_envelope(self, read, state, queue_id, mail):
        message = self.book.messages.get(read.token)
        if not message:
            return
        allowed = set(message.recipients)
        allowed.update(final for address in message.recipients for final in self.book.final(address))
        for recipient in mail.recipients:
            if recipient["recipient"] not in allowed and recipient["original_recipient"] not in allowed:
                self.violate("I4", f"{state}/{queue_id}: {read.token} is not for {recipient['recipient']}")

    def count_received(self):
        for line in self.seen.received:
            token, message = line.get("token"), self.book.messages.get(line.get("token"))
            for address in line["recipients"]:
                self.received[address, token] += 1
                self.tell(address, line.get("about", ()), line.get("failed", ()))
                if token and message and address not in [f for a in message.recipients for f in self.book.final(a)]:
                    self.violate("I4", f"received by {address}: {token}, which was not for it")
            if token and not message:
                self.violate("I4", f"received by {line['recipients']}: token {token} was never sent")
            elif token and line["sha256"] != message.digest:
                self.violate("I4", f"received by {line['recipients']}: {token} is not as it was sent")

    # What should be there.
    def settle_message(self, message):
        counts = self.report.counts
        counts["messages"] += 1
        counts["accepted"] += message.is_accepted_at_all()
        if message.user:
            return
        missing = [pair for recipient in message.recipients for pair in self.settle_recipient(message, recipient)]
        counts["lost"] += len(missing)
        name = "I1" if len(missing) >= sum(len(self.book.final(r)) for r in message.recipients) else "I5"
        for recipient, final in missing:
            self.violate(name, f"{message.token}: nothing for {final}, accepted as {' '.join(message.queue_ids) or '?'} for {recipient}")

    def settle_recipient(self, message, recipient):
        """The (recipient, final address) pairs of an accepted message that nobody has, and no queue."""
        missing = []
        for final in self.book.final(recipient):
            self.report.counts["recipients"] += 1
            copies = self.copies_for(message, final)
            if self.is_accepted_nowhere(message, recipient, final, copies):
                missing.append((recipient, final))
            most = message.most_copies(recipient)
            if self.book.path_of(final) is not None:
                continue  # settle_folders() looks closer
            if copies and most == 0:
                self.violate("I3", f"{message.token}: {copies} copies for {final}, and the client had aborted it")
            elif copies > most:
                self.report.counts["remote duplicates"] += copies - most
        return missing

    def copies_for(self, message, final):
        path = self.book.path_of(final)
        if path is None:
            return self.received[final, message.token]
        return self.copies[path, "INBOX", message.token]

    def is_accepted_nowhere(self, message, recipient, final, copies):
        counts = self.report.counts
        path = self.book.path_of(final)
        shelf = self.book.shelves.get((final, message.token))
        if copies or (shelf and shelf.removals.get("INBOX")):
            counts["in mailboxes" if path else "received"] += 1
            return False
        if self.is_queued(message.token, {recipient, final}):
            counts["queued"] += 1
            return False
        if self.is_told(message, recipient, final):
            counts["told"] += 1
            return False
        if any(queue_id in self.book.deleted_ids for queue_id in message.queue_ids):
            return False
        return message.is_accepted(recipient) and (message.wants_notice or self.book.kinds.get(final) != "bad")

    def is_queued(self, token, addresses):
        """Whether somebody is still to be served, or its sender to be told."""
        for state, _, mail in self.queued[token]:
            for number, recipient in enumerate(mail.recipients):
                if addresses & {recipient["recipient"], recipient["original_recipient"]}:
                    if mail.is_open(number) or (mail.has_failed(number) and not mail.is_told(number)):
                        return True
        return False

    def is_notice_queued(self, message, recipients):
        for _, _, mail in self.queued[message.token]:
            is_open = any(mail.is_open(number) and recipient["recipient"] == message.sender for number, recipient in enumerate(mail.recipients))
            if is_open and not mail.envelope.get("sender") and read_content(mail.content).failed & set(recipients):
                return True
        return False

    def deliveries(self, path, token):
        """How many copies deliveries may have brought to the mailbox, and whether one of them was promised and is nowhere else."""
        message = self.book.messages[token]
        most, is_sure = 0, False
        for recipient in message.recipients:
            for final in self.book.final(recipient):
                if self.book.path_of(final) != path:
                    continue
                most += message.most_copies(recipient)
                is_elsewhere = self.is_queued(token, {recipient, final}) or self.is_told(message, recipient, final)
                is_sure |= message.is_accepted(recipient) and not is_elsewhere
        return most, is_sure

    def settle_folders(self):
        """I2, I3, I7, and I1 for what IMAP clients have stored: the number of copies in each folder of each mailbox."""
        tokens = collections.defaultdict(set)
        for path, _, token in self.copies:
            tokens[path].add(token)
        for user, token in self.book.shelves:
            tokens[self.book.path_of(user)].add(token)
        for path, those in tokens.items():
            for token in those & self.book.messages.keys():
                self.settle_token(path, token)

    def settle_token(self, path, token):
        shelves = [shelf for user in self.users[path] if (shelf := self.book.shelves.get((user, token)))]
        deliveries, is_sure = self.deliveries(path, token)
        have = self.in_folders(path, token)
        folders = set(have) | {folder for shelf in shelves for folder in (*shelf.most, *shelf.least)}
        for folder in sorted(folders):
            most = sum(shelf.most.get(folder, 0) for shelf in shelves) + (deliveries if folder == "INBOX" else 0)
            least = sum(shelf.least.get(folder, 0) for shelf in shelves)
            self.judge(path, folder, token, have.get(folder, 0), max(least, 0), most, shelves)
        total, least = sum(have.values()), sum(shelf.total_least for shelf in shelves)
        if shelves and total < least + is_sure:
            self.report.counts["lost"] += 1
            self.violate("I1", f"{path}: {total} copies of {token} in all folders, {least + is_sure} were promised")

    def in_folders(self, path, token):
        return {folder: count for folder in self.seen.mailboxes[path].folders if (count := self.copies[path, folder, token])}

    def judge(self, path, folder, token, have, least, most, shelves):
        where = f"{path} {folder}: {have} copies of {token}"
        if have < least:
            self.report.counts["lost"] += 1
            self.violate("I1", f"{where}, {least} were promised")
        if have <= most:
            return
        message = self.book.messages[token]
        if any(shelf.deletions or shelf.removals.get(folder) for shelf in shelves):
            self.violate("I7", f"{where}, {most} at most since it was deleted or moved")
        elif most == 0 and not message.is_accepted_at_all():
            self.violate("I3", f"{where}, and nobody had accepted it")
        elif most == 0:
            self.violate("I4", f"{where}, which is not for this mailbox")
        else:
            self.report.counts["duplicates"] += have - most
            self.violate("I2" if message.is_accepted_at_all() else "I3", f"{where}, {most} at most")

    def settle_queue_orders(self):
        """I7 for postsuper: what was deleted is gone, what was held is held."""
        for state, queue_id, _ in self.seen.queue.mails if self.seen.queue else ():
            if self.book.deleted_ids.get(queue_id):
                self.violate("I7", f"{state}/{queue_id}: was deleted")
            if queue_id in self.book.held and state != "hold":
                self.violate("I7", f"{state}/{queue_id}: was put on hold")

    def bound_duplicates(self):
        """I2 where mail leaves our hands: as many too many as the faults allow."""
        twice = 0
        for message in self.book.messages.values():
            failing = sum(self.told[message.sender, message.token] > 0 for _ in message.recipients)
            twice += max(0, self.told[message.sender, message.token] - max(1, failing) * max(1, message.tries)) if message.sender else 0
        counts, allowed = self.report.counts, self.book.allowed_duplicates()
        counts["told twice"] += twice
        counts["remote duplicates"] += 0
        for what in ("remote duplicates", "told twice"):
            if counts[what] > allowed:
                self.violate("I2", f"{counts[what]} {what}, {allowed} allowed by the faults")
