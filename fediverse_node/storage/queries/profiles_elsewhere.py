"""What the profiles of people elsewhere show: pinned posts, hashtags, and the counts that their servers claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Text, bindparam, delete, select

from fediverse_node.domain.model import Visibility, visibility_code
from fediverse_node.storage.apply.objects import setting
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, featured_tags, objects, pins, tags
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_ACTOR = bindparam("actor_id", type_=BigInteger())
_DIRECT = visibility_code(Visibility.DIRECT)

PROFILE = Statement(
    select(
        actors.c.id,
        actors.c.uri,
        actors.c.local,
        actors.c.looked_ms,
        actors.c.outbox,
        actors.c.followers_uri,
        actors.c.following_uri,
        actors.c.featured_uri,
        actors.c.featured_tags_uri,
        actors.c.suspended_ms,
        actors.c.deleted_ms,
    ).where(actors.c.id == _ACTOR)
)
BY_URI = Statement(select(actors.c.id).where(actors.c.uri == bindparam("uri", type_=Text())))
OBJECT = Statement(select(objects.c.id).where(objects.c.uri == bindparam("uri", type_=Text())))
# Of these posts those that somebody can have pinned: their own, and not what one person was told.
OWN = Statement(
    select(objects.c.id).where(
        one_of(objects.c.id, "ids"),
        objects.c.actor_id == _ACTOR,
        objects.c.announce_of_id.is_(None),
        objects.c.visibility < _DIRECT,
    )
)
_PINNED = Statement(select(pins.c.object_id).where(pins.c.actor_id == _ACTOR).order_by(pins.c.id.desc()))
_UNPIN = Statement(delete(pins).where(pins.c.actor_id == _ACTOR))
_SHOWN = Statement(
    select(tags.c.name)
    .join(featured_tags, featured_tags.c.tag_id == tags.c.id)
    .where(featured_tags.c.actor_id == _ACTOR)
    .order_by(featured_tags.c.id)
)
_UNSHOW = Statement(delete(featured_tags).where(featured_tags.c.actor_id == _ACTOR))
_TAGS = Statement(select(tags.c.id, tags.c.name).where(one_of(tags.c.name, "names")))
_COUNTS = ("claimed_followers", "claimed_following", "claimed_posts", "hide_collections")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read. `counts` are columns; what could not be read is left out, or None, and stays as it was."""

    counts: Mapping[str, int | bool | None]
    pinned: Sequence[int] | None
    tags: Sequence[str] | None


def store(actor_id: int, seen: Seen, ids: Sequence[int], now_ms: int) -> Unit[None]:
    """Keep it. `ids` are for new rows, ascending: one for each pinned post and two for each hashtag."""
    counts = {name: seen.counts[name] for name in _COUNTS if name in seen.counts}
    columns = ("looked_ms", *counts)
    values = {"looked_ms": now_ms, **counts}
    yield Run(setting(actors, columns), [{"id_": actor_id, **{f"new_{name}": values[name] for name in columns}}])
    free = list(ids)
    if seen.pinned is not None:
        before = [row["object_id"] for row in (yield Fetch(_PINNED, {"actor_id": actor_id}))]
        if before != list(seen.pinned):
            yield Run(_UNPIN, [{"actor_id": actor_id}])
            # The first of the collection is the newest.
            rows = [{"id": free.pop(0), "actor_id": actor_id, "object_id": id_} for id_ in reversed(seen.pinned)]
            if rows:
                yield Insert(pins, rows)
    if seen.tags is not None:
        yield from _show(actor_id, list(seen.tags), free)


def _show(actor_id: int, names: list[str], free: list[int]) -> Unit[None]:
    before = [row["name"] for row in (yield Fetch(_SHOWN, {"actor_id": actor_id}))]
    if before == names:
        return
    yield Run(_UNSHOW, [{"actor_id": actor_id}])
    if not names:
        return
    yield Insert(tags, [{"id": free.pop(0), "name": name} for name in names])
    known = {row["name"]: row["id"] for row in (yield Fetch(_TAGS, {"names": names}))}
    yield Insert(featured_tags, [{"id": free.pop(0), "actor_id": actor_id, "tag_id": known[name]} for name in names])
