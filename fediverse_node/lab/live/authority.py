"""The certificate authority of a live world: made for it, trusted by nobody else, kept with the world's data."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import trustme

CERTIFICATE_FILE = "ca.pem"
_KEY_FILE = "ca.key"


class Authority:
    """Vouches for the hosts of a world. `file` is its certificate, for programs that are to trust it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / CERTIFICATE_FILE
        self._ca = _open(self.file, folder / _KEY_FILE)
        self._contexts: dict[str, ssl.SSLContext] = {}

    def client_context(self) -> ssl.SSLContext:
        """For those who ask: they trust this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._ca.configure_trust(context)
        return context

    def server_context(self, is_known: Callable[[str], bool]) -> ssl.SSLContext:
        """For those who are asked, under any name that `is_known` at that moment."""

        def choose(socket: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            if name is None or not is_known(name.lower()):
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            socket.context = self._context_of(name.lower())
            return None

        context = self._new_context("localhost")
        context.sni_callback = choose
        return context

    def _context_of(self, name: str) -> ssl.SSLContext:
        found = self._contexts.get(name)
        if found is None:
            found = self._contexts[name] = self._new_context(name)
        return found

    def _new_context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        self._ca.issue_cert(name).configure_cert(context)
        return context


def _open(certificate: Path, key: Path) -> trustme.CA:
    """The authority of earlier starts, or a new one."""
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    made = trustme.CA(organization_name="fediverse_node lab")
    certificate.write_bytes(made.cert_pem.bytes())
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(made.private_key_pem.bytes())
    return made
