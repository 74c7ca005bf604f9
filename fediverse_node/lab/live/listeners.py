"""The ports of a live world, on loopback only: bound before anything is started, so that nobody takes one meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from fediverse_node.base.errors import NodeError

LOOPBACK = "127.0.0.1"
FIRST_PORT = 4400
_BLOCK = 20
_BLOCKS = 100
_BACKLOG = 128


class Listeners:
    """Sockets by what they are for. What was not bound beforehand gets any free port."""

    def __init__(self, bound: Mapping[str, socket.socket] | None = None) -> None:
        self._bound = dict(bound or {})

    def take(self, purpose: str) -> socket.socket:
        """The socket for this purpose; whoever takes it closes it."""
        found = self._bound.pop(purpose, None)
        return found if found is not None else _bind(0)

    def close(self) -> None:
        """Give back what nobody took."""
        for each in self._bound.values():
            each.close()
        self._bound.clear()


def listen_as_before(ports: Mapping[str, int], purposes: Sequence[str]) -> Listeners | None:
    """The ports of an earlier run; None where one is taken or was not there yet."""
    if any(purpose not in ports for purpose in purposes):
        return None
    return _bind_all({purpose: ports[purpose] for purpose in purposes})


def listen_in_a_row(purposes: Sequence[str], *, first: int | None = None) -> Listeners:
    """Ports one after the other, from `first` on, or from the first block that is free.

    Raises NodeError where there is none.
    """
    if first is not None:
        found = _bind_row(purposes, first)
        if found is None:
            raise NodeError(
                f"not all of the ports {first} to {first + len(purposes) - 1} are free: --port chooses others"
            )
        return found
    step = (len(purposes) // _BLOCK + 1) * _BLOCK
    for number in range(_BLOCKS):
        found = _bind_row(purposes, FIRST_PORT + number * step)
        if found is not None:
            return found
    raise NodeError(f"no {len(purposes)} free ports in a row were found from {FIRST_PORT} on: --port chooses others")


def _bind_row(purposes: Sequence[str], first: int) -> Listeners | None:
    if first + len(purposes) > 65_536:
        return None
    return _bind_all({purpose: first + position for position, purpose in enumerate(purposes)})


def _bind_all(ports: Mapping[str, int]) -> Listeners | None:
    listeners = Listeners()
    for purpose, port in ports.items():
        try:
            listeners._bound[purpose] = _bind(port)
        except OSError:
            listeners.close()
            return None
    return listeners


def _bind(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((LOOPBACK, port))
        # With SO_REUSEADDR alone two could bind; only one can listen.
        made.listen(_BACKLOG)
    except OSError:
        made.close()
        raise
    made.setblocking(False)
    return made


def port_of(listener: socket.socket) -> int:
    """Where it listens."""
    port: int = listener.getsockname()[1]
    return port
