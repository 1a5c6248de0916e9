"""Appends messages over IMAP and compares what FETCH says of their parts with what it gives of them: check_parts.py FILE..."""

import itertools
import os
import re
import socket
import sys


class Client:
    def __init__(self):
        self.socket = socket.create_connection((os.environ["HOST"], int(os.environ["IMAP_PORT"])), timeout=20)
        self.stream = self.socket.makefile("rb")
        self.stream.readline()
        self.command(f"LOGIN {os.environ['USER']} {os.environ['PASS']}".encode())

    def command(self, text):
        self.socket.sendall(b"tag " + text + b"\r\n")
        answer = b""
        while not (line := self.stream.readline()).startswith(b"tag "):
            assert line, answer
            answer += line
        assert line.startswith(b"tag OK"), (text[:100], line)
        return answer

    def append(self, message):
        self.command(b"APPEND INBOX {%d+}\r\n" % len(message) + message)

    def fetch(self, number, items):
        answer = self.command(f"FETCH {number} ({items})".encode())
        values = Reader(answer[answer.index(b"FETCH ") + 6:]).value()
        return {name.decode(): value for name, value in zip(values[::2], values[1::2])}


class Reader:
    """Values of a response: lists, strings, numbers, None."""

    def __init__(self, text):
        self.text, self.place = text, 0

    def take(self, pattern):
        found = re.compile(pattern, re.S).match(self.text, self.place)
        if found:
            self.place = found.end()
        return found

    def value(self):
        self.take(rb" *")
        if self.take(rb"\("):
            items = []
            while not self.take(rb" *\)"):
                items.append(self.value())
            return items
        if quoted := self.take(rb'"((?:[^"\\]|\\["\\])*)"'):
            return re.sub(rb"\\(.)", rb"\1", quoted[1])
        if literal := self.take(rb"\{(\d+)\}\r\n"):
            self.place += int(literal[1])
            return self.text[self.place - int(literal[1]):self.place]
        word = self.take(rb"BODY\[[^]]*\]|[^ ()]+")[0]
        return None if word == b"NIL" else int(word) if word.isdigit() else word


def parts(structure, path, is_message=True):
    """Pairs of a part's number and its structure, without multiparts. A message that is no multipart has a part 1."""
    if isinstance(structure[0], list):
        for number, part in enumerate(itertools.takewhile(lambda item: isinstance(item, list), structure)):
            yield from parts(part, path + [number + 1], False)
        return
    if is_message:
        path = path + [1]
    yield ".".join(map(str, path)), structure
    if is_embedded(structure):
        yield from parts(structure[8], path)


def is_embedded(structure):
    return structure[:2] == [b"message", b"rfc822"]


def check_part(client, number, name, structure, whole):
    items = [name, name + ".MIME"] + ([name + ".HEADER", name + ".TEXT"] if is_embedded(structure) else [])
    data = client.fetch(number, " ".join(f"BODY.PEEK[{item}]" for item in items))
    body = data[f"BODY[{name}]"]
    assert len(body) == structure[6], (number, name, "octets")
    assert body in whole and data[f"BODY[{name}.MIME]"] in whole, (number, name, "place")
    if structure[0] == b"text":
        assert structure[7] == body.count(b"\n"), (number, name, "lines")
    if is_embedded(structure):
        assert structure[9] == body.count(b"\n"), (number, name, "lines")
        assert data[f"BODY[{name}.HEADER]"] + data[f"BODY[{name}.TEXT]"] == body, (number, name, "halves")


def check_message(client, number):
    data = client.fetch(number, "RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[] BODY.PEEK[HEADER] BODY.PEEK[TEXT]")
    whole = data["BODY[]"]
    assert data["RFC822.SIZE"] == len(whole), (number, "size")
    assert data["BODY[HEADER]"] + data["BODY[TEXT]"] == whole, (number, "halves")
    assert len(data["ENVELOPE"]) == 10, (number, "envelope")
    count = 0
    for name, structure in parts(data["BODYSTRUCTURE"], []):
        check_part(client, number, name, structure, whole)
        count += 1
    return count


def main():
    client = Client()
    for file in sys.argv[1:]:
        with open(file, "rb") as message:
            client.append(message.read())
    client.command(b"SELECT INBOX")
    print(len(sys.argv) - 1, "messages,", sum(check_message(client, number + 1) for number in range(len(sys.argv) - 1)), "parts")


main()
