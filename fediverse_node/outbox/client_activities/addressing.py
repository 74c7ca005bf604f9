"""Whom a client's activity is for: `to`, `cc`, `bto`, `bcc` and `audience` become one of our four visibilities.

spec: ap#client-addressing, ap#delivery. The addresses of the activity and of its object count together, as the
specification wants it. What the four cannot express is refused with a sentence: nothing is ever shown to more people,
or to other people, than the client said. `bto` and `bcc` are for single people, who are told to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail
from fediverse_node.domain.model import Actor, Visibility
from fediverse_node.outbox.client_activities.faults import cannot, malformed
from fediverse_node.protocol.addressing import PUBLIC, looks_like_followers
from fediverse_node.protocol.reading import JsonObject, audience, sequence

PEOPLE_LIMIT = 50
_NAMED, _UNNAMED = ("to", "cc", "audience"), ("bto", "bcc")


@dataclass(frozen=True, slots=True)
class Addressed:
    """`people` and `unnamed` are URIs of actors, the author left out; `unnamed` are those of `bto` and `bcc` alone."""

    visibility: Visibility
    people: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()


def states_addresses(document: JsonObject) -> bool:
    """Whether the document says anything about whom it is for."""
    return any(name in document for name in (*_NAMED, *_UNNAMED))


def address(author: Actor, *documents: JsonObject) -> Addressed | Fail:
    """The audience that these documents (an activity, its object) name together."""
    stated: dict[str, dict[str, None]] = {name: {} for name in (*_NAMED, *_UNNAMED)}
    for document in documents:
        for name, found in stated.items():
            addresses = _read(document, name)
            if isinstance(addresses, Fail):
                return addresses
            found |= dict.fromkeys(addresses)
    named = {uri: None for name in _NAMED for uri in stated[name]}
    unnamed = {uri: None for name in _UNNAMED for uri in stated[name] if uri not in named}
    refusal = _refusal(author, named, unnamed)
    if refusal is not None:
        return refusal
    if PUBLIC in stated["to"]:
        visibility = Visibility.PUBLIC
    elif PUBLIC in named:
        visibility = Visibility.UNLISTED
    else:
        visibility = Visibility.FOLLOWERS if author.followers_uri in named else Visibility.DIRECT
    collective = {PUBLIC, author.followers_uri, author.uri}
    people = tuple(uri for uri in named if uri not in collective)
    return Addressed(visibility, people, tuple(uri for uri in unnamed if uri not in collective))


def _read(document: JsonObject, name: str) -> tuple[str, ...] | Fail:
    value = document.get(name)
    items = sequence(value)
    addresses = audience(value)
    # Tolerance would be wrong here: who is left out of a list may be the one it is for.
    if len(items) > 4 * PEOPLE_LIMIT:
        return malformed(f"{name} names more than {4 * PEOPLE_LIMIT} addresses")
    usable = sum(1 for item in items if audience([item]) or (isinstance(item, Mapping) and audience(item)))
    if usable < len(items):
        return malformed(f"{name} holds something that is not an address")
    return addresses


def _refusal(author: Actor, named: Mapping[str, None], unnamed: Mapping[str, None]) -> Fail | None:
    if PUBLIC in unnamed or author.followers_uri in unnamed:
        return cannot("everybody, and one's followers, can be addressed in to and cc only: bto and bcc are for people")
    for uri in (*named, *unnamed):
        if uri not in (PUBLIC, author.followers_uri) and looks_like_followers(uri):
            return cannot(f"the followers of somebody else cannot be addressed: {uri[:200]}")
    count = len([uri for uri in (*named, *unnamed) if uri not in (PUBLIC, author.followers_uri, author.uri)])
    if count > PEOPLE_LIMIT:
        return cannot(f"no more than {PEOPLE_LIMIT} people can be addressed at once; these are {count}")
    return None
