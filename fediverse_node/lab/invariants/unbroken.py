"""Nothing crashes: no exception leaves its room, no node answers that it is broken, no answer is malformed.

Promises: no log of a node holds a traceback or an error; no node answers 5xx, but 503 with a recorded reason that is
true: its disk was full, too much waited for the network already, or another server that it had to ask did not answer;
no task's exception goes unheard; every answer is HTTP, and JSON where it says so.

A full disk may raise (it is not ordinary), and so may the last moments of a node that is killed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import orjson

from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.invariants.broken import Finding
from fediverse_node.lab.invariants.scene import Now, Scene
from fediverse_node.lab.invariants.traffic import described, is_answered_by_lab, reason_of
from fediverse_node.lab.logs import Line

_NO_HTTP = "this is no HTTP"
_DISK_FULL = ("database or disk is full", "No space left on device")
_CLOSED = ("closed database", "connection is closed", "CancelledError")
_LAST_MOMENTS_S = 1.0
_STAGED_TOO_MUCH = "STAGED_TOO_MUCH"
_UNAVAILABLE = b"Remote data could not be fetched"
_TRIED_MS = 1000


class Unbroken:
    """Reads each new log line and each new answer once."""

    name = "unbroken"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._told: set[int] = set()

    def after_step(self, now: Now) -> Iterator[Finding]:
        """What is new in logs and on the wire."""
        for line in now.lines:
            yield from self._line(line)
        for exchange in now.changed:
            if exchange.number not in self._told and exchange.number not in self._scene.world.network.under_way:
                self._told.add(exchange.number)
                yield from self._exchange(exchange)

    def at_quiet(self, now: Now) -> Iterator[Finding]:
        """Nothing more."""
        yield from ()

    def _line(self, line: Line) -> Iterator[Finding]:
        if not line.trace and line.level < logging.ERROR:
            return
        if self._is_full(line.host, line.at_s) and any(
            words in line.trace or words in line.text for words in _DISK_FULL
        ):
            return
        killed = self._scene.happened(
            line.host, ("crashed", "stopped"), from_s=line.at_s - _LAST_MOMENTS_S, until_s=line.at_s
        )
        if killed and any(words in line.trace or words in line.text for words in _CLOSED):
            return
        last = line.trace.strip().rpartition("\n")[2]
        yield Finding(
            f"an error in the log: {last.partition(':')[0] or line.text.split(' ')[0]}",
            f"{line.host or 'the lab'} logged an error: {line.text}",
            details=(("traceback", line.trace),) if line.trace else (),
        )

    def _exchange(self, exchange: Exchange) -> Iterator[Finding]:
        if exchange.failure.startswith(_NO_HTTP):
            yield Finding("no HTTP", f"{exchange.failure}: {described(exchange)}", (exchange.number,))
        if exchange.receiver not in self._scene.nodes or is_answered_by_lab(exchange):
            return
        if exchange.status >= 500 and not self._may_be_unavailable(exchange):
            yield Finding(
                f"an answer of {exchange.status}",
                f"{exchange.receiver} answered that it is broken: {described(exchange)}",
                (exchange.number,),
                (("answer", exchange.answer.text[:500]),) if exchange.answer else (),
            )
        if exchange.answer is not None and not _is_well_formed(exchange):
            yield Finding(
                "no JSON where it is promised",
                f"{exchange.receiver} declares JSON and sends something else: {described(exchange)}",
                (exchange.number,),
                (("answer", exchange.answer.text[:500]),),
            )

    def _may_be_unavailable(self, exchange: Exchange) -> bool:
        if exchange.status != 503:
            return False
        began_s, ended_s = (self._scene.seconds_of(exchange.at_ms + add) for add in (0, exchange.took_ms))
        if self._scene.disk_was_full(exchange.receiver, from_s=began_s, until_s=ended_s):
            return True
        if reason_of(exchange) == _STAGED_TOO_MUCH:
            return True
        if exchange.answer is None or _UNAVAILABLE not in exchange.answer.body:
            return False
        asked = list(self._scene.traffic.because_of(exchange))
        # Where nobody listens or nothing passes, no request ever leaves: then it is the time that was spent.
        return any(other.fault or other.failure or other.status >= 400 for other in asked) or (
            exchange.took_ms >= _TRIED_MS or any(not node.is_running for node in self._scene.nodes.values())
        )

    def _is_full(self, host: str, at_s: float) -> bool:
        return self._scene.disk_was_full(host, from_s=at_s - _LAST_MOMENTS_S, until_s=at_s)


def _is_well_formed(exchange: Exchange) -> bool:
    answer = exchange.answer
    kind = (answer.header("content-type") or "").partition(";")[0] if answer is not None else ""
    if answer is None or not (kind.endswith(("/json", "+json"))) or exchange.method == "HEAD":
        return True
    if exchange.status in (204, 304):
        return True
    try:
        orjson.loads(answer.body)
    except ValueError:
        return False
    return True
