"""Context: what stands above and below a status in its thread.  spec: mastodon-client-api#Context

`completeness` is ours: apps that do not know it ignore it. See docs/reference/threads.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.domain.threads import Completeness, Lack
from fediverse_node.mastodon_api.entities.moments import render_moment_or_none

Row = Mapping[str, Any]


def arrange(
    rows: Sequence[Row], object_id: int, *, most_ancestors: int, most_descendants: int, depth: int
) -> tuple[list[Any], list[Any]]:
    """The ancestors from the root down, and the descendants depth first, each branch in the order of time.

    `rows` are the whole thread, oldest first. Those that are not `visible` are left out, but what hangs on them
    is found.
    """
    by_id = {row["id"]: row for row in rows}
    children: dict[int, list[Row]] = {}
    for row in rows:
        if row["in_reply_to_id"] is not None:
            children.setdefault(row["in_reply_to_id"], []).append(row)
    return (
        _ancestors(by_id, object_id)[-most_ancestors:],
        _descendants(children, object_id, most_descendants, depth),
    )


def _ancestors(by_id: Mapping[int, Row], object_id: int) -> list[Row]:
    found: list[Row] = []
    here = by_id.get(object_id)
    seen = {object_id}  # a ring of answers cannot be made honestly, but it can be sent
    while here is not None:
        parent_id = here["in_reply_to_id"]
        here = by_id.get(parent_id) if parent_id is not None and parent_id not in seen else None
        if here is not None:
            seen.add(here["id"])
            if here["visible"]:
                found.append(here)
    return found[::-1]


def _descendants(children: Mapping[int, Sequence[Row]], object_id: int, most: int, depth: int) -> list[Row]:
    found: list[Row] = []
    seen = {object_id}
    waiting = [(row, 1) for row in reversed(children.get(object_id, ()))]
    while waiting and len(found) < most:
        row, level = waiting.pop()
        if row["id"] in seen:
            continue
        seen.add(row["id"])
        if row["visible"]:
            found.append(row)
        if level < depth:
            waiting += [(child, level + 1) for child in reversed(children.get(row["id"], ()))]
    return found


def render_completeness(known: Completeness) -> dict[str, Any]:
    """How much of the thread is here, for apps that would like to say so. Counts are of replies for everybody."""
    return {
        "known": known.known,
        "held": known.held,
        "waiting": known.lacks(Lack.WAITING),
        "refused": known.lacks(Lack.REFUSED),
        "gone": known.lacks(Lack.GONE),
        "missing": known.lacks(Lack.MISSING),
        "unreachable": known.lacks(Lack.UNREACHABLE),
        "blocked": known.lacks(Lack.BLOCKED),
        "private": known.lacks(Lack.PRIVATE),
        "unreadable": known.lacks(Lack.UNREADABLE),
        "claimed": known.claimed,
        "beginning": known.beginning.name.lower() if known.beginning is not None else "here",
        "refusing_hosts": len(known.refusing_hosts),
        "silent_hosts": len(known.silent_hosts),
        "whole": known.is_whole,
        "running": known.is_running,
        "checked_at": render_moment_or_none(known.walked_ms),
    }
