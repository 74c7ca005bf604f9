"""What the nodes of a world told of their work: kept with the exchange it belongs to, and in one list by time.

A node tells steps (`base.trace`) while it handles a request, and also while it sends, fetches and finishes what was put
aside. What was decided because of one exchange names the activities that leave because of it: so each delivery finds
its cause, however much later it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import Watcher
from fediverse_node.lab.exchange import Exchange, Step
from fediverse_node.lab.recording import Recording

_EFFECTS = "effects"
_ENTRIES_AN_EXCHANGE = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """A step that a node took at a moment of the world's time. `exchange` is the one it was taken for, if any."""

    at_ms: int
    host: str
    step: Step
    exchange: int | None = None

    def get(self, name: str) -> str:
        """A detail of the step, "" where it has none of this name."""
        return dict(self.step.detail).get(name, "")


class Journal:
    """Hears all nodes."""

    def __init__(self, recording: Recording, now_ms: Callable[[], int]) -> None:
        self.entries: list[Entry] = []
        self._recording = recording
        self._now_ms = now_ms
        self._causes: dict[tuple[str, str], int] = {}
        self._received: dict[tuple[str, str], Exchange] = {}

    def of_request(self, exchange: Exchange) -> Watcher:
        """Hears what becomes of a request at its receiver."""
        # What a GET is about is known by its answer only.
        if exchange.method == "POST" and exchange.activity.id:
            self._received.setdefault((exchange.receiver, exchange.activity.id), exchange)

        def watcher(step: str, outcome: Fail | TemporaryFail | None, detail: Mapping[str, object]) -> None:
            self._keep(exchange.receiver, exchange, step, outcome, detail)

        return watcher

    def of_node(self, host: str) -> Watcher:
        """Hears what a node does by itself: sending, fetching, finishing."""

        def watcher(step: str, outcome: Fail | TemporaryFail | None, detail: Mapping[str, object]) -> None:
            about = self._received.get((host, str(detail.get("activity", ""))))
            staged = about if step.startswith(("staging.", _EFFECTS, "rule.")) else None
            self._keep(host, staged, step, outcome, detail)
            if staged is not None:
                self._recording.tell(staged)

        return watcher

    def cause_of(self, host: str, activity_id: str) -> int | None:
        """The exchange because of which a host sends this activity."""
        return self._causes.get((host, activity_id)) if activity_id else None

    def about(self, host: str, *names: str) -> Iterator[Entry]:
        """What a node told of something that goes by one of these names, oldest first."""
        for entry in self.entries:
            if entry.host == host and any(value in names for _, value in entry.step.detail):
                yield entry

    def _keep(
        self,
        host: str,
        exchange: Exchange | None,
        step: str,
        outcome: Fail | TemporaryFail | None,
        detail: Mapping[str, object],
    ) -> None:
        # Of what was put aside it is told as `staging.effects`.
        if step.rpartition(".")[2] == _EFFECTS:
            if exchange is not None:
                exchange.effects.extend(_texts(detail.get("effects")))
                for activity_id in _texts(detail.get("delivers")):
                    self._causes.setdefault((host, activity_id), exchange.number)
            return
        told = Step(
            step,
            outcome is None,
            "" if outcome is None else str(outcome),
            tuple((name, str(value)) for name, value in detail.items()),
        )
        if exchange is not None:
            exchange.steps.append(told)
        self.entries.append(Entry(self._now_ms(), host, told, None if exchange is None else exchange.number))
        keeps = self._recording.keeps
        if keeps is not None and len(self.entries) > keeps * _ENTRIES_AN_EXCHANGE:
            self._forget_old()

    def _forget_old(self) -> None:
        del self.entries[: len(self.entries) // 4]
        first = self._recording.first_number
        self._causes = {name: number for name, number in self._causes.items() if number >= first}
        self._received = {name: exchange for name, exchange in self._received.items() if exchange.number >= first}


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []
