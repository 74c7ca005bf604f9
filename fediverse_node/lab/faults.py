"""What can go wrong between two hosts, as rules: which requests, how likely, from when until when.

Each kind is what a real network or a real server does. A rule says only that it may happen; whether it does is drawn
from the world's seed, one draw for each rule and request, so a rule that is taken out changes no other's luck.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

ANY = "*"
FOREVER_S = float("inf")


class FaultKind(Enum):
    """A way to fail, in the words of scenarios; the value says what happens."""

    DROP = "the request never arrives"
    LOSE_ANSWER = "the request arrives, its answer does not"
    DELAY = "the request takes longer"
    DUPLICATE = "the request arrives twice"
    REORDER = "the request arrives some time later, others overtake it"
    PARTITION = "nothing passes between the two"
    STATUS = "something in between answers with an error"
    SLOW = "the answer trickles, byte by byte"
    ENDLESS = "the answer never ends"
    HUGE = "the answer is enormous"
    TRUNCATE = "the answer breaks off in the middle"
    WRONG_DIGEST = "a byte of the body changes on the way"
    STALE = "the request arrives thirteen hours late"
    RESET = "the connection breaks when the request has been sent"

    @property
    def word(self) -> str:
        """As it is written in a scenario: `lose-answer`."""
        return self.name.lower().replace("_", "-")


# What happens to the request; the other kinds happen to its answer.
_ANSWERS = frozenset({FaultKind.SLOW, FaultKind.ENDLESS, FaultKind.HUGE, FaultKind.TRUNCATE, FaultKind.LOSE_ANSWER})
STALE_S = 13 * 3600.0
STATUSES = (401, 403, 404, 410, 429, 500, 502, 503)


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault between two hosts. `amount` is the status, or the longest delay in seconds."""

    kind: FaultKind
    sender: str = ANY
    receiver: str = ANY
    chance: float = 1.0
    amount: float = 0.0
    method: str = ANY
    from_s: float = 0.0
    until_s: float = FOREVER_S
    both_ways: bool = False

    def matches(self, sender: str, receiver: str, method: str, now_s: float) -> bool:
        """Whether it may happen to this request now."""
        is_any = self.kind is FaultKind.PARTITION or self.method in (ANY, method)
        if not is_any or not self.from_s <= now_s < self.until_s:
            return False
        if self._is_between(sender, receiver):
            return True
        return (self.both_ways or self.kind is FaultKind.PARTITION) and self._is_between(receiver, sender)

    def _is_between(self, sender: str, receiver: str) -> bool:
        return self.sender in (ANY, sender) and self.receiver in (ANY, receiver)

    @property
    def is_of_answer(self) -> bool:
        """Whether it happens to the answer."""
        return self.kind in _ANSWERS

    @property
    def sentence(self) -> str:
        """For a reader of the record."""
        if self.kind is FaultKind.STATUS:
            return f"answered {self.amount:.0f} on the way"
        return str(self.kind.value)


@dataclass(frozen=True, slots=True)
class Draw:
    """A rule that does happen, and a number 0 <= x < 1 for what is still open about it."""

    rule: Rule
    fraction: float

    @property
    def delay_s(self) -> float:
        """By how much the request is late."""
        match self.rule.kind:
            case FaultKind.DELAY:
                return self.rule.amount
            case FaultKind.REORDER:
                return self.rule.amount * self.fraction
            case FaultKind.STALE:
                return STALE_S
            case _:
                return 0.0


@dataclass
class Faults:
    """The rules that hold now, in order of their coming."""

    seed: str
    rules: list[Rule] = field(default_factory=list)
    happened: Counter[FaultKind] = field(default_factory=Counter)
    _met: Counter[tuple[object, ...]] = field(default_factory=Counter, repr=False)

    def add(self, rule: Rule) -> Rule:
        """From now on it may happen."""
        self.rules.append(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        """It happens no more."""
        if rule in self.rules:
            self.rules.remove(rule)

    def heal(self) -> None:
        """Nothing goes wrong any more."""
        self.rules.clear()

    def is_parted(self, one: str, other: str, now_s: float) -> bool:
        """Whether nothing passes between these two."""
        return any(
            rule.kind is FaultKind.PARTITION and rule.matches(one, other, ANY, now_s)
            for rule in self.rules
            if rule.chance >= 1
        )

    def draw(self, sender: str, receiver: str, method: str, *, now_s: float) -> list[Draw]:
        """What happens to the next request between these two."""
        happening = []
        for rule in self.rules:
            if rule.kind is FaultKind.PARTITION or not rule.matches(sender, receiver, method, now_s):
                continue
            # Neither the moment nor what others send has a part in it: what is taken out of a scenario changes the
            # luck of nobody else.
            met = (rule.kind.name, rule.sender, rule.receiver, rule.amount, rule.method, sender, receiver)
            self._met[met] += 1
            luck = f"{self.seed}/{met}/{self._met[met]}"
            chance, fraction = fraction_of(luck), fraction_of(f"{luck}/of it")
            if chance < rule.chance:
                happening.append(Draw(rule, fraction))
                self.happened[rule.kind] += 1
        return happening


def sentences(draws: Iterable[Draw]) -> str:
    """All of it in one line."""
    return "; ".join(draw.rule.sentence for draw in draws)


def fraction_of(text: str) -> float:
    """A number 0 <= x < 1 that is the same for the same text, and like no other's."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
