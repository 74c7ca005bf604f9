"""What the nodes of a world write into their logs, told apart by whose code was running."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from fediverse_node.lab.place import place

_ROOT = "fediverse_node"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a node's log. `trace` is the traceback, where an exception was logged."""

    host: str
    at_s: float
    level: int
    text: str
    trace: str = ""


class Logs(logging.Handler):
    """Collects all lines of all nodes from `attach` to `detach`."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[Line] = []
        self._now_s = now_s
        self._level_before = logging.NOTSET

    def attach(self) -> None:
        """Begin."""
        log = logging.getLogger(_ROOT)
        self._level_before = log.level
        log.setLevel(logging.DEBUG)
        log.addHandler(self)

    def detach(self) -> None:
        """End."""
        log = logging.getLogger(_ROOT)
        log.removeHandler(self)
        log.setLevel(self._level_before)

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.lines.append(Line(place.get(), self._now_s(), record.levelno, record.getMessage(), trace))

    def of(self, host: str) -> list[Line]:
        """The lines of one node."""
        return [line for line in self.lines if line.host == host]
