"""Who watches what comes of an act: the effects of all decisions made inside, for whoever has to name them.

An ActivityPub client is told under which id its activity went out; everybody else needs only to know that it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fediverse_node.domain.effects import Effect

_seen: ContextVar[list[Effect] | None] = ContextVar("outbox.seen", default=None)


@contextmanager
def watching() -> Iterator[list[Effect]]:
    """The list fills with what is decided inside, by this task or those it starts."""
    seen: list[Effect] = []
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


def show(effects: Iterable[Effect]) -> None:
    """These were decided and committed."""
    seen = _seen.get()
    if seen is not None:
        seen += effects
