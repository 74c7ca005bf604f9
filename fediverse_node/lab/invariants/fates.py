"""What became of an activity on its way to a host, and whether it may have had no effect there.

It is lost with good reason only if the lab did something to it: a fault made the refusal, the host was away for the
whole time in which a node tries, a document it needs could not be fetched through a fault. Or if a rule refused it and
recorded why; whether that reason holds is for whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from fediverse_node.base.clock import to_ms
from fediverse_node.base.ids import moment_of
from fediverse_node.delivery.backoff import GIVE_UP_AFTER_MS
from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.invariants.scene import Scene
from fediverse_node.lab.invariants.traffic import reason_of, staged_as, took_it
from fediverse_node.lab.invariants.views import View
from fediverse_node.storage.queries.deliveries import GIVEN_UP, REFUSED, WAITING

_TIME_S = 60.0
# For so long a node remembers that it has asked for a key, and with what success.
_KEY_S = 900.0
_RESTART_S = 10.0
_HAD_EFFECT = ("ACCEPTED", "")


class How(Enum):
    """The way in which it ended."""

    NEVER_SENT = "it was never sent there"
    WAITING = "it still waits to be sent"
    LOST_TO_FAULTS = "the lab's faults kept it from having an effect"
    GIVEN_UP_EARLY = "it was given up before its time was over"
    REFUSED = "it was refused, and no fault made the refusal"
    TURNED_DOWN = "it was taken, and a rule decided that it has no effect"
    UNRECORDED = "it was taken, and no reason is recorded for what was made of it"
    ACCEPTED = "it was taken, and had its effect"


@dataclass(frozen=True, slots=True)
class Fate:
    """How it ended; `reasons` are the names that rules gave."""

    how: How
    exchanges: tuple[int, ...] = ()
    reasons: tuple[str, ...] = ()
    cause: str = ""

    @property
    def is_excused(self) -> bool:
        """Whether nothing can be expected of it."""
        return self.how is How.LOST_TO_FAULTS

    @property
    def sentence(self) -> str:
        """For a reader."""
        names = f" ({', '.join(self.reasons)})" if self.reasons else ""
        return f"{self.how.value}{names}{f': {self.cause}' if self.cause else ''}"


def fate_of(scene: Scene, sender: View, activity_id: str, receiver: str) -> Fate:
    """What became of an activity of one node on its way to a host."""
    exchanges = [exchange for exchange in scene.traffic.to(activity_id, receiver) if exchange.sender == sender.host]
    numbers = tuple(exchange.number for exchange in exchanges)
    taken = [exchange for exchange in exchanges if took_it(exchange)]
    if taken:
        return _made_of(scene, taken, receiver)
    rows = sender.receipts.get((activity_id, receiver), [])
    if any(row["state"] == WAITING for row in rows):
        return Fate(How.WAITING, numbers, cause=rows[0]["last_error"] or "")
    for row in rows:
        if row["state"] == GIVEN_UP:
            tried_ms = row["done_ms"] - to_ms(moment_of(row["id"]))
            how = How.LOST_TO_FAULTS if tried_ms >= GIVE_UP_AFTER_MS else How.GIVEN_UP_EARLY
            return Fate(how, numbers, cause=f"given up after {tried_ms / 86_400_000:.1f} days")
    if exchanges and (not rows or any(row["state"] == REFUSED for row in rows)):
        last = exchanges[-1]
        is_fault = is_spoilt(scene, last)
        how = How.LOST_TO_FAULTS if is_fault else How.REFUSED
        return Fate(how, numbers, cause=f"the last answer was {last.status or last.failure}")
    return Fate(How.NEVER_SENT, numbers)


def is_spoilt(scene: Scene, exchange: Exchange) -> bool:
    """Whether the lab had a hand in how this exchange ended."""
    if exchange.fault or exchange.failure:
        return True
    if any(follower.fault or follower.failure for follower in scene.traffic.because_of(exchange)):
        return True
    if exchange.status in (401, 403) and _is_key_spoilt(scene, exchange):
        return True
    return is_about_time(exchange) and any(
        scene.skewed.get(host, 0.0) > _TIME_S for host in (exchange.sender, exchange.receiver)
    )


def _is_key_spoilt(scene: Scene, exchange: Exchange) -> bool:
    """Whether the receiver's last attempts to get a key of the sender's met a fault."""
    from_ms = exchange.at_ms - 1000 * _KEY_S
    for other in reversed(scene.world.recording.exchanges):
        if other.at_ms < from_ms:
            return False
        is_asking = (other.sender, other.receiver, other.method) == (exchange.receiver, exchange.sender, "GET")
        if is_asking and other.at_ms <= exchange.at_ms + exchange.took_ms and (other.fault or other.failure):
            return True
    return False


def is_about_time(exchange: Exchange) -> bool:
    """Whether it was refused because of its date."""
    return any(step.name.endswith("signature.time") and not step.passed for step in exchange.steps)


def _made_of(scene: Scene, taken: list[Exchange], receiver: str) -> Fate:
    numbers = tuple(exchange.number for exchange in taken)
    reasons = dict.fromkeys(reason for exchange in taken for reason in outcomes_of(scene, exchange))
    told = [reason for reason in reasons if reason != "DUPLICATE"] or list(reasons)
    if any(reason in _HAD_EFFECT for reason in told):
        return Fate(How.ACCEPTED, numbers)
    if "UNRECORDED" in told:
        return Fate(How.UNRECORDED, numbers)
    if told == ["KEY_GONE"] and all(_is_key_spoilt(scene, exchange) for exchange in taken):
        return Fate(How.LOST_TO_FAULTS, numbers, cause="a fault made the key look gone")
    ended = [reason for reason in told if reason.startswith("ENDED")]
    if ended and len(ended) == len(told) and any(_was_in_trouble(scene, exchange, receiver) for exchange in taken):
        return Fate(How.LOST_TO_FAULTS, numbers, cause=ended[0])
    return Fate(How.TURNED_DOWN, numbers, tuple(told))


def outcomes_of(scene: Scene, exchange: Exchange) -> Iterator[str]:
    """What was made of a request that was taken: the names of reasons, "" for a staged one that had its effect."""
    staged = staged_as(exchange)
    if not staged:
        yield reason_of(exchange) or "UNRECORDED"
        return
    settled = scene.traffic.settled.get((exchange.receiver, staged))
    yield settled.reason if settled is not None else "UNRECORDED"


def settled_s(scene: Scene, exchange: Exchange) -> float:
    """When it was decided: with the answer, or later if it had to wait."""
    settled = scene.traffic.settled.get((exchange.receiver, staged_as(exchange)))
    return settled.at_s if settled is not None else scene.seconds_of(exchange.at_ms + exchange.took_ms)


def _was_in_trouble(scene: Scene, exchange: Exchange, receiver: str) -> bool:
    """Whether something that the receiver asked for, to decide on a request, met a fault or a host that was away."""
    settled = scene.traffic.settled.get((receiver, staged_as(exchange)))
    if settled is None:
        return False
    from_s = scene.seconds_of(exchange.at_ms)
    if scene.happened(exchange.sender, ("keys renewed",), from_s=from_s - _RESTART_S, until_s=settled.at_s):
        # It was signed with the old key, which the sender has until it has started again, and was verified too late.
        return True
    for other in scene.world.recording.exchanges[exchange.number - 1 :]:
        if scene.seconds_of(other.at_ms) > settled.at_s:
            break
        if other.sender == receiver and other.method == "GET" and (other.fault or other.failure):
            return True
    # It tried for days, and never even got a connection.
    return settled.at_s - from_s > 3600
