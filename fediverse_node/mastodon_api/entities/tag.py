"""Tag: a hashtag as apps see it.  spec: mastodon-client-api#Tag"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.domain.names import Names

DAY_MS = 86_400_000
HISTORY_DAYS = 7


def render_tag_link(name: str, names: Names) -> dict[str, Any]:
    """The short form that stands in a status."""
    return {"name": name, "url": names.hashtag_page(name)}


def render_tag(
    row: Mapping[str, Any] | None,
    name: str,
    names: Names,
    *,
    history: Sequence[tuple[int, int]],
    now_ms: int,
    following: bool | None = None,
    featuring: bool = False,
) -> dict[str, Any]:
    """The entity. `history`: (uses, accounts) a day, today first; days that are missing had none."""
    midnight_s = now_ms // DAY_MS * DAY_MS // 1000
    days = [*history, *([(0, 0)] * HISTORY_DAYS)][:HISTORY_DAYS]
    tag: dict[str, Any] = {
        "id": str(row["id"]) if row else "0",
        **render_tag_link(name, names),
        "history": [
            {"day": str(midnight_s - age * DAY_MS // 1000), "uses": str(uses), "accounts": str(accounts)}
            for age, (uses, accounts) in enumerate(days)
        ],
    }
    if following is not None:
        tag["following"] = following
        tag["featuring"] = featuring
    return tag
