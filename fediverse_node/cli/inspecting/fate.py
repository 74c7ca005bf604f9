"""What this node would make of a document: shown, kept, handed to a rule, left out, or refused, each with its cause.

Asks the same functions as the inbox and the fetcher do. What depends on who is known here (follows, blocks, whether
anybody reads the author) is not asked: a rule may still refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from fediverse_node.base.outcome import Fail
from fediverse_node.cli.inspecting.documents import Understood
from fediverse_node.domain.activities import rule_for
from fediverse_node.inbox.understand import embedded_object
from fediverse_node.protocol.activitystreams import Activity, inner_activity, parse_activity
from fediverse_node.protocol.kinds import Kind, kind_of
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.uris import same_origin
from fediverse_node.transport.dereference import read_actor


class Outcome(Enum):
    """What becomes of it."""

    RULE = "it goes to a rule"
    SHOWN = "it would be shown"
    KEPT = "it would be used"
    LEFT_OUT = "it is understood, and has no effect"
    REFUSED = "it would be refused"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a document, in sentences. `rule` is the type of activity whose rule decides."""

    outcome: Outcome
    sentences: tuple[str, ...]
    rule: str | None = None


_USES = {
    Kind.COLLECTION: "it is read where something points to it: replies, followers, pinned posts",
    Kind.KEY: "its owner's own document has to list it before it counts",
    Kind.WEBFINGER: "it leads from a handle to an actor, which has to name the same handle",
    Kind.NODEINFO: "it says what software the server runs; nothing relies on it",
    Kind.NODEINFO_LINKS: "the NodeInfo document is fetched from there",
    Kind.APPROVAL: "it is fetched from its author's origin where a post refers to it, and counts only from there",
}


def fate_of(understood: Understood) -> Fate:
    """What this node would make of it, as a message to an inbox or as an answer from its origin."""
    if understood.refusal is not None:
        return Fate(Outcome.REFUSED, (str(understood.refusal),))
    match understood.kind:
        case Kind.ACTIVITY:
            return _fate_of_activity(understood.body)
        case Kind.POST:
            return _fate_of_post(understood.body)
        case Kind.ACTOR:
            return _fate_of_actor(understood.body)
        case Kind.TOMBSTONE:
            said = "what is stored under this id is removed when its own origin answers with this"
            return Fate(Outcome.KEPT, (said,))
        case kind if kind in _USES:
            return Fate(Outcome.KEPT, (_USES[kind],))
        case _:
            type_ = understood.says.get("type") or "without a type"
            return Fate(Outcome.LEFT_OUT, (f"documents of this sort ({type_}) are of no use here: nothing follows",))


def _fate_of_activity(body: Mapping[str, object]) -> Fate:
    activity = parse_activity(body)
    if isinstance(activity, Fail):
        return Fate(Outcome.REFUSED, (str(activity),))
    if rule_for(activity.type) is None:
        said = f"activities of the type {activity.type} are answered with 202 and have no effect"
        return Fate(Outcome.LEFT_OUT, (said,))
    if (unshown := _unshown(activity)) is not None:
        return unshown
    sentences = [f"it goes to the rule for {activity.type}"]
    if activity.type in ("Create", "Update"):
        sentences += _embedded(activity)
    inner = inner_activity(activity) if activity.type == "Announce" else None
    if inner is not None:
        sentences.append(
            f"it passes on a {inner.type} by {inner.actor}, which counts only if its own origin confirms it"
        )
    return Fate(Outcome.RULE, tuple(sentences), activity.type)


def _unshown(activity: Activity) -> Fate | None:
    """Stories, listings, tickets: understood as what they are, and politely left out."""
    body = activity.object
    if activity.type not in ("Create", "Update", "Add", "Announce") or body is None or not body.keys() - {"id"}:
        return None
    parsed = parse_object(body, default_author=activity.actor)
    if not isinstance(parsed, Fail) or parsed.reason is not WireReason.UNKNOWN_OBJECT_TYPE:
        return None
    if kind_of(body) is not Kind.OTHER:
        return None
    said = f"it is answered with 202 and has no effect: {parsed.detail} is a type of object that is not shown here"
    return Fate(Outcome.LEFT_OUT, (said,))


def _embedded(activity: Activity) -> list[str]:
    body = activity.object
    if body is None:
        return [f"the object is fetched from {activity.object_id}"] if activity.object_id else ["there is no object"]
    if kind_of(body) is Kind.ACTOR:
        is_own = activity.object_id == activity.actor
        return ["the profile is the actor's own"] if is_own else [f"the profile is not that of {activity.actor}"]
    if embedded_object(activity) is not None:
        return ["the object inside is taken at its word: it is the actor's, and of the same origin"]
    parsed = parse_object(body, default_author=activity.actor if activity.type == "Create" else None)
    if isinstance(parsed, Fail):
        return [f"the object inside cannot be read: {parsed}"]
    if parsed.attributed_to != activity.actor:
        return [f"the object inside is not taken at its word: it is {parsed.attributed_to}'s"]
    return [f"the object inside is not taken at its word: it is fetched from {parsed.id}"]


def _fate_of_post(body: Mapping[str, object]) -> Fate:
    post = parse_object(body)
    if not isinstance(post, ObjectDocument):
        return Fate(Outcome.REFUSED, (str(post),))
    if not same_origin(post.id, post.attributed_to):
        said = f"the post {post.id} names an author of another origin, {post.attributed_to}"
        return Fate(Outcome.REFUSED, (said,))
    if post.vote_name is not None:
        return Fate(Outcome.KEPT, (f"it is a vote for {post.vote_name!r}, and no post",))
    return Fate(Outcome.SHOWN, ("it is shown as a post if its own origin answers with it",))


def _fate_of_actor(body: Mapping[str, object]) -> Fate:
    actor = read_actor(body)
    if isinstance(actor, Fail):
        return Fate(Outcome.REFUSED, (str(actor),))
    if not actor.public_keys:
        return Fate(
            Outcome.KEPT, ("the actor is known, but lists no key of its own: nothing it sends can be believed",)
        )
    return Fate(Outcome.KEPT, ("the actor can be followed and written to",))
