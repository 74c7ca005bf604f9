"""What people said about the statuses of a page with a picture, loaded once for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.reaction import Said
from fediverse_node.storage.queries import reactions as queries


async def load_reactions(context: Context, object_ids: Iterable[int]) -> dict[int, tuple[Said, ...]]:
    """What was said about these objects. Pictures of hosts whose media are not taken are left out."""
    ids = list(object_ids)
    if not ids:
        return {}
    found: dict[int, tuple[Said, ...]] = {}
    for row in await context.database.fetch(queries.SUMMARIES, ids=ids):
        if row["host"] and context.writer.domains.rejects_media(row["host"]):
            continue
        said = Said(row["content"], row["host"], row["count"], row["url"])
        found[row["object_id"]] = (*found.get(row["object_id"], ()), said)
    return found


async def load_own(context: Context, viewer_id: int, object_ids: Sequence[int]) -> dict[int, set[tuple[str, str]]]:
    """(content, host) of what the viewer said about these."""
    own: dict[int, set[tuple[str, str]]] = {}
    if object_ids:
        for row in await context.database.fetch(queries.OWN, viewer_id=viewer_id, ids=list(object_ids)):
            own.setdefault(row["object_id"], set()).add((row["content"], row["host"]))
    return own


async def load_said(context: Context, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], dict[str, Any]]:
    """{emoji, emoji_url} for notifications of reactions, by (who, about what): the newest of each."""
    pairs = [(row["from_actor_id"], row["object_id"]) for row in rows if row["object_id"] is not None]
    if not pairs:
        return {}
    found = await context.database.fetch(
        queries.SAID, actor_ids=[pair[0] for pair in pairs], object_ids=[pair[1] for pair in pairs]
    )
    return {(row["actor_id"], row["object_id"]): {"emoji": row["content"], "emoji_url": row["url"]} for row in found}
