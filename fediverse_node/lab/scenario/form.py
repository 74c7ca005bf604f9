"""Forms of steps: a line with slots, read and written by the same description.

    {who:person} posts {text:text}[ as {label:label}][ to {to:audience}]

Words stand for themselves, `{field:slot}` for a field of the step, square brackets for a part that is there only when
its fields are not at their defaults.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fediverse_node.lab.scenario.slots import SLOTS, Reader, Slot, Unreadable

_PIECE = re.compile(r"\[(?P<maybe>[^]]*)\]|\{(?P<field>\w+):(?P<slot>\w+)\}|(?P<word>[,:]|[^\s,:\[\]{}]+)|\s+")


@dataclass(frozen=True, slots=True)
class Word:
    """A word that stands for itself."""

    word: str

    def read(self, reader: Reader, values: dict[str, Any]) -> None:
        reader.take_word(self.word)

    def write(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
        return [self.word]


@dataclass(frozen=True, slots=True)
class Field:
    """A place for the value of a field."""

    name: str
    slot: Slot

    def read(self, reader: Reader, values: dict[str, Any]) -> None:
        values[self.name] = self.slot.read(reader)

    def write(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
        return [self.slot.write(values[self.name])]


@dataclass(frozen=True, slots=True)
class Maybe:
    """A part that may be left out."""

    pieces: tuple[Word | Field, ...]

    def read(self, reader: Reader, values: dict[str, Any]) -> None:
        """Once its first piece is there, the whole has to be."""
        before = reader.position
        for piece in self.pieces:
            try:
                piece.read(reader, values)
            except Unreadable:
                if reader.position == before:
                    return
                raise

    def write(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
        names = [piece.name for piece in self.pieces if isinstance(piece, Field)]
        if all(values[name] == defaults.get(name) for name in names):
            return []
        return [part for piece in self.pieces for part in piece.write(values, defaults)]

    @property
    def first_words(self) -> Sequence[str]:
        first = self.pieces[0]
        return (first.word,) if isinstance(first, Word) else ()


@dataclass(frozen=True, slots=True)
class Form:
    """How a step is read and written."""

    pieces: tuple[Word | Field | Maybe, ...]

    @property
    def first_word(self) -> str:
        """The word with which its lines begin; "" if that is a slot."""
        first = self.pieces[0]
        return first.word if isinstance(first, Word) else ""

    def read(self, reader: Reader) -> dict[str, Any]:
        """The fields in a line. Raises Unreadable, with the reader where it could not go on."""
        values: dict[str, Any] = {}
        left_out: list[str] = []
        for piece in self.pieces:
            before = reader.position
            if not isinstance(piece, Maybe) and left_out:
                try:
                    piece.read(reader, values)
                except Unreadable as error:
                    raise Unreadable(error.expected, (*left_out, *error.choices)) from error
            else:
                piece.read(reader, values)
            if isinstance(piece, Maybe) and reader.position == before:
                left_out += piece.first_words
            else:
                left_out = []
        if reader.next is not None:
            words = [*left_out, "the end of the line"]
            raise Unreadable(" or ".join(filter(None, (", ".join(words[:-1]), words[-1]))), left_out)
        return values

    def write(self, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
        """The line with these fields."""
        parts = [part for piece in self.pieces for part in piece.write(values, defaults)]
        return "".join(part if part == ":" or not number else f" {part}" for number, part in enumerate(parts))


@cache
def form(pattern: str) -> Form:
    """Read a description, once. Raises KeyError for a slot that there is not."""
    return Form(tuple(_pieces(pattern)))


def _pieces(pattern: str) -> list[Any]:
    found: list[Any] = []
    for match in _PIECE.finditer(pattern):
        if match["maybe"] is not None:
            found.append(Maybe(tuple(_pieces(match["maybe"]))))
        elif match["field"] is not None:
            found.append(Field(match["field"], SLOTS[match["slot"]]))
        elif match["word"] is not None:
            found.append(Word(match["word"]))
    return found
