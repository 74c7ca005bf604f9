"""Characters that turn the direction of writing, kept from turning what does not belong to them.

spec: uax9#Explicit_Directional_Embeddings. Arabic and Hebrew need the marks (LRM, RLM, ALM) and sometimes embeddings
and isolates; overrides only ever show one text as another (`gnp.exe` as `exe.png`). So marks stay, embeddings and
isolates end where their paragraph does, overrides go.
"""

from __future__ import annotations

from collections.abc import Iterable

_PDF, _PDI = "\u202c", "\u2069"
_OPENERS = {"\u202a": _PDF, "\u202b": _PDF, "\u2066": _PDI, "\u2067": _PDI, "\u2068": _PDI}
_OVERRIDES = "\u202d\u202e"
_DIRECTING = frozenset((*_OPENERS, *_OVERRIDES, _PDF, _PDI))
# One paragraph needs few; a thousand open ones are an attack on whoever lays it out.
_DEPTH_LIMIT = 20


def turns_direction(text: str) -> bool:
    """Whether there is anything to contain."""
    return not text.isascii() and not _DIRECTING.isdisjoint(text)


def contain_direction(text: str) -> str:
    """One line or paragraph, after which the direction of writing is what it was before."""
    return "".join(contained((text,))) if turns_direction(text) else text


def contained(pieces: Iterable[str]) -> list[str]:
    """The pieces of one paragraph, in order, as `contain_direction`; the last one closes what is open."""
    open_: list[str] = []
    made: list[str] = []
    for piece in pieces:
        made.append(piece if not turns_direction(piece) else _contained(piece, open_))
    if open_:
        made.append("".join(reversed(open_)))
    return made


def _contained(text: str, open_: list[str]) -> str:
    kept: list[str] = []
    for character in text:
        if character in _OVERRIDES:
            continue
        if character in _OPENERS:
            if len(open_) >= _DEPTH_LIMIT:
                continue
            open_.append(_OPENERS[character])
        elif character in (_PDF, _PDI):
            if not open_ or open_[-1] != character:
                continue
            open_.pop()
        kept.append(character)
    return "".join(kept)
