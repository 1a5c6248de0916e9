"""Each invariant is kept once, and broken once by hand: t/mailcheck --selftest."""

import os
import shutil
import struct
import tempfile
import time
import unittest

from proof import checks, ledger, maildir, message, queuefile, world

ONE, TWO, SENDER, FAR, NOBODY = "one@here.test", "two@here.test", "sender@here.test", "x@far.test", "nobody@here.test"
ID = "4dM3zK0000zBBBBB"


def text_of(token, body=b"hello\n"):
    return b"X-Token: " + token.encode() + b"\nSubject: test\n\n" + body


def record(kind, **values):
    payload = b"".join(name.encode() + b"\0" + str(value).encode() + b"\0" for name, value in values.items())
    out = kind.encode() + struct.pack("<I", len(payload)) + payload
    return out + struct.pack("<I", queuefile.crc32c(out))


def queue_file(content, recipients, queue_id=ID, sender=SENDER, tail=b""):
    envelope = record("M", queue_id=queue_id, sender=sender)
    envelope += b"".join(record("R", recipient=each, original_recipient="", dsn_orcpt="", dsn_notify="") for each in recipients)
    head = b"BUUTAQ1\n" + struct.pack("<QQIQ", len(envelope), len(content), len(recipients), 0)
    end = record("E", content_bytes=len(content), content_crc32c=queuefile.crc32c(content))
    return head + struct.pack("<I", queuefile.crc32c(head)) + envelope + content + end + tail


def notice(token, recipient=NOBODY):
    return (b'From: MAILER-DAEMON\nContent-Type: multipart/report; boundary="b"\n\n--b\n\nsorry\n--b\n\nFinal-Recipient: rfc822; ' +
            recipient.encode() + b"\n--b\nContent-Type: message/rfc822\n\n" + text_of(token) + b"--b--\n")


def list_line(text):
    return b"%08x %s\n" % (queuefile.crc32c(text.encode()), text.encode())


class Case(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.queue = self.root + "/queue"
        for state in queuefile.STATES:
            os.makedirs(f"{self.queue}/{state}")
        for user in ("one", "two", "sender"):
            self.make_folder(f"{self.root}/here.test/{user}")
        self.book = ledger.Writer(self.root + "/ledger")
        self.book.note("remote", address=FAR)
        self.book.note("bad", address=NOBODY)
        self.count = 0

    @staticmethod
    def make_folder(path):
        for part in ("new", "cur", "tmp"):
            os.makedirs(f"{path}/{part}")

    def put(self, path, content):
        with open(f"{self.root}/{path}", "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(content)
        return f"{self.root}/{path}"

    def deliver(self, user, content, folder="", part="new", flags=""):
        self.count += 1
        return self.put(f"here.test/{user}/{folder}/{part}/{self.count}.M1.h{flags}", content)

    def send(self, token, recipients, result="ok", queue_id=ID, **values):
        self.book.note("send", token=token, protocol="smtp", sender=SENDER, recipients=recipients, sha256=message.digest(text_of(token)), **values)
        if result:
            self.book.note("answer", token=token, result=result, queue_id=queue_id if result == "ok" else None)

    def append(self, token, result="ok", folder="INBOX"):
        self.book.note("send", token=token, protocol="append", user=ONE, folder=folder, sha256=message.digest(text_of(token)))
        if result:
            self.book.note("answer", token=token, result=result)

    def check(self, is_drained=False, receivers=(), log=None, until=None):
        book = ledger.Ledger(ledger.lines_of([self.root + "/ledger"], until), self.root + "/%d/%n")
        return checks.check(book, world.World(book, self.queue, receivers, log, until), is_drained)

    def expect(self, *invariants, **options):
        report = self.check(**options)
        self.assertEqual(sorted({violation.split(" ")[0] for violation in report.violations}), sorted(invariants), report.violations)
        return report


class Accepted(Case):
    def test_where_a_message_may_be(self):
        self.send("a", [ONE, FAR])
        self.expect("I1")
        self.put(f"queue/incoming/{ID}", queue_file(text_of("a"), [ONE, FAR]))
        self.expect()
        self.put(f"queue/incoming/{ID}", queue_file(text_of("a"), [ONE, FAR], tail=record("D", number=0, action="sent")))
        self.expect("I5")
        self.deliver("one", b"Return-Path: <a@b>\nReceived: from x\n\tby y\n" + text_of("a"))
        self.expect()
        os.unlink(f"{self.queue}/incoming/{ID}")
        self.expect("I5")
        self.put("received", b"")
        receiver = ledger.Writer(self.root + "/received")
        receiver.note("received", token="a", recipients=[FAR], sha256=message.digest(text_of("a")))
        self.expect(receivers=[self.root + "/received"])

    def test_a_prepared_file_that_is_whole_is_a_mail(self):
        self.send("a", [ONE])
        whole = queue_file(text_of("a"), [ONE])
        self.put(f"queue/incoming/.p{ID}", whole)
        self.expect()
        self.put(f"queue/incoming/.p{ID}", whole[:-10])
        self.expect("I1")

    def test_corrupt_is_no_place_for_mail(self):
        self.send("a", [ONE])
        self.put(f"queue/corrupt/{ID}", queue_file(text_of("a"), [ONE]))
        self.expect("I1", "I4")

    def test_a_failure_is_told(self):
        self.send("a", [NOBODY])
        failed = record("D", number=0, action="bounced")
        self.put(f"queue/active/{ID}", queue_file(text_of("a"), [NOBODY], tail=failed))
        self.expect()
        self.put(f"queue/active/{ID}", queue_file(text_of("a"), [NOBODY], tail=failed + record("N", note="failures_told")))
        self.expect("I1")
        other = ID[:-1] + "C"
        self.put(f"queue/incoming/{other}", queue_file(notice("a"), [SENDER], other, sender=""))
        self.expect()
        os.unlink(f"{self.queue}/incoming/{other}")
        self.deliver("sender", notice("a"))
        self.expect()

    def test_a_notice_about_one_recipient_says_nothing_of_the_other(self):
        self.send("a", [ONE, NOBODY])
        self.deliver("sender", notice("a"))
        self.expect("I5")
        self.deliver("sender", notice("a", ONE))
        self.expect()

    def test_an_append_is_there(self):
        self.append("a")
        self.expect("I1")
        self.deliver("one", text_of("a"))
        self.expect()

    def test_a_copy_and_a_move_are_there(self):
        self.make_folder(self.root + "/here.test/one/.Work")
        self.append("a")
        self.append("b")
        first, second = self.deliver("one", text_of("a")), self.deliver("one", text_of("b"))
        self.book.note("copying", user=ONE, token="a", **{"from": "INBOX"}, folder="Work")
        self.book.note("moving", user=ONE, token="b", **{"from": "INBOX"}, folder="Work")
        self.expect()
        os.unlink(second)
        self.expect("I1")
        self.deliver("one", text_of("b"), ".Work", "cur")
        self.book.note("copied", user=ONE, token="a", **{"from": "INBOX"}, folder="Work")
        self.book.note("moved", user=ONE, token="b", **{"from": "INBOX"}, folder="Work")
        self.expect("I1")
        self.deliver("one", text_of("a"), ".Work", "cur")
        self.expect()
        os.unlink(first)
        self.expect("I1")

    def test_time_ends_where_it_is_told_to(self):
        self.send("a", [ONE])
        then = time.monotonic()
        self.send("b", [ONE])
        self.deliver("one", text_of("a"))
        self.expect("I1")
        self.expect(until=then)


class Copies(Case):
    def test_two_copies_in_a_mailbox(self):
        self.send("a", [ONE])
        self.deliver("one", text_of("a"))
        self.deliver("one", text_of("a"))
        self.expect("I2")
        self.send("a", [ONE], None)
        self.expect()

    def test_two_copies_elsewhere_need_a_fault(self):
        self.send("a", [FAR])
        for _ in range(2):
            self.book.note("received", token="a", recipients=[FAR], sha256=message.digest(text_of("a")))
        self.assertEqual(self.expect("I2").counts["remote duplicates"], 1)
        self.book.note("fault", kind="kill")
        self.expect()

    def test_what_was_not_accepted(self):
        self.send("a", [ONE], "aborted")
        self.send("b", [ONE], "temporary")
        self.send("c", [FAR], "aborted")
        self.expect()
        self.deliver("one", text_of("b"))
        self.expect()
        self.deliver("one", text_of("b"))
        self.expect("I3")
        self.deliver("one", text_of("a"))
        self.assertEqual(len(self.expect("I3").violations), 2)
        self.book.note("received", token="c", recipients=[FAR], sha256=message.digest(text_of("c")))
        self.assertEqual(len(self.expect("I3").violations), 3)

    def test_content_and_owner(self):
        self.send("a", [ONE])
        for content in (text_of("a")[:-3], text_of("a") + text_of("a"), b"", b"Subject: something else\n\n", text_of("z")):
            place = self.deliver("one", text_of("a") if not content else content)
            if not content:
                os.truncate(place, 0)
            self.assertIn("I4", {violation.split(" ")[0] for violation in self.check().violations})
            os.unlink(place)
        self.deliver("one", text_of("a"))
        self.expect()
        self.deliver("two", text_of("a"))
        self.expect("I4")

    def test_content_and_recipients_in_the_queue(self):
        self.send("a", [ONE])
        self.put(f"queue/deferred/{ID}", queue_file(text_of("a"), [ONE, TWO]))
        self.expect("I4")
        whole = bytearray(queue_file(text_of("a"), [ONE]))
        whole[whole.index(b"hello")] ^= 1
        self.put(f"queue/deferred/{ID}", whole)
        self.expect("I1", "I4")

    def test_what_was_deleted(self):
        self.append("a")
        place = self.deliver("one", text_of("a"))
        self.book.note("deleting", user=ONE, folder="INBOX", token="a")
        self.expect()
        os.unlink(place)
        self.expect()
        self.book.note("deleted", user=ONE, folder="INBOX", token="a")
        self.expect()
        self.deliver("one", text_of("a"))
        self.expect("I7")

    def test_what_postsuper_has_deleted_and_held(self):
        self.send("a", [ONE])
        path = f"queue/deferred/{ID}"
        self.put(path, queue_file(text_of("a"), [ONE]))
        self.book.note("holding", queue_id=ID)
        self.expect()
        self.book.note("held", queue_id=ID)
        self.expect("I7")
        os.rename(f"{self.root}/{path}", f"{self.queue}/hold/{ID}")
        self.expect()
        self.book.note("deleting", queue_id=ID)
        self.expect()
        self.book.note("deleted", queue_id=ID)
        self.expect("I7")
        os.unlink(f"{self.queue}/hold/{ID}")
        self.expect()


class Order(Case):
    def show(self, token, uid, validity=7):
        self.book.note("uid", user=ONE, folder="INBOX", uidvalidity=validity, uid=uid, token=token)

    def test_a_uid_never_names_two_messages(self):
        self.show("a", 1)
        self.show("b", 1, 8)
        self.expect()
        self.show("b", 1)
        self.expect("I6")

    def write_list(self, *lines):
        self.put("here.test/one/buuta-uidlist", b"".join(map(list_line, lines)))

    def test_the_uid_list_agrees_with_what_was_shown(self):
        for token in ("a", "b"):
            self.append(token)
        names = [os.path.basename(self.deliver("one", text_of(token), "", "cur", ":2,")) for token in ("a", "b")]
        self.show("a", 1)
        self.show("b", 2)
        first, second = f"+ 1 99 1 2 3 0 cur/{names[0]}", f"+ 2 98 1 2 3 0 cur/{names[1]}"
        self.write_list("buuta-uidlist 1 7", "n 64 boot", first, second)
        self.expect()
        self.write_list("buuta-uidlist 1 7", first.replace("+ 1", "+ 2"))  # another message under a UID that was shown
        self.expect("I6")
        self.write_list("buuta-uidlist 1 7", first)                        # the other UID would be given again
        self.expect("I6")
        self.write_list("buuta-uidlist 1 6", "n 64 boot", first)
        self.expect("I6")
        self.write_list("buuta-uidlist 1 8", first)
        self.expect()

    def test_exists_and_flags(self):
        self.book.note("selected", session="s", count=5)
        self.book.note("expunged", session="s", count=1)
        self.book.note("exists", session="s", count=4)
        self.expect()
        self.book.note("exists", session="s", count=3)
        self.expect("I6")

    def test_flags_stay(self):
        self.append("a")
        self.deliver("one", text_of("a"), "", "cur", ":2,S")
        self.book.note("flagged", user=ONE, folder="INBOX", token="a", flags="S")
        self.expect()
        self.book.note("flagging", user=ONE, folder="INBOX", token="a")
        self.book.note("flagged", user=ONE, folder="INBOX", token="a", flags="FS")
        self.expect("I6")

    def test_a_restart_answers_and_drains(self):
        self.send("a", [ONE])
        self.put(f"queue/active/{ID}", queue_file(text_of("a"), [ONE]))
        self.book.note("restart", answered_after=0.5)
        self.expect()
        self.expect("I8", is_drained=True)
        self.book.note("restart", answered_after=None)
        self.assertEqual(len(self.expect("I8", is_drained=True).violations), 2)

    def test_files_and_resources(self):
        self.append("a")
        place = self.deliver("one", text_of("a"))
        left = self.put("here.test/one/tmp/1.M2.h", b"x")
        self.book.note("resources", what="descriptors of qmgr", value=40, limit=40)
        self.expect()
        os.chmod(place, 0o644)
        self.expect("I9")
        os.chmod(place, 0o600)
        os.utime(left, (1, 1))
        self.expect("I9")
        os.unlink(left)
        self.book.note("resources", what="descriptors of qmgr", value=41, limit=40)
        self.expect("I9")

    def test_nothing_is_accepted_that_cannot_be_stored(self):
        self.book.note("fault", kind="enospc", phase="begin", total=True)
        self.send("a", [ONE], "temporary")
        self.expect()
        self.send("b", [ONE])
        self.deliver("one", text_of("b"))
        self.expect("I10")

    def test_lost_while_the_disk_fails_and_a_second_fault(self):
        self.book.note("fault", kind="eio")
        self.send("a", [ONE])
        self.expect("I1", "I10")
        self.book.note("fault", kind="kill", during="recovery")
        self.expect("I1", "I10", "I11")

    def test_the_log_has_one_final_line(self):
        self.send("a", [ONE, FAR], queue_id=ID)
        self.deliver("one", text_of("a"))
        self.book.note("received", token="a", recipients=[FAR], sha256=message.digest(text_of("a")))
        line = "Nov 30 15:00:00 mail postfix/x[1]: {}: to=<{}>, relay=x, delay=0, dsn=2.0.0, status={} (delivered)\n"
        log = self.put("log", "".join([line.format(ID, ONE, "sent"), line.format(ID, FAR, "deferred")]).encode())
        self.expect("I12", is_drained=True, log=log)
        self.put(f"queue/hold/{ID}", queue_file(text_of("a"), [ONE, FAR]))
        self.expect(is_drained=True, log=log)
        os.unlink(f"{self.queue}/hold/{ID}")
        both = line.format(ID, ONE, "sent") + line.format(ID, FAR, "sent")
        self.put("log", both.encode())
        self.expect(is_drained=True, log=log)
        self.put("log", (both + line.format(ID, FAR, "sent")).encode())
        self.expect("I12", is_drained=True, log=log)
        self.book.note("fault", kind="kill")
        self.expect(is_drained=True, log=log)


class Readers(unittest.TestCase):
    def test_trace_fields_of_servers_do_not_count(self):
        sent = text_of("a").replace(b"\n", b"\r\n")
        self.assertEqual(message.digest(b"Received: x\r\n\ty\r\nX-Original-To: v\r\nDelivered-To: z\r\n" + sent), message.digest(sent))
        self.assertNotEqual(message.digest(b"Subject: x\r\n" + sent), message.digest(sent))

    def test_the_checksum_is_crc32c(self):
        self.assertEqual(queuefile.crc32c(b"123456789"), 0xE3069283)

    def test_a_torn_tail_is_no_damage(self):
        done = record("D", number=0, action="sent")
        mail = queuefile.QueueFile(queue_file(text_of("a"), [ONE], tail=done[:-2]))
        self.assertTrue(mail.is_open(0))
        self.assertEqual(mail.torn_bytes, len(done) - 2)

    def test_a_torn_end_of_a_uid_list_is_no_damage(self):
        lines = [list_line(text) for text in ("buuta-uidlist 1 7", "n 64 boot", "u 5")]
        self.assertFalse(maildir.UidList(b"".join(lines)[:-3]).is_damaged)
        self.assertTrue(maildir.UidList(lines[0] + lines[1][:-3] + b"?\n" + lines[2]).is_damaged)


if __name__ == "__main__":
    unittest.main()
