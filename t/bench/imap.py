"""An IMAP client that only times: it looks for the tagged reply and drops the rest."""

import socket
import time


class ImapClient:
    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0
        self.until(b"* OK")
        self.command(f"LOGIN {user} {password}")

    def command(self, text):
        """Seconds until the tagged OK."""
        self.number += 1
        tag = f"zq{self.number:06}"
        began = time.monotonic()
        self.socket.sendall(f"{tag} {text}\r\n".encode())
        reply = self.until(f"\n{tag} ".encode())
        if not reply.startswith(b"OK"):
            raise RuntimeError(f"IMAP {text}: {reply[:200].decode(errors='replace')}")
        return time.monotonic() - began

    def until(self, mark):
        """The rest of the line that begins with the mark."""
        window = b"\n"
        while True:
            place = window.find(mark)
            if place >= 0 and window.endswith(b"\n"):
                return window[place + len(mark):]
            if place < 0:
                window = window[-len(mark):]
            received = self.socket.recv(1 << 18)
            if not received:
                raise RuntimeError("the IMAP server closed the connection")
            window += received

    def logout(self):
        self.command("LOGOUT")
        self.socket.close()
