"""Carries out effects: grouped by table, in an order in which everything finds what it refers to."""

from __future__ import annotations

from collections.abc import Sequence

from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Facts
from fediverse_node.storage.apply import actors, deliveries, objects, polls, reactions, relations, removal, timelines
from fediverse_node.storage.events import Applied
from fediverse_node.storage.unit import Unit

__all__ = ["apply"]


def apply(effects: Sequence[e.Effect], facts: Facts, applied: Applied) -> Unit[None]:
    """Carry out all effects of a round; what happened besides rows is added to `applied`."""
    put = [effect.record for effect in effects if isinstance(effect, e.Put)]
    changes = [effect.change for effect in effects if isinstance(effect, e.Patch)]
    keys = [effect.key for effect in effects if isinstance(effect, e.Remove)]
    new_objects = [record for record in put if isinstance(record, e.NewObject)]
    stored = yield from objects.insert(new_objects, facts)
    yield from reactions.insert_likes([r for r in put if isinstance(r, e.NewLike)])
    yield from reactions.insert_pins([r for r in put if isinstance(r, e.NewPin)])
    yield from polls.insert_votes([r for r in put if isinstance(r, e.NewVotes)], applied)
    yield from relations.insert_follows([r for r in put if isinstance(r, e.NewFollow)])
    yield from relations.insert_blocks([r for r in put if isinstance(r, e.NewBlock)])
    yield from reactions.insert_reports([r for r in put if isinstance(r, e.NewReport)])
    yield from objects.insert_tombstones([r for r in put if isinstance(r, e.NewTombstone)], facts.now_ms())
    for change in changes:
        if isinstance(change, e.EditObject):
            yield from objects.edit(change, facts, applied)
        elif isinstance(change, e.AcceptFollow):
            yield from relations.accept_follow(change)
        else:
            yield from actors.change(change)
    yield from timelines.place([effect for effect in effects if isinstance(effect, e.Place)], applied)
    # Before anything is removed: who has to hear of it is read from what is still there.
    yield from deliveries.deliver([effect for effect in effects if isinstance(effect, e.Deliver)], facts, applied)
    yield from removal.remove([key for key in keys if isinstance(key, e.ObjectKey)], facts.now_ms(), applied)
    for key in keys:
        if not isinstance(key, e.ObjectKey):
            yield from _remove(key, facts, applied)
    yield from timelines.notify([effect for effect in effects if isinstance(effect, e.Notify)], facts, applied)
    yield from timelines.converse(stored, facts, applied)
    yield from deliveries.fetch_later([x for x in effects if isinstance(x, e.FetchLater)], facts, applied)


def _remove(
    key: e.LikeKey | e.FollowKey | e.BlockKey | e.PinKey | e.ActorKey, facts: Facts, applied: Applied
) -> Unit[None]:
    if isinstance(key, e.LikeKey):
        yield from reactions.remove_like(key)
    elif isinstance(key, e.FollowKey):
        yield from relations.remove_follow(key)
    elif isinstance(key, e.BlockKey):
        yield from relations.remove_block(key)
    elif isinstance(key, e.PinKey):
        yield from reactions.remove_pin(key)
    else:
        yield from actors.remove(key, facts.now_ms(), applied)
