"""Steps of work that is done apart from its request, told with the name of that request.

What waited is taken up by a worker that does many things side by side, so each of its steps has to say whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import is_watched, note, watched_by


@contextmanager
def told_as(prefix: str, **of: object) -> Iterator[None]:
    """Tell every step inside as `prefix` + its name, with `of` added to its detail. Costs nothing if nobody watches."""
    if not is_watched():
        yield
        return
    outside = copy_context()

    def tell(step: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
        outside.run(note, prefix + step, outcome, **{**detail, **of})

    with watched_by(tell):
        yield
