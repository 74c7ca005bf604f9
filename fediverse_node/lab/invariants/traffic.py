"""The exchanges of a world, found by what they are about, and what the receivers made of them.

Grows with the recording: each exchange is read once when its request has left, and looked at again when it changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.faults import FaultKind
from fediverse_node.lab.logs import Line, Logs
from fediverse_node.lab.recording import Recording

COPY = "a copy made on the way"
_ON_THE_WAY = re.compile(r"answered \d+ on the way")
_SPOILT_ANSWERS = tuple(
    kind.value
    for kind in (
        FaultKind.LOSE_ANSWER,
        FaultKind.SLOW,
        FaultKind.ENDLESS,
        FaultKind.HUGE,
        FaultKind.TRUNCATE,
    )
)
_STAGING = re.compile(r"^staging\.(?P<how>done|ended) id=(?P<id>\d+)(?P<rest>.*)$", re.DOTALL)
_REFUSAL = re.compile(r"refusal=(?P<name>\w*)")
# The client gives up after 15 s; what comes about then may or may not have been heard.
_HEARD_WITHIN_MS = 14_000.0


def is_delivery(exchange: Exchange) -> bool:
    """Whether a node posted to another's inbox."""
    return (
        exchange.method == "POST" and "@" not in exchange.sender and exchange.url.partition("?")[0].endswith("/inbox")
    )


def is_of_app(exchange: Exchange) -> bool:
    """Whether a person's app asked its node."""
    return "@" in exchange.sender


def is_answered_by_lab(exchange: Exchange) -> bool:
    """Whether the status was made on the way, and the receiver knows nothing of it."""
    return _ON_THE_WAY.search(exchange.fault) is not None


def is_heard(exchange: Exchange) -> bool:
    """Whether the sender has certainly got the answer, whole."""
    return (
        exchange.answer is not None
        and not exchange.failure
        and exchange.took_ms < _HEARD_WITHIN_MS
        and exchange.fault != COPY
        and not any(words in exchange.fault for words in _SPOILT_ANSWERS)
    )


def took_it(exchange: Exchange) -> bool:
    """Whether the receiver itself answered 2xx, heard or not."""
    return 200 <= exchange.status < 300 and not is_answered_by_lab(exchange)


def reason_of(exchange: Exchange) -> str:
    """Why the inbox answered as it did: the name of the reason; empty where none was recorded."""
    return _detail(exchange, "inbox.answered", "reason")


def staged_as(exchange: Exchange) -> str:
    """The number under which the request waits for the network; empty where it does not."""
    return _detail(exchange, "inbox.staged", "staged")


def described(exchange: Exchange) -> str:
    """One line for a reader."""
    activity = exchange.activity
    about = " ".join(word for word in (activity.type, activity.id or activity.object_id) if word)
    came = str(exchange.status) if exchange.status else exchange.failure or "no answer"
    fault = f" [{exchange.fault}]" if exchange.fault else ""
    path = exchange.request.start.split(" ")[1] if " " in exchange.request.start else exchange.url
    asked = f"{exchange.sender or 'a stranger'} -> {exchange.receiver} {exchange.method} {path}"
    return f"#{exchange.number} {asked} {about} -> {came}{fault}"


@dataclass(frozen=True, slots=True)
class Settled:
    """How something that waited for the network ended. `reason` is empty where it had its effect."""

    reason: str
    at_s: float


@dataclass
class Traffic:
    """All exchanges so far."""

    recording: Recording
    logs: Logs
    deliveries: dict[tuple[str, str], list[Exchange]] = field(default_factory=dict)  # (activity id, receiver)
    about: dict[tuple[str, str, str], list[Exchange]] = field(default_factory=dict)  # (type, object id, receiver)
    settled: dict[tuple[str, str], Settled] = field(default_factory=dict)  # (host, number of what waited)
    caused: dict[int, list[Exchange]] = field(default_factory=dict)
    _read: int = 0
    _lines: int = 0
    _changed: dict[int, Exchange] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for exchange in self.recording:
            self._changed[exchange.number] = exchange
        self.recording.listen(self._hear)

    def _hear(self, exchange: Exchange) -> None:
        self._changed[exchange.number] = exchange

    def take_changed(self) -> list[Exchange]:
        """The exchanges that are new or have changed since the last call, in their order."""
        changed, self._changed = self._changed, {}
        for exchange in self.recording.exchanges[self._read :]:
            self._enter(exchange)
        self._read = len(self.recording)
        return [changed[number] for number in sorted(changed)]

    def take_lines(self) -> list[Line]:
        """The log lines since the last call."""
        lines = self.logs.lines[self._lines :]
        self._lines += len(lines)
        for line in lines:
            found = _STAGING.match(line.text)
            if found:
                self.settled[line.host, found["id"]] = Settled(_why(found), line.at_s)
        return lines

    def to(self, activity_id: str, receiver: str) -> list[Exchange]:
        """The deliveries of an activity to a host."""
        return self.deliveries.get((activity_id, receiver), [])

    def telling(self, types: Iterable[str], object_id: str, receiver: str) -> list[Exchange]:
        """The deliveries of activities of these types about an object, in their order."""
        found = [exchange for type_ in types for exchange in self.about.get((type_, object_id, receiver), ())]
        return sorted(found, key=lambda exchange: exchange.number)

    def because_of(self, exchange: Exchange) -> Iterator[Exchange]:
        """All that was sent in the course of an exchange, and of those in turn."""
        for follower in self.caused.get(exchange.number, ()):
            yield follower
            yield from self.because_of(follower)

    def _enter(self, exchange: Exchange) -> None:
        if exchange.cause is not None:
            self.caused.setdefault(exchange.cause, []).append(exchange)
        if is_delivery(exchange):
            activity, host = exchange.activity, exchange.receiver
            self.deliveries.setdefault((activity.id, host), []).append(exchange)
            self.about.setdefault((activity.type, activity.object_id, host), []).append(exchange)


def inner_of(exchange: Exchange) -> tuple[str, str, str]:
    """Type, actor and object of what an activity is about, where it is an activity itself."""
    document: dict[str, Any] = exchange.request.document or {}
    inner = document.get("object")
    if not isinstance(inner, dict):
        return "", "", ""
    about = inner.get("object")
    object_id = about.get("id", "") if isinstance(about, dict) else about
    return str(inner.get("type", "")), str(inner.get("actor", "")), object_id if isinstance(object_id, str) else ""


def is_reaction(exchange: Exchange) -> bool:
    """Whether a Like, or the Like that is taken back, says more than that: it has a picture.  spec: fep-c0e0"""
    document: dict[str, Any] = exchange.request.document or {}
    inner = document.get("object")
    said = inner if document.get("type") == "Undo" and isinstance(inner, dict) else document
    return said.get("type") == "Like" and bool(said.get("content"))


def _why(found: re.Match[str]) -> str:
    if found["how"] == "done":
        refusal = _REFUSAL.search(found["rest"])
        return refusal["name"] if refusal else ""
    return f"ENDED{found['rest']}"


def _detail(exchange: Exchange, step: str, name: str) -> str:
    for found in reversed(exchange.steps):
        if found.name == step:
            return dict(found.detail).get(name, "")
    return ""
