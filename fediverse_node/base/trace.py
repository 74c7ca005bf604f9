"""What a message meets on its way, step by step, told to whoever watches; in production that is nobody.

A step is noted where it is taken: `note("signature.digest", outcome)`. The watcher is found through the context of the
running task, so what is done because of a request is told to the one who watches that request, and nobody has to hand
a watcher around. It never changes what happens: a watcher that raises is a bug of the watcher's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fediverse_node.base.outcome import Fail, TemporaryFail

Watcher = Callable[[str, Fail | TemporaryFail | None, dict[str, object]], None]

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def note(step: str, outcome: Fail | TemporaryFail | None = None, /, **detail: object) -> None:
    """Tell that `step` (a dotted name, see docs/reference/steps.md) was passed, or with an outcome: that it was not.

    `detail` is told as it is; what is costly to make is made only if `is_watched()`.
    """
    watcher = _watcher.get()
    if watcher is not None:
        watcher(step, outcome, detail)


def is_watched() -> bool:
    """Whether anybody hears what is noted here."""
    return _watcher.get() is not None


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Tell `watcher` of every step inside, also in tasks that are started inside."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
