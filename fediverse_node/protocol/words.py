"""Text becomes the words by which it is found: folded, and of scripts without spaces pairs of characters.

spec: unicode-tr29, unicode-tr15 (the word boundaries are simpler). The same words go into every
database and are asked of it, so all engines find the same. Does not stem: it would need to know the language.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST_WORD = 64
MOST_WORDS = 5_000
# Whoever types so much of a word wants the longer ones that begin so, too.
SHORTEST_BEGINNING = 4

# Vowel signs and tones are part of words, though `\w` leaves them out.
_SIGNS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711-\u074a\u07a6-\u07b0"
    "\u0900-\u0963\u0966-\u0df3\u0e31-\u0e4e\u0eb1-\u0ece\u0f18-\u0f39\u0f3e-\u0fbc\u102b-\u109f\u1712-\u1773"
    "\u17b4-\u17d3\u1920-\u193b\u1a17-\u1a7f\u1b00-\u1b44\u1ba1-\u1bad\u1c24-\u1c37\u3099\u309a\ua8b4-\ua8c5"
    "\ua947-\ua953\ua980-\ua9c0\uaa29-\uaa36\uaab0-\uaabf\uabe3-\uabed"
)
_RUN = re.compile(rf"(?:[^\W_]|[{_SIGNS}])+")
_NAME = re.compile(rf"[\w{_SIGNS}]+")
_PLAIN_RUN = re.compile(r"[a-z0-9]+")
# Thai, Lao, Myanmar, Khmer, Javanese; kana, ideographs; Hangul, whose particles hang on the word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua980-\ua9df\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
# What people leave out when they type: accents of Latin, Greek and Cyrillic; points of Hebrew and Arabic.
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc]")
# Joiners, soft hyphens and marks of direction are not seen; letters that are not taken apart by any normal form.
_LETTERS = str.maketrans(
    dict.fromkeys("\u00ad\u0640\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff", "")
    | {"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th"}
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other; of the last one only the beginning, if `open_ended`."""

    words: tuple[str, ...]
    open_ended: bool = False


def fold(text: str) -> str:
    """Text without the differences that people do not mean: case, accents, width, invisible characters."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", apart).translate(_LETTERS))


def words_of(text: str, most: int = MOST_WORDS) -> list[str]:
    """The words of a text in their order, `most` of them: letters and digits, no spaces, folded."""
    folded = fold(text)
    if folded.isascii():
        return [word[:LONGEST_WORD] for word in _PLAIN_RUN.findall(folded)[:most]]
    found: list[str] = []
    for run in _RUN.findall(folded):
        found += _pieces(run)
        if len(found) >= most:
            break
    return found[:most]


def phrase_of(text: str, *, exact: bool, most: int = 20) -> Phrase | None:
    """What to ask for somebody's words; None where there are none. `exact`: the last word is complete."""
    words = words_of(text, most)
    if not words:
        return None
    last = words[-1]
    if not _UNSPACED.fullmatch(last):
        return Phrase(tuple(words), open_ended=not exact and len(last) >= SHORTEST_BEGINNING)
    # A text has pairs all along, and at the end of a run its last character alone: what one asks for may go on there.
    if len(words) > 1 and len(words[-2]) == 2 and words[-2][-1] == last and _UNSPACED.fullmatch(words[-2]):
        return Phrase(tuple(words[:-1]))
    return Phrase(tuple(words), open_ended=True)


def name_word(name: str) -> str:
    """A name (of a hashtag) as one word; empty where nothing of it is left."""
    return "".join(_NAME.findall(fold(name)))[:LONGEST_WORD]


def _pieces(run: str) -> list[str]:
    pieces: list[str] = []
    done = 0
    for unspaced in _UNSPACED.finditer(run):
        if unspaced.start() > done:
            pieces.append(run[done : unspaced.start()][:LONGEST_WORD])
        done = unspaced.end()
        characters = unspaced[0]
        pieces += [characters[n : n + 2] for n in range(len(characters) - 1)]
        pieces.append(characters[-1])
    if done < len(run):
        pieces.append(run[done:][:LONGEST_WORD])
    return pieces
