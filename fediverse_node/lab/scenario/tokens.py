"""Lines of a scenario cut into words, texts in quotes, and marks.

A `#` where a word could begin makes the rest of the line a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r'\s*(?:(?P<comment>#.*)|(?P<mark>[,:])|"(?P<text>(?:[^"\\]|\\.)*)"|(?P<word>[^\s",:#][^\s",:]*))')
_ESCAPE = re.compile(r"\\(.)")
_MEANT = {"n": "\n", '"': '"', "\\": "\\"}


class LineError(ValueError):
    """A line that cannot be read; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a mark, or a text as it is meant (without its quotes)."""

    value: str
    is_text: bool = False

    def __str__(self) -> str:
        return quoted(self.value) if self.is_text else self.value


def split(line: str) -> list[Token]:
    """The tokens of a line. Raises LineError for a text without an end or an unknown escape."""
    tokens: list[Token] = []
    position = 0
    while line[position:].strip():
        found = _TOKEN.match(line, position)
        if found is None:
            raise LineError(f"the text that begins with {line[position:].strip()[:20]} has no closing quote")
        position = found.end()
        if found["comment"] is not None:
            break
        if found["text"] is not None:
            tokens.append(Token(_ESCAPE.sub(_meant, found["text"]), is_text=True))
        else:
            tokens.append(Token(found["mark"] or found["word"]))
    return tokens


def quoted(text: str) -> str:
    """A text as it is written in a scenario."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _meant(found: re.Match[str]) -> str:
    letter = found[1]
    if letter not in _MEANT:
        raise LineError(f'\\{letter} has no meaning in a text: \\n is a new line, \\" a quote, \\\\ a backslash')
    return _MEANT[letter]
