"""Which decisions of a batch depend on each other, so that the later one sees what the earlier one did.

Actors and objects are named by their URIs and by our numbers, whichever a decision gives. Left out on
purpose is what only adds up (likes, votes, followers of one actor): a crowd around one object is decided
in one round, and the unique keys see to it that everybody counts once.
"""

from __future__ import annotations

from collections.abc import Iterable

from fediverse_node.domain import effects as e
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.model import Quote

# A URI, the number of an object, or the negative number of an actor.
Scope = set[str | int]


def reads_of(needs: Needs) -> Scope:
    """What a decision looks at."""
    found: Scope = {*needs.actors, *needs.objects, *needs.activities, *needs.object_ids, *needs.stamps}
    found.update(-actor_id for actor_id in needs.actor_ids)
    if needs.acting:
        found.add(needs.acting)
    return found


def scope_of(needs: Needs) -> Scope:
    """What a decision that is not made yet might change: who acts, and what it is about."""
    found: Scope = {*needs.objects, *needs.activities, *needs.object_ids}
    if needs.acting:
        found.add(needs.acting)
    return found


def changed_by(effects: Iterable[e.Effect], facts: Facts) -> Scope:
    """What these effects change, as far as another decision could depend on it."""
    found: Scope = set()
    for effect in effects:
        if isinstance(effect, e.Put):
            _put(effect.record, facts, found)
        elif isinstance(effect, e.Patch):
            change = effect.change
            if isinstance(change, e.EditObject):
                _object(change.id, facts, found)
            elif isinstance(change, e.SettleQuote):
                _object(change.quote.object_id, facts, found)
            elif isinstance(change, e.SettleRequest):
                found.add(change.request.uri)
                _object(change.request.object_id or change.request.target_id, facts, found)
            elif isinstance(change, e.ChangeGroupPost):
                _object(change.object_id, facts, found)
            elif isinstance(change, e.SettleRelay):
                found.add(change.actor_uri)
            else:
                _actor(change.follower_id if isinstance(change, e.AcceptFollow) else change.id, facts, found)
        elif isinstance(effect, e.Remove):
            _remove(effect.key, facts, found)
    return found


def _put(record: e.Record, facts: Facts, found: Scope) -> None:
    if isinstance(record, e.NewObject):
        found.add(record.uri)
        if record.in_reply_to_id is None and record.in_reply_to_uri is not None:
            # From now on somebody waits for that object.
            found.add(record.in_reply_to_uri)
    elif isinstance(record, Quote):
        if record.quoted_id is None:
            found.add(record.quoted_uri)  # as above
    elif isinstance(record, e.NewTombstone):
        found.add(record.uri)
    elif isinstance(record, e.NewFollow):
        found.add(record.uri)
        _actor(record.follower_id, facts, found)
    elif isinstance(record, e.NewBlock):
        _actor(record.actor_id, facts, found)


def _remove(key: e.Key, facts: Facts, found: Scope) -> None:
    if isinstance(key, e.ObjectKey):
        _object(key.id, facts, found)
    elif isinstance(key, e.QuoteKey):
        _object(key.object_id, facts, found)
    elif isinstance(key, e.ActorKey):
        _actor(key.id, facts, found)
    elif isinstance(key, e.FollowKey):
        _actor(key.follower_id, facts, found)
    elif isinstance(key, e.BlockKey):
        _actor(key.actor_id, facts, found)


def _actor(actor_id: int, facts: Facts, found: Scope) -> None:
    found.add(-actor_id)
    actor = facts.actors_by_id.get(actor_id)
    if actor is not None:
        found.add(actor.uri)


def _object(object_id: int, facts: Facts, found: Scope) -> None:
    found.add(object_id)
    object_ = facts.objects_by_id.get(object_id)
    if object_ is not None:
        found.add(object_.uri)
