"""Another host: takes all mail over SMTP and writes "received" lines into a ledger, each before it says 250."""

import socketserver
import sys
import threading

from proof import ledger, message


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.recipients = []
        self.say("220 sink.test ESMTP")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"QUIT":
                return self.say("221 2.0.0 bye")
            if verb == b"DATA":
                self.say("354 go on")
                if not self.take():
                    return
            elif verb == b"EHLO":
                self.say("250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME")
            else:
                if verb == b"RCPT":
                    self.recipients.append(line.split(b"<", 1)[1].split(b">", 1)[0].decode())
                elif verb in (b"MAIL", b"RSET"):
                    self.recipients = []
                self.say("250 2.0.0 ok")

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def take(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line[1:] if line.startswith(b".") else line)
        read = message.Read(b"".join(lines))
        self.server.book.note("received", token=read.token, recipients=self.recipients, sha256=read.digest, about=sorted(read.about),
                              failed=sorted(read.failed))
        self.say("250 2.0.0 taken")
        return True


class Sink(socketserver.ThreadingTCPServer):
    """Serves at once; the ledger may be exchanged."""
    allow_reuse_address = daemon_threads = True

    def __init__(self, book, port=0):
        super().__init__(("127.0.0.1", port), Session)
        self.book, self.port = book, self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that goes away is none of our business."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)
