"""Carries out effects: grouped by table, in an order in which everything finds what it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Approval, InteractionRequest, Quote
from fediverse_node.storage.apply import (
    actors,
    approvals,
    deliveries,
    errands,
    groups,
    objects,
    polls,
    reactions,
    relations,
    removal,
    threads,
    timelines,
)
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
    yield from threads.hear(stored, facts, applied)
    yield from approvals.hold_orphans(stored, facts, applied)
    yield from approvals.insert_quotes([r for r in put if isinstance(r, Quote)])
    yield from approvals.insert_requests([r for r in put if isinstance(r, InteractionRequest)], facts.now_ms())
    yield from reactions.insert_likes([r for r in put if isinstance(r, e.NewLike)])
    yield from reactions.insert_reactions([r for r in put if isinstance(r, e.NewReaction)])
    yield from groups.insert_group_posts([r for r in put if isinstance(r, e.NewGroupPost)])
    yield from groups.insert_told_votes([r for r in put if isinstance(r, e.NewToldVote)])
    yield from groups.insert_moderators([r for r in put if isinstance(r, e.NewModerator)])
    yield from groups.insert_group_bans([r for r in put if isinstance(r, e.NewGroupBan)], facts.now_ms())
    yield from reactions.insert_pins([r for r in put if isinstance(r, e.NewPin)])
    yield from polls.insert_votes([r for r in put if isinstance(r, e.NewVotes)], facts.now_ms(), applied)
    yield from relations.insert_follows([r for r in put if isinstance(r, e.NewFollow)])
    yield from relations.insert_blocks([r for r in put if isinstance(r, e.NewBlock)])
    yield from reactions.insert_reports([r for r in put if isinstance(r, e.NewReport)])
    yield from objects.insert_tombstones([r for r in put if isinstance(r, e.NewTombstone)], facts.now_ms())
    for change in changes:
        if isinstance(change, e.EditObject):
            yield from objects.edit(change, facts, applied)
        elif isinstance(change, e.AcceptFollow):
            yield from relations.accept_follow(change)
        elif isinstance(change, e.SettleQuote):
            yield from approvals.settle_quote(change.quote, applied)
        elif isinstance(change, e.SettleRequest):
            yield from approvals.settle_request(change.request, facts.now_ms(), applied)
        elif isinstance(change, e.ChangeGroupPost):
            yield from groups.change_group_post(change)
        elif isinstance(change, e.SettleRelay):
            yield from groups.settle_relay(change, facts.now_ms())
        else:
            yield from actors.change(change)
    yield from timelines.place([effect for effect in effects if isinstance(effect, e.Place)], applied)
    # Before anything is removed: who has to hear of it is read from what is still there.
    yield from deliveries.deliver([effect for effect in effects if isinstance(effect, e.Deliver)], facts, applied)
    yield from removal.remove([key for key in keys if isinstance(key, e.ObjectKey)], facts.now_ms(), applied)
    for key in keys:
        if not isinstance(key, e.ObjectKey | e.ActorKey):
            yield from _remove(key, applied)
    for position, gone in enumerate(key for key in keys if isinstance(key, e.ActorKey)):
        yield from actors.remove(gone, facts, applied, at_once=position < actors.ACTORS_AT_ONCE)
    yield from errands.insert_errands([r for r in put if isinstance(r, e.NewErrand)], facts.now_ms(), applied)
    yield from timelines.notify([effect for effect in effects if isinstance(effect, e.Notify)], facts, applied)
    held = {r.object_id for r in put if isinstance(r, InteractionRequest) and r.state is Approval.PENDING}
    yield from timelines.converse([record for record in stored if record.id not in held], facts, applied)
    yield from deliveries.fetch_later([x for x in effects if isinstance(x, e.FetchLater)], facts, applied)
    applied.followed.update(_followed(put, changes, keys))


def _followed(put: Sequence[e.Record], changes: Sequence[object], keys: Sequence[object]) -> Iterator[int]:
    """Whose followers these change."""
    for what in (*put, *changes, *keys):
        if isinstance(what, e.NewFollow | e.AcceptFollow | e.FollowKey):
            yield what.followed_id
        elif isinstance(what, e.NewBlock):
            yield from (what.actor_id, what.target_id)


def _remove(key: e.Key, applied: Applied) -> Unit[None]:
    if isinstance(key, e.LikeKey):
        yield from reactions.remove_like(key)
    elif isinstance(key, e.FollowKey):
        yield from relations.remove_follow(key)
    elif isinstance(key, e.BlockKey):
        yield from relations.remove_block(key)
    elif isinstance(key, e.QuoteKey):
        yield from approvals.remove_quote(key, applied)
    elif isinstance(key, e.RequestKey):
        yield from approvals.remove_request(key)
    elif isinstance(key, e.ReactionKey):
        yield from reactions.remove_reaction(key)
    elif isinstance(key, e.ToldVoteKey):
        yield from groups.remove_told_vote(key)
    elif isinstance(key, e.ModeratorKey):
        yield from groups.remove_moderator(key)
    elif isinstance(key, e.GroupBanKey):
        yield from groups.remove_group_ban(key)
    elif isinstance(key, e.PinKey):
        yield from reactions.remove_pin(key)
