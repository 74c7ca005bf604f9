"""A client's bytes become a wish: one activity of the person, with its object.  spec: ap#client-to-server-interactions

The context gate is the one that other servers' messages pass. Ids that a client gives to what is new are not read:
the server gives them. Whoever else is named as actor or author is a reason to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.model import Actor
from fediverse_node.outbox.client_activities.faults import ClientFault, malformed
from fediverse_node.protocol.jsonld import NeedsProcessing, gate
from fediverse_node.protocol.reading import JsonObject, mapping, sequence, type_among, types, uri, uris
from fediverse_node.transport.dereference import Compactor, parse_json_object

# All of the vocabulary, so that an unknown type can be told from a thing that is to be wrapped.
ACTIVITY_TYPES = frozenset(
    (
        *("Accept", "Add", "Announce", "Arrive", "Block", "Create", "Delete", "Dislike", "Flag", "Follow", "Ignore"),
        *("Invite", "Join", "Leave", "Like", "Listen", "Move", "Offer", "Read", "Reject", "Remove"),
        *("TentativeAccept", "TentativeReject", "Travel", "Undo", "Update", "View", "EmojiReact"),
    )
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person's client wants: `type` of `object_uri`, or of the embedded `object`; `target_uri` for Add."""

    type: str
    document: JsonObject = field(repr=False)
    object_uri: str | None = None
    object: JsonObject | None = None
    objects: tuple[str, ...] = ()
    target_uri: str | None = None


async def read_wish(body: bytes, author: Actor, compactor: Compactor) -> Wish | Fail | TemporaryFail:
    """The activity in these bytes; a bare object is wrapped into its Create."""
    document = parse_json_object(body)
    if isinstance(document, Fail):
        return malformed(str(document))
    verdict = gate(document, size_bytes=len(body))
    if isinstance(verdict, Fail):
        return malformed(str(verdict))
    plain: JsonObject = document
    if isinstance(verdict, NeedsProcessing):
        processed = await compactor.compact(document)
        if isinstance(processed, Fail):
            return malformed(str(processed))
        if isinstance(processed, TemporaryFail):
            return processed
        plain = processed
    return wish_of(plain, author)


def wish_of(document: JsonObject, author: Actor) -> Wish | Fail:
    """The same for what may be read as plain JSON."""
    if not types(document):
        return malformed("it has no type")
    type_ = type_among(document, ACTIVITY_TYPES)
    if type_ not in ACTIVITY_TYPES:
        # Whatever acts on something is an activity, of a type that nobody knows.
        if "object" in document:
            return Fail(ClientFault.CANNOT_SAY, f"activities of the type {type_[:100]} have no meaning here")
        # spec: ap#object-without-create
        document = {"type": "Create", "object": {k: v for k, v in document.items() if k != "@context"}}
        type_ = "Create"
    foreign = _foreign(document, ("actor", "attributedTo"), author)
    if foreign is not None:
        return foreign
    thing = document.get("object")
    # A list is what a Flag is about; anywhere else nobody could say which of them is meant.
    if isinstance(thing, list) and len(thing) > 1 and type_ != "Flag":
        return malformed("it names more than one object")
    embedded = mapping(thing) or None
    if embedded is not None and type_ in ("Create", "Update"):
        foreign = _foreign(embedded, ("actor", "attributedTo"), author)
        if foreign is not None:
            return foreign
    return Wish(type_, document, uri(thing), embedded, uris(thing, 200), uri(document.get("target")))


def _foreign(document: JsonObject, names: tuple[str, ...], author: Actor) -> Fail | None:
    """Why it is refused: it says that somebody else acts, or wrote it."""
    for name in names:
        if name not in document:
            continue
        for item in sequence(document[name]):
            stated = uri(item) if isinstance(item, str | Mapping) else None
            if stated != author.uri:
                return Fail(
                    ClientFault.WRONG_ACTOR, f"{name} is {str(stated)[:200]}, and this outbox is {author.uri}'s"
                )
    return None
