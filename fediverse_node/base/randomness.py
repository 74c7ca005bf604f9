"""Randomness as a port, so that a simulated world can be repeated from its seed."""

from __future__ import annotations

import random
import secrets
from base64 import urlsafe_b64encode
from typing import Protocol


class Randomness(Protocol):
    """Where secrets, jitter and sequence numbers come from."""

    def token(self, size_bytes: int = 32) -> str:
        """An unguessable string of URL-safe characters made of `size_bytes` random bytes."""
        ...

    def below(self, bound: int) -> int:
        """A whole number, 0 <= n < bound."""
        ...

    def fraction(self) -> float:
        """A number, 0.0 <= x < 1.0, for jitter."""
        ...


class SystemRandomness:
    """The operating system's secure generator."""

    def __init__(self) -> None:
        self._jitter = random.SystemRandom()

    def token(self, size_bytes: int = 32) -> str:
        return secrets.token_urlsafe(size_bytes)

    def below(self, bound: int) -> int:
        return secrets.randbelow(bound)

    def fraction(self) -> float:
        return self._jitter.random()


class SeededRandomness:
    """A repeatable generator. Never for a server that others can reach: its secrets can be guessed."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed)

    def token(self, size_bytes: int = 32) -> str:
        return urlsafe_b64encode(self._random.randbytes(size_bytes)).rstrip(b"=").decode()

    def below(self, bound: int) -> int:
        return self._random.randrange(bound)

    def fraction(self) -> float:
        return self._random.random()
