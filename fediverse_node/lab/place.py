"""Who is acting, and because of what: two variables of the running task's context.

All nodes of a world share one process. What they send and log is told apart by the context in which it happens; tasks
and callbacks that are started inside inherit it.
"""

from __future__ import annotations

from contextvars import ContextVar

# The host of a node ("alpha.test"), a person at their app ("alice@alpha.test"), or "" for the lab itself.
place: ContextVar[str] = ContextVar("place", default="")
# The number of the exchange in whose course this happens.
cause: ContextVar[int | None] = ContextVar("cause", default=None)
