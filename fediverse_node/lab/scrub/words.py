"""Words made unreadable: the same word always becomes the same other word, of the same length and the same kind of
characters, and two words never become the same one.

A word of ASCII letters and digits is a number in a system of 26 and 10 digits; a keyed permutation of those numbers
without a fixed point gives the other word. Case stays with its place, so `Alice` and `alice` stay one name. Characters
beyond ASCII become others of the same size in UTF-8. How often a word occurs can still be counted.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from functools import lru_cache

_WORD = re.compile(r"[A-Za-z0-9]+|[^\x00-\x7f\s\u2000-\u206f\u3000-\u303f]+")
_CHUNK = 24
_ROUNDS = 8
_CACHED = 20_000
_TWO_BYTES = [chr(code) for code in (*range(0x3B1, 0x3CA), *range(0x430, 0x450))]
_THREE_BYTES = range(0x4E00, 0x5E00)
_FOUR_BYTES = range(0x20000, 0x21000)


class Words:
    """Replaces words. The key is drawn anew for each, and kept nowhere else."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self.word: Callable[[str], str] = lru_cache(_CACHED)(self._word)

    def text(self, text: str) -> str:
        """All words of a text; what stands between them stays."""
        return _WORD.sub(lambda match: self.word(match.group()), text)

    def number(self, number: int, size: int) -> int:
        """Another number 0 <= n < size."""
        return self._moved(number, size, b"number")

    def noise(self, data: bytes) -> bytes:
        """As many bytes, of which nothing can be learnt."""
        seed = hashlib.blake2b(data, key=self._key, digest_size=32).digest()
        return hashlib.shake_256(seed).digest(len(data))

    def _word(self, word: str) -> str:
        if not word.isascii():
            return self._beyond_ascii(word)
        chunks = (word[at : at + _CHUNK] for at in range(0, len(word), _CHUNK))
        return "".join(self._chunk(chunk) for chunk in chunks)

    def _chunk(self, chunk: str) -> str:
        number, size = 0, 1
        for char in chunk:
            base, digit = (10, ord(char) - 48) if char.isdigit() else (26, ord(char.lower()) - 97)
            number, size = number * base + digit, size * base
        kinds = "".join("0" if char.isdigit() else "a" for char in chunk)
        number = self._moved(number, size, kinds.encode())
        found = []
        for char in reversed(chunk):
            base = 10 if char.isdigit() else 26
            number, digit = divmod(number, base)
            new = chr(48 + digit) if base == 10 else chr(97 + digit)
            found.append(new.upper() if char.isupper() else new)
        return "".join(reversed(found))

    def _beyond_ascii(self, word: str) -> str:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()
        stream = hashlib.shake_256(digest).digest(2 * len(word))
        found = []
        for at, char in enumerate(word):
            drawn = int.from_bytes(stream[2 * at : 2 * at + 2], "big")
            found.append(_another(char, drawn))
        return "".join(found)

    def _moved(self, number: int, size: int, kind: bytes) -> int:
        """A permutation without a fixed point: one step further in the order that the key gives to all numbers."""
        forward = self._walk(number, size, kind, backward=False)
        return self._walk((forward + 1) % size, size, kind, backward=True)

    def _walk(self, number: int, size: int, kind: bytes, *, backward: bool) -> int:
        half = max((size - 1).bit_length() + 1, 2) // 2
        while True:
            number = self._feistel(number, half, kind, backward=backward)
            if number < size:
                return number

    def _feistel(self, number: int, half: int, kind: bytes, *, backward: bool) -> int:
        mask = (1 << half) - 1
        left, right = number >> half, number & mask
        for turn in reversed(range(_ROUNDS)) if backward else range(_ROUNDS):
            if backward:
                left, right = right ^ self._round(turn, left, kind) & mask, left
            else:
                left, right = right, left ^ self._round(turn, right, kind) & mask
        return left << half | right

    def _round(self, turn: int, value: int, kind: bytes) -> int:
        data = b"%d/%d/" % (turn, value) + kind
        return int.from_bytes(hashlib.blake2b(data, key=self._key, digest_size=16).digest(), "big")


def _another(char: str, drawn: int) -> str:
    """Another character of the same size."""
    code = ord(char)
    if code < 0x800:
        found = _TWO_BYTES[drawn % len(_TWO_BYTES)]
        return found if found != char else _TWO_BYTES[(drawn + 1) % len(_TWO_BYTES)]
    pool = _THREE_BYTES if code < 0x10000 else _FOUR_BYTES
    found = chr(pool[drawn % len(pool)])
    return found if found != char else chr(pool[(drawn + 1) % len(pool)])
