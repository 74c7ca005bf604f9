"""Keeps the tests on this machine: every attempt of this process to reach another one fails loudly.

An audit hook sees what goes through Python's sockets, also where a library has kept its own reference to them; uvloop
connects without them and is wrapped. Processes that tests start are not covered.
"""

from __future__ import annotations

import socket
import sys
from ipaddress import ip_address
from typing import Any

try:
    import uvloop
except ImportError:  # not on Windows
    uvloop = None  # type: ignore[assignment]


class StrangerContactedError(RuntimeError):
    """A test tried to reach another machine. Not an OSError, so that no code takes it for a network failure."""


def guard() -> None:
    """Puts the guard up for the rest of the process."""
    sys.addaudithook(_watch)
    if uvloop is not None:
        connect = uvloop.Loop.create_connection

        async def create_connection(self: Any, factory: Any, host: Any = None, port: Any = None, **rest: Any) -> Any:
            if host is not None:
                _check_address((host, port))
            return await connect(self, factory, host, port, **rest)

        uvloop.Loop.create_connection = create_connection  # type: ignore[method-assign,assignment]


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        _check_address(arguments[1])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _check_name(arguments[0])


def _check_address(address: object) -> None:
    # Unix sockets have text or bytes; sendmsg on a connected socket has none.
    if not isinstance(address, tuple):
        return
    host = str(address[0])
    if _is_name_of_this_machine(host):
        return
    try:
        ip = ip_address(host.partition("%")[0])
    except ValueError:
        raise StrangerContactedError(f"a test tried to reach {host}") from None
    if not (ip.is_loopback or ip.is_unspecified):
        raise StrangerContactedError(f"a test tried to reach {host}")


def _check_name(name: str | bytes | None) -> None:
    host = name.decode("ascii", "replace") if isinstance(name, bytes) else name
    if not host or _is_name_of_this_machine(host):
        return
    if host.rstrip(".").endswith(".invalid"):
        # spec: rfc6761#6.4 - guaranteed not to exist, so tests may ask without asking anybody.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        raise StrangerContactedError(f"a test tried to look up {host}") from None


def _is_name_of_this_machine(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")
