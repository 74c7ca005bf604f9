"""What the author of a post permits others to do with it: read, written, stored, and applied.

spec: fep-044f#advertising-a-quote-policy, gts-interaction#interaction-policy. `automaticApproval` and
`manualApproval`, or by their older names `always` and `approvalRequired`. Only collections that everybody understands
count: the public, the author's followers, and whom the author follows. A policy is what its author's server will
answer; whether something was approved is proven by a stamp alone (`domain/approvals.py`, `domain/quotes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from fediverse_node.domain.facts import Facts
from fediverse_node.domain.model import Actor, Interaction, InteractionPolicy, Object, Permission, Visibility
from fediverse_node.protocol.addressing import PUBLIC
from fediverse_node.protocol.reading import audience, mapping
from fediverse_node.protocol.uris import same_origin

ANYBODY, FOLLOWERS, FOLLOWING, AUTHOR = "public", "followers", "following", "author"
WORDS = frozenset({ANYBODY, FOLLOWERS, FOLLOWING, AUTHOR})
# A list of people longer than this is not a policy but an attack on whoever reads it.
LARGEST_LIST = 100

_WIRE = {
    Interaction.LIKE: "canLike",
    Interaction.REPLY: "canReply",
    Interaction.ANNOUNCE: "canAnnounce",
    Interaction.QUOTE: "canQuote",
}
_NEW_NAMES = ("automaticApproval", "manualApproval")
_OLD_NAMES = ("always", "approvalRequired")
ONLY_THE_AUTHOR = Permission((AUTHOR,))


class Standing(Enum):
    """What somebody may expect who wants to do something with a post."""

    ALLOWED = "it is permitted, and everybody can see that"
    VOUCHED = "it is permitted, but only the author's server can tell others so: its approval is asked for"
    ASK = "the author decides"
    DENIED = "it is not permitted"


def standing(kind: Interaction, actor: Actor, object_: Object, facts: Facts) -> Standing:
    """What the post's policy says to this actor. Whether it sees the post at all is another question.

    Who is mentioned in a post, or answered by it, may always answer: nobody is to be spoken of without a word to say.
    """
    if kind is Interaction.REPLY and object_.policy is not None and object_.policy.held:
        return Standing.ASK
    if actor.id == object_.actor_id:
        return Standing.ALLOWED
    permission = object_.policy.of(kind) if object_.policy is not None else None
    if permission is None:
        # spec: fep-044f: who says nothing does not agree to being quoted.
        return Standing.DENIED if kind is Interaction.QUOTE else Standing.ALLOWED
    is_spoken_to = (object_.id, actor.id) in facts.mentions or object_.in_reply_to_actor_id == actor.id
    if kind is Interaction.REPLY and is_spoken_to:
        return Standing.ALLOWED
    # The more specific entry counts; of equal ones the one that permits more.
    for named, found in ((permission.automatic, Standing.ALLOWED), (permission.manual, Standing.ASK)):
        if actor.uri in named:
            return found
    if ANYBODY in permission.automatic:
        return Standing.ALLOWED
    if _is_among(actor, permission.automatic, object_, facts):
        return Standing.VOUCHED
    if ANYBODY in permission.manual or _is_among(actor, permission.manual, object_, facts):
        return Standing.ASK
    return Standing.DENIED


def _is_among(actor: Actor, words: tuple[str, ...], object_: Object, facts: Facts) -> bool:
    follows = FOLLOWERS in words and facts.follows_accepted(actor.id, object_.actor_id)
    return follows or (FOLLOWING in words and facts.follows_accepted(object_.actor_id, actor.id))


def opens(permission: Permission | None) -> bool:
    """Whether anybody may do this without being asked."""
    return permission is None or ANYBODY in permission.automatic


# The wire


def parse_policy(value: Mapping[str, object] | None, author: Actor) -> InteractionPolicy | None:
    """The `interactionPolicy` of a post by `author`; None where nothing is said. Never raises."""
    if not value:
        return None
    found: dict[Interaction, Permission | None] = {}
    is_polite = False
    for kind, name in _WIRE.items():
        part = mapping(value.get(name))
        found[kind] = _parse_permission(part, author)
        is_polite = is_polite or any(new in part for new in _NEW_NAMES)
    return InteractionPolicy(
        like=found[Interaction.LIKE],
        reply=found[Interaction.REPLY],
        announce=found[Interaction.ANNOUNCE],
        quote=found[Interaction.QUOTE],
        polite=is_polite,
    )


def _parse_permission(part: Mapping[str, object], author: Actor) -> Permission | None:
    automatic, manual = (_words(part, names, author) for names in zip(_NEW_NAMES, _OLD_NAMES, strict=True))
    # In JSON-LD an empty list cannot be told from one that was never written.
    return Permission(automatic, manual) if automatic or manual else None


def _words(part: Mapping[str, object], names: tuple[str, str], author: Actor) -> tuple[str, ...]:
    stated = next((part[name] for name in names if part.get(name)), None)
    if stated is None:
        return ()
    return tuple(dict.fromkeys(_word(uri, author) for uri in audience(stated)[:LARGEST_LIST]))


def _word(uri: str, author: Actor) -> str:
    if uri == PUBLIC:
        return ANYBODY
    if uri == author.uri:
        return AUTHOR
    if uri == author.followers_uri:
        return FOLLOWERS
    # Whom the author follows: its address is not kept with an actor, and everybody calls it so.
    if same_origin(uri, author.uri) and "following" in uri.rstrip("/").rsplit("/", 2)[1:]:
        return FOLLOWING
    return uri


def dump_policy(policy: InteractionPolicy, author: Actor) -> dict[str, object]:
    """The wire form of a policy of ours, in the new names and in the old ones for what older servers enforce."""
    document: dict[str, object] = {}
    for kind, name in _WIRE.items():
        permission = policy.of(kind)
        if permission is None:
            continue
        lists = [_addresses(words, author) for words in (permission.automatic, permission.manual)]
        # Quotes never had the older names.
        names = (_NEW_NAMES,) if kind is Interaction.QUOTE else (_NEW_NAMES, _OLD_NAMES)
        document[name] = {key: values for pair in names for key, values in zip(pair, lists, strict=True) if values}
    return document


def _addresses(words: Iterable[str], author: Actor) -> list[str]:
    known = {ANYBODY: PUBLIC, AUTHOR: author.uri, FOLLOWERS: author.followers_uri, FOLLOWING: f"{author.uri}/following"}
    return [address for word in words if (address := known.get(word, word))]


# Storage


def plain_policy(policy: InteractionPolicy | None) -> dict[str, Any] | None:
    """A policy as it is stored: {"reply": {"automatic": [...], "manual": [...]}, ...}."""
    if policy is None:
        return None
    plain: dict[str, Any] = {}
    for kind in Interaction:
        permission = policy.of(kind)
        if permission is not None:
            plain[kind.value] = {"automatic": list(permission.automatic), "manual": list(permission.manual)}
    flags = {"polite": False} if not policy.polite else {}
    return plain | flags | ({"held": True} if policy.held else {})


def policy_of_plain(plain: Mapping[str, Any] | None) -> InteractionPolicy | None:
    """The policy in a stored value."""
    if plain is None:
        return None

    def part(kind: Interaction) -> Permission | None:
        stored = plain.get(kind.value)
        return Permission(tuple(stored["automatic"]), tuple(stored["manual"])) if stored else None

    return InteractionPolicy(
        like=part(Interaction.LIKE),
        reply=part(Interaction.REPLY),
        announce=part(Interaction.ANNOUNCE),
        quote=part(Interaction.QUOTE),
        polite=bool(plain.get("polite", True)),
        held=bool(plain.get("held", False)),
    )


# Ours


def quote_permission(word: str, visibility: Visibility) -> Permission:
    """Who may quote a post of ours: `public`, `followers` or `nobody`. What is not open is for its author alone."""
    if visibility not in (Visibility.PUBLIC, Visibility.UNLISTED):
        return ONLY_THE_AUTHOR
    return {"public": Permission((ANYBODY,)), "followers": Permission((FOLLOWERS,))}.get(word, ONLY_THE_AUTHOR)


def published_policy(policy: InteractionPolicy | None, visibility: Visibility) -> InteractionPolicy:
    """What the document of a post of ours says. What was written before there were policies may not be quoted."""
    if policy is None or policy.quote is None:
        stored = policy or InteractionPolicy()
        return replace(stored, quote=quote_permission("nobody", visibility))
    return policy
