"""The kinds of things that a step names: people, nodes, posts, texts, durations; how each is read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fediverse_node.lab.faults import ANY, STATUSES, FaultKind
from fediverse_node.lab.people import AUDIENCES
from fediverse_node.lab.scenario.tokens import Token, quoted

_PERSON = re.compile(r"[A-Za-z0-9_]{1,30}@[a-z0-9][a-z0-9.-]*")
_NODE = re.compile(r"[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9.-]*)?")
_NAME = re.compile(r"[A-Za-z0-9_]{1,30}")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER = re.compile(r"\d{1,9}")
_DECIMAL = re.compile(r"\d{1,12}(?:\.\d{1,3})?")
_A_NODE = "a node, as alpha"
RESERVED = ("anywhere", "between", "clock", "disk", "expect", "from", "heal", "nodes", "quiet", "seed", "wait")
_UNITS_S = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_UNITS = [*_UNITS_S, *(f"{unit}s" for unit in _UNITS_S)]


class Unreadable(ValueError):
    """The token at the reader's position is not what belongs there."""

    def __init__(self, expected: str, choices: Sequence[str] = ()) -> None:
        super().__init__(expected)
        self.expected = expected
        self.choices = choices


@dataclass(slots=True)
class Reader:
    """The tokens of a line, and how far they have been read."""

    tokens: Sequence[Token]
    position: int = 0

    @property
    def next(self) -> Token | None:
        """The token that comes next; None at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def is_word(self, word: str) -> bool:
        """Whether that word comes next."""
        found = self.next
        return found is not None and not found.is_text and found.value == word

    def take_word(self, word: str) -> None:
        """Go past a word. Raises Unreadable."""
        if not self.is_word(word):
            raise Unreadable(word, (word,))
        self.position += 1

    def take(self, pattern: re.Pattern[str], expected: str) -> str:
        """Go past a word that looks like this. Raises Unreadable."""
        found = self.next
        if found is None or found.is_text or not pattern.fullmatch(found.value):
            raise Unreadable(expected)
        self.position += 1
        return found.value

    def take_one_of(self, words: Sequence[str]) -> str:
        """Go past one of these. Raises Unreadable."""
        found = self.next
        if found is None or found.is_text or found.value not in words:
            raise Unreadable(", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0], words)
        self.position += 1
        return found.value

    def take_text(self) -> str:
        """Go past a text in quotes. Raises Unreadable."""
        found = self.next
        if found is None or not found.is_text:
            raise Unreadable('a text in quotes, as "hello"')
        self.position += 1
        return found.value


@dataclass(frozen=True, slots=True)
class Slot:
    """A kind of thing: how it is read from a line, and how written."""

    read: Callable[[Reader], Any]
    write: Callable[[Any], str] = str


def _list_of(read: Callable[[Reader], Any]) -> Callable[[Reader], tuple[Any, ...]]:
    def read_list(reader: Reader) -> tuple[Any, ...]:
        found = [read(reader)]
        while reader.is_word(","):
            reader.position += 1
            found.append(read(reader))
        return tuple(found)

    return read_list


def _listed(write: Callable[[Any], str] = str) -> Callable[[Any], str]:
    return lambda values: ", ".join(write(value) for value in values)


def _person(reader: Reader) -> str:
    return reader.take(_PERSON, "a person, as alice@alpha")


def _label(reader: Reader) -> str:
    return reader.take(_LABEL, "the name of a post, as p1")


def _node(reader: Reader) -> str:
    # Lines begin with these words.
    if any(reader.is_word(word) for word in RESERVED):
        raise Unreadable(_A_NODE)
    return reader.take(_NODE, _A_NODE)


def _number(reader: Reader) -> int:
    return int(reader.take(_NUMBER, "a whole number"))


def _one_of(*words: str) -> Slot:
    return Slot(lambda reader: reader.take_one_of(words))


def _whether(yes: str, no: str) -> Slot:
    """Reads `yes` as True and the several words of `no` as False."""
    first, *others = no.split()

    def read(reader: Reader) -> bool:
        if reader.take_one_of((yes, first)) == yes:
            return True
        for word in others:
            reader.take_word(word)
        return False

    return Slot(read, lambda value: yes if value else no)


def read_duration(reader: Reader) -> float:
    """`2 days` or `0.5 seconds`, in seconds."""
    number = float(reader.take(_DECIMAL, "a duration, as 10 minutes"))
    unit = reader.take_one_of(_UNITS)
    return round(number * _UNITS_S[unit.removesuffix("s")], 3)


def write_duration(seconds: float) -> str:
    """The largest unit of which it is a whole number."""
    for unit, size_s in _UNITS_S.items():
        if seconds % size_s == 0 and seconds:
            number = int(seconds // size_s)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + " seconds"


def read_share(reader: Reader) -> float:
    """`30%`, as a fraction of 1."""
    word = reader.take(re.compile(r"\d{1,3}(?:\.\d{1,3})?%"), "a share, as 30%")
    return round(float(word[:-1]) / 100, 5)


def write_share(share: float) -> str:
    """A fraction of 1 in hundredths."""
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"


def _what(reader: Reader) -> str:
    """A post by its name, or words in quotes; told apart by the quotes that are kept."""
    found = reader.next
    if found is not None and found.is_text:
        return quoted(reader.take_text())
    return reader.take(_LABEL, 'the name of a post, as p1, or a text in quotes, as "hello"')


def _place(reader: Reader) -> str:
    if reader.is_word("anywhere"):
        reader.position += 1
        return ANY
    return _node(reader)


@dataclass(frozen=True, slots=True)
class Count:
    """How many of what: likes, boosts, replies."""

    number: int
    what: str


_COUNTED = {"like": "likes", "boost": "boosts", "reply": "replies"}
_ONE_COUNTED = {many: one for one, many in _COUNTED.items()}


def _count(reader: Reader) -> Count:
    number = _number(reader)
    word = reader.take_one_of((*_COUNTED.values(), *_COUNTED))
    return Count(number, _COUNTED.get(word, word))


def _count_words(count: Count) -> str:
    return f"{count.number} {_ONE_COUNTED[count.what] if count.number == 1 else count.what}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A way to fail, and how much of it: a status, or seconds."""

    kind: FaultKind
    amount: float = 0.0


_KINDS = {kind.word: kind for kind in FaultKind}
_LATE = (FaultKind.DELAY, FaultKind.REORDER)


def _failure(reader: Reader) -> Failure:
    kind = _KINDS[reader.take_one_of(list(_KINDS))]
    if kind is FaultKind.STATUS:
        return Failure(kind, int(reader.take_one_of([str(status) for status in STATUSES])))
    return Failure(kind, read_duration(reader) if kind in _LATE else 0.0)


def _failure_words(failure: Failure) -> str:
    if failure.kind is FaultKind.STATUS:
        return f"{failure.kind.word} {failure.amount:.0f}"
    return f"{failure.kind.word} {write_duration(failure.amount)}" if failure.kind in _LATE else failure.kind.word


SLOTS: dict[str, Slot] = {
    "person": Slot(_person),
    "people": Slot(_list_of(_person), _listed()),
    "node": Slot(_node),
    "place": Slot(_place, lambda host: "anywhere" if host == ANY else host),
    "name": Slot(lambda reader: reader.take(_NAME, "a name, as alice")),
    "label": Slot(_label),
    "what": Slot(_what),
    "text": Slot(lambda reader: reader.take_text(), quoted),
    "texts": Slot(_list_of(lambda reader: reader.take_text()), _listed(quoted)),
    "number": Slot(_number),
    "numbers": Slot(_list_of(_number), _listed()),
    "audience": _one_of(*AUDIENCES),
    "duration": Slot(read_duration, write_duration),
    "share": Slot(read_share, write_share),
    "regard": _one_of("follows", "unfollows", "blocks", "unblocks", "mutes", "unmutes"),
    "reaction": _one_of("likes", "unlikes", "boosts", "unboosts", "deletes"),
    "failure": Slot(_failure, _failure_words),
    "direction": _one_of("fast", "slow"),
    "method": _one_of("GET", "POST"),
    "count": Slot(_count, _count_words),
    "sees": _whether("sees", "does not see"),
    "has": _whether("has", "does not have"),
    "is_following": _whether("follows", "does not follow"),
}
