"""Whoever holds a token of a person: what an ActivityPub client may do, whatever way it got the token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bearer:
    """A person's token. `standing`: why the person may not act now; empty when they may."""

    actor_id: int
    user_id: int
    app_id: int | None
    allows: Callable[[str], bool] = field(repr=False)
    standing: str = ""

    def may(self, *scopes: str) -> bool:
        """Whether the token allows any one of these."""
        return any(self.allows(scope) for scope in scopes)


@dataclass(frozen=True, slots=True)
class TooOften:
    """The person's clients have asked for too much; the headers say how much may be asked for, and when again."""

    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Bearers:
    """`find` knows a token's bearer, or None where it is not a person's. `take` counts one use of a kind."""

    find: Callable[[str], Awaitable[Bearer | None]]
    take: Callable[[Bearer, str, str], TooOften | dict[str, str]]
