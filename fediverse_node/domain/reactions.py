"""Reactions: a picture said about a post, from elsewhere and by ours; and dislikes, which only count.  spec: fep-c0e0

A first reaction counts as a like for all who know nothing else (storage sees to that), so whoever may not like may not
react. Ours go out as a Like with `content`, which every server counts; a second one, and one beside a Like, as
EmojiReact, because plain servers would take it for the same Like, and its Undo for the end of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fediverse_node.domain import approvals, granting, groups, policy, wire
from fediverse_node.domain.effects import (
    Deliver,
    Effect,
    NewReaction,
    Notify,
    Put,
    ReactionKey,
    Refusal,
    Refuse,
    Remove,
)
from fediverse_node.domain.facts import Facts, Needs
from fediverse_node.domain.interaction_policy import Standing, standing
from fediverse_node.domain.model import Actor, Interaction, Object, Reaction
from fediverse_node.domain.references import own_id
from fediverse_node.domain.verified import Verified
from fediverse_node.protocol.activitystreams import Activity
from fediverse_node.protocol.parts import Emoji
from fediverse_node.protocol.uris import host_of

DISLIKE = "dislike"
# More than anybody means; without a limit one person fills the space below a post.
MOST_PER_PERSON = 10
_KIND = "emoji_react"


@dataclass(frozen=True, slots=True)
class Picture:
    """What one of ours reacts with: an emoji, or `:name:` with the address of its picture, as of `host`."""

    content: str
    url: str | None = None
    host: str = ""
    media_type: str | None = None
    uri: str | None = None


def needs(verified: Verified) -> Needs:
    """Who reacts, to what, and how they have before; by the activity's id too, should it be said anew."""
    activity = verified.activity
    return Needs(
        acting=activity.actor,
        objects=(activity.object_id,) if activity.object_id else (),
        activities=(activity.id,) if activity.id else (),
        reactions=True,
    )


def decide(verified: Verified, facts: Facts) -> Iterator[Effect]:
    """Somebody elsewhere reacts to something we have: EmojiReact, Dislike, or Like with a picture."""
    activity = verified.activity
    actor, target = facts.actor(activity.actor), facts.objects.get(activity.object_id or "")
    if actor is None or target is None:
        yield Refuse(Refusal.UNKNOWN_OBJECT, activity.object_id or "")
        return
    reaction = said_in(activity, actor, target)
    if reaction is None:
        yield Refuse(Refusal.MALFORMED, "a reaction is one emoji")
    elif policy.is_gone(actor, facts):
        yield Refuse(Refusal.SUSPENDED, actor.host)
    elif target.announce_of_id is not None or not policy.may_interact(actor, target, facts):
        yield Refuse(Refusal.NOT_PERMITTED)
    elif standing(Interaction.LIKE, actor, target, facts) not in (Standing.ALLOWED, Standing.VOUCHED):
        yield Refuse(Refusal.NOT_PERMITTED, "its author does not want this")
    else:
        yield from _take(reaction, actor, target, facts)


def said_in(activity: Activity, actor: Actor, target: Object) -> Reaction | None:
    """The reaction that an activity is, if it is one."""
    uri = own_id(activity)
    if activity.type == "Dislike":
        return Reaction(actor.id, target.id, DISLIKE, uri=uri)
    found = activity.reaction
    if found is None:
        return None
    if found.emoji is None:
        return Reaction(actor.id, target.id, found.content, uri=uri)
    return Reaction(actor.id, target.id, found.content, authority(found.emoji, actor), found.emoji.url, uri)


def authority(emoji: Emoji, actor: Actor) -> str:
    """Whose emoji it is.  spec: fep-9098#uniqueness

    Anybody can send a picture under the name of another server's emoji: so that name counts only where the picture
    comes from there too, and else it is an emoji of whoever sends it.
    """
    stated = host_of(emoji.id) if emoji.id else None
    if stated is not None and stated == host_of(emoji.url):
        return stated
    return host_of(actor.uri) or actor.host


def _take(reaction: Reaction, actor: Actor, target: Object, facts: Facts) -> Iterator[Effect]:
    before = facts.reactions.get((actor.id, target.id), ())
    named = facts.reactions_by_uri.get(reaction.uri or "")
    is_changed = named is not None and (named.actor_id, named.object_id) == (actor.id, target.id)
    if any((each.content, each.host) == (reaction.content, reaction.host) for each in before):
        yield Refuse(Refusal.ALREADY_DONE)
    elif not is_changed and len(before) >= MOST_PER_PERSON:
        yield Refuse(Refusal.NOT_PERMITTED, f"nobody reacts more than {MOST_PER_PERSON} times to one thing")
    else:
        yield Put(NewReaction(facts.world.ids.next(), reaction))
        author = facts.author(target)
        is_shown = reaction.content != DISLIKE and all(each.content == DISLIKE for each in before)
        if is_shown and author is not None and policy.may_notify(author, actor.id, target.thread_id, facts):
            yield Notify(author.id, "reaction", actor.id, target.id)


def taken_back(uri: str | None, inner: Activity | None, actor: Actor, facts: Facts) -> Iterator[Reaction]:
    """The reactions that an Undo can mean, by its id or by what it says."""
    if uri is not None and uri in facts.reactions_by_uri:
        yield facts.reactions_by_uri[uri]
    target = facts.objects.get(inner.object_id or "") if inner is not None else None
    said = said_in(inner, actor, target) if inner is not None and target is not None else None
    if said is not None:
        for each in facts.reactions.get((actor.id, said.object_id), ()):
            # Whose emoji it was may be said in other words in the Undo.
            if each.content == said.content and (each.host == said.host or each.url == said.url):
                yield each


def key_of(reaction: Reaction) -> ReactionKey:
    """What it is removed by."""
    return ReactionKey(reaction.actor_id, reaction.object_id, reaction.content, reaction.host)


def compose(actor: Actor, target: Object, picture: Picture, facts: Facts) -> Iterator[Effect]:
    """One of ours reacts."""
    author = facts.author(target)
    refusal = granting.refusal_of_like(actor, target, facts)
    if author is None or (refusal is not None and refusal.reason is not Refusal.ALREADY_DONE):
        yield refusal or Refuse(Refusal.UNKNOWN_ACTOR)
        return
    if standing(Interaction.LIKE, actor, target, facts) not in (Standing.ALLOWED, Standing.VOUCHED):
        yield approvals.denied(Interaction.LIKE)
        return
    before = facts.reactions.get((actor.id, target.id), ())
    is_plain = not before and (actor.id, target.id) not in facts.likes
    kind = "like" if is_plain else _KIND
    uri = facts.world.names.activity(actor.username, kind, facts.world.ids.next())
    reaction = Reaction(actor.id, target.id, picture.content, picture.host, picture.url, uri)
    effects = list(_take(reaction, actor, target, facts))
    yield from effects
    if not any(isinstance(effect, Refuse) for effect in effects):
        yield from _tell(_document(reaction, actor, target, author, picture), actor, target, author, facts)


def compose_undo(actor: Actor, target: Object, content: str, host: str, facts: Facts) -> Iterator[Effect]:
    """One of ours takes a reaction back."""
    author = facts.author(target)
    before = facts.reactions.get((actor.id, target.id), ())
    reaction = next((each for each in before if (each.content, each.host) == (content, host)), None)
    if reaction is None or author is None:
        yield Refuse(Refusal.ALREADY_DONE)
        return
    yield Remove(key_of(reaction))
    picture = Picture(reaction.content, reaction.url, reaction.host)
    inner = _document(reaction, actor, target, author, picture)
    undo = wire.about("Undo", f"{inner['id']}/undo", actor.uri, inner, to=(author.uri,))
    yield from _tell(undo, actor, target, author, facts)


def _tell(document: dict[str, Any], actor: Actor, target: Object, author: Actor, facts: Facts) -> Iterator[Effect]:
    if author.local:
        yield from groups.passed_on(document, target, actor, facts)
    else:
        kind, uri = str(document["type"]), str(document["id"])
        yield Deliver(actor.id, kind, uri, document, to_actor_ids=(author.id,), object_id=target.id)


def _document(reaction: Reaction, actor: Actor, target: Object, author: Actor, picture: Picture) -> dict[str, Any]:
    uri = reaction.uri or f"{actor.uri}#reactions/{target.id}"
    is_plain = f"/{_KIND}/" not in uri
    more: dict[str, Any] = {"content": picture.content}
    if is_plain:
        more["_misskey_reaction"] = picture.content
    if picture.url is not None:
        icon = {"type": "Image", "mediaType": picture.media_type, "url": picture.url}
        tag = {"id": picture.uri, "type": "Emoji", "name": picture.content, "icon": _stated(icon)}
        more["tag"] = [_stated(tag)]
    kind = "Like" if is_plain else "EmojiReact"
    return wire.about(kind, uri, actor.uri, target.uri, to=(author.uri,), **more)


def _stated(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
