"""Addresses as the world has them, and as a browser on this machine can open them: one into the other, and back.

Ids say https://alpha.test, which leads nowhere outside of the world. On the ports for people it reads
http://127.0.0.1:4401 (or alpha.localhost:4401, if it was asked under such a name); what people send is turned back.
ActivityPub documents are left alone: in them the true ids are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TEXT = re.compile(r"text/|application/(json|javascript|xml|xhtml\+xml|rss\+xml|atom\+xml|manifest\+json)\b")
_FORMS = re.compile(r"application/(json|x-www-form-urlencoded)\b")
_SCHEMES = {b"https": b"http", b"wss": b"ws"}


def is_text(content_type: str) -> bool:
    """Whether an answer of this type is translated."""
    return bool(_TEXT.match(content_type.strip().lower()))


def is_form(content_type: str) -> bool:
    """Whether what people send in this type is translated."""
    return bool(_FORMS.match(content_type.strip().lower()))


class Translator:
    """Translates for a world whose nodes answer people at these ports."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = {host.encode(): port for host, port in ports.items()}
        self._hosts = {str(port).encode(): host for host, port in self._ports.items()}
        names = b"|".join(re.escape(host) for host in self._ports)
        numbers = b"|".join(self._hosts)
        self._outward = re.compile(rb"(https|wss)(://|%3A%2F%2F)(" + names + rb")(?![\w-]|\.\w)", re.IGNORECASE)
        here = rb"(?:(?:[\w-]+\.)?localhost|127\.0\.0\.1)(?::|%3A)(" + numbers + rb")(?!\d)"
        self._inward = re.compile(rb"(https?|wss?)(://|%3A%2F%2F)" + here, re.IGNORECASE)
        self._handle = re.compile(rb"(?<=\w)(@|%40)" + here, re.IGNORECASE)

    def outward(self, data: bytes, *, asked: str) -> bytes:
        """For a browser that asked for the host `asked` (without port): 127.0.0.1, localhost or alpha.localhost."""

        def local(found: re.Match[bytes]) -> bytes:
            scheme, divider, host = found.groups()
            colon = b":" if divider == b"://" else b"%3A"
            place = f"{name_here(host.decode().lower(), asked)}".encode()
            return _SCHEMES[scheme.lower()] + divider + place + colon + b"%d" % self._ports[host.lower()]

        return self._outward.sub(local, data)

    def inward(self, data: bytes) -> bytes:
        """For a node: what was local is what the world calls it."""

        def worldly(found: re.Match[bytes]) -> bytes:
            scheme, divider, port = found.groups()
            return (b"wss" if scheme.lower().startswith(b"ws") else b"https") + divider + self._hosts[port]

        # Somebody may type a handle as they see the address: @ben@127.0.0.1:4402.
        named = self._handle.sub(lambda found: found[1] + self._hosts[found[2]], data)
        return self._inward.sub(worldly, named)

    def outward_text(self, text: str, *, asked: str) -> str:
        """The same for a header."""
        return self.outward(text.encode("utf-8", "surrogateescape"), asked=asked).decode("utf-8", "surrogateescape")

    def inward_text(self, text: str) -> str:
        """The same for a header."""
        return self.inward(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def is_here(self, name: str) -> bool:
        """Whether people may ask under this name (without port): no website's name that leads to this machine."""
        return name in ("127.0.0.1", "localhost") or name.endswith(".localhost")


def name_here(host: str, asked: str) -> str:
    """What stands for the node `host` before the port, for a browser that asked for `asked`."""
    return f"{host.partition('.')[0]}.localhost" if asked.endswith(".localhost") else asked


def cookies_out(value: str, prefix: str) -> str:
    """A Set-Cookie for plain http. Cookies know no ports: each node's get a name of their own."""
    parts = [part.strip() for part in value.split(";")]
    kept = [part for part in parts[1:] if part.lower() != "secure" and not part.lower().startswith("domain=")]
    return "; ".join([prefix + parts[0], *kept])


def cookies_in(value: str, prefix: str) -> str:
    """The node's own cookies, by the names that it gave them."""
    parts = (part.strip() for part in value.split(";"))
    return "; ".join(part.removeprefix(prefix) for part in parts if part.startswith(prefix))
