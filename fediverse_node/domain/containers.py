"""Conversation containers: the owner of a conversation tells what was added to it.  spec: fep-171b

An `Add` of somebody else's activity to a collection of one's own is a hint and no more: what it names is fetched from
where it was written, and belongs to the conversation because of what it says itself that it answers. So only a `Create`
is of use; and nothing that is not for everybody comes this way, because its server does not show it to us.
We do not send such activities: see FEDERATION.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fediverse_node.domain import policy
from fediverse_node.domain.effects import Effect, FetchLater, Refusal, Refuse
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.collections import COLLECTION_TYPES
from fediverse_node.protocol.reading import types, uri
from fediverse_node.protocol.uris import is_http_uri, same_origin


@dataclass(frozen=True, slots=True)
class Added:
    """A post that was added to a conversation, by its address, and what it is said to answer."""

    post: str
    answers: str


def is_container_add(activity: Activity) -> bool:
    """Whether this adds to a collection that the actor says is its own, and that is at home where the actor is."""
    target = activity.target
    if activity.type != "Add" or target is None or activity.target_id is None:
        return False
    if COLLECTION_TYPES.isdisjoint(types(target)) or uri(target.get("attributedTo")) != activity.actor:
        return False
    return same_origin(activity.target_id, activity.actor)


def added_in(activity: Activity) -> Added | None:
    """The reply inside the activity that was added, if that is one."""
    created = activity.object
    if created is None or "Create" not in types(created):
        return None
    post = created.get("object")
    if not isinstance(post, Mapping):
        return None
    address, answers = uri(post.get("id")), uri(post.get("inReplyTo"))
    return Added(address, answers) if address is not None and answers is not None else None


def decide(activity: Activity, actor: Actor, facts: Facts) -> Iterator[Effect]:
    """The owner of a conversation tells of a reply."""
    added = added_in(activity)
    if added is None or not is_http_uri(added.post, allow_plain=True):
        yield Refuse(Refusal.UNSUPPORTED, "only replies are taken from conversations of others")
    elif policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED, actor.host)
    elif added.post in facts.objects or facts.world.names.is_ours(added.post):
        yield Refuse(Refusal.ALREADY_DONE, added.post)
    elif added.post in facts.tombstones:
        yield Refuse(Refusal.DELETED, added.post)
    elif added.answers not in facts.objects:
        yield Refuse(Refusal.NOT_RELEVANT, added.answers)
    else:
        yield FetchLater(added.post, "object")
