"""Who may be shown an object: the one question that every serialisation of this room asks.

spec: fep-fe34. Documents, collections, pages and feeds ask here and nowhere else, so that no way of
looking at a post shows more than another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fediverse_node.storage.queries.federation_documents import OPEN

Row = Any


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: an actor known by its signature, or anybody."""

    actor_id: int | None = None


ANYBODY = Viewer()


def may_show(object_row: Row, viewer: Viewer) -> bool:
    """Whether this row of `select_post` may be shown to the viewer.

    What is neither public nor unlisted is shown to its author alone; what somebody said who is suspended
    or gone, to nobody.
    """
    if object_row["author_suspended_ms"] is not None or object_row["author_deleted_ms"] is not None:
        return False
    if object_row["visibility"] <= OPEN:
        return True
    return viewer.actor_id is not None and viewer.actor_id == object_row["actor_id"]


def shown(rows: Iterable[Row], viewer: Viewer) -> list[Row]:
    """Those of the rows that may be shown."""
    return [row for row in rows if may_show(row, viewer)]
