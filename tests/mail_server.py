"""A mail server on a real socket that speaks as much SMTP as a client needs, and keeps what it is given."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import IO


@dataclass(slots=True)
class MailServer:
    """`refusals`: command -> answers for the next times, in order."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    async def wait_for(self, count: int) -> list[EmailMessage]:
        """The letters, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.letters) < count:
                await asyncio.sleep(0.02)
        return self.letters

    def serve(self, connection: socket.socket, *, implicit: bool) -> None:
        """One connection, to its end."""
        with contextlib.suppress(OSError):
            if implicit and self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self._talk(connection, implicit=implicit)
        connection.close()

    def _talk(self, connection: socket.socket, *, implicit: bool) -> None:
        connection.sendall(b"220 mail.test\r\n")
        lines = connection.makefile("rb")
        offers_tls = self.tls is not None and not implicit
        while line := lines.readline().decode().strip():
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if self.refusals.get(verb):
                connection.sendall(f"{self.refusals[verb].pop(0)}\r\n".encode())
            elif verb in ("EHLO", "HELO"):
                offers = ["mail.test", *(["STARTTLS"] if offers_tls else []), "AUTH PLAIN", "SMTPUTF8"]
                connection.sendall("".join(f"250{' ' if o is offers[-1] else '-'}{o}\r\n" for o in offers).encode())
            elif verb == "STARTTLS" and self.tls is not None:
                connection.sendall(b"220 go on\r\n")
                connection, offers_tls = self.tls.wrap_socket(connection, server_side=True), False
                lines = connection.makefile("rb")
            elif verb == "AUTH":
                self.signed_in.append(b64decode(rest.split()[1]).decode())
                connection.sendall(b"235 welcome\r\n")
            elif verb == "DATA":
                self._take(connection, lines)
            elif verb == "QUIT":
                connection.sendall(b"221 bye\r\n")
                break
            else:
                if verb == "RCPT":
                    self.recipients.append(rest)
                connection.sendall(b"250 well\r\n")
        connection.close()

    def _take(self, connection: socket.socket, lines: IO[bytes]) -> None:
        connection.sendall(b"354 go on\r\n")
        data = b""
        while (line := lines.readline()) not in (b".\r\n", b""):
            data += line.removeprefix(b".") if line.startswith(b"..") else line
        if self.refusals.get("."):
            connection.sendall(f"{self.refusals['.'].pop(0)}\r\n".encode())
            return
        message = message_from_bytes(data, policy=default)
        assert isinstance(message, EmailMessage)
        self.encrypted.append(isinstance(connection, ssl.SSLSocket))
        self.letters.append(message)
        connection.sendall(b"250 taken\r\n")


@contextlib.asynccontextmanager
async def mail_server(*, tls: ssl.SSLContext | None = None, implicit: bool = False) -> AsyncIterator[MailServer]:
    """One that listens, in threads; with `tls` it offers STARTTLS, or begins with it."""
    found = MailServer(tls=tls)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            found.serve(self.request, implicit=implicit)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
        thread.start()
        try:
            yield found
        finally:
            await asyncio.to_thread(server.shutdown)
            thread.join()


def plain_of(letter: EmailMessage) -> str:
    """The plain text."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(letter: EmailMessage) -> str:
    """The HTML."""
    part = letter.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def link_of(letter: EmailMessage) -> str:
    """The path of the link that the letter is about."""
    line = next(line for line in plain_of(letter).splitlines() if "/auth/" in line)
    return "/auth/" + line.partition("/auth/")[2]
