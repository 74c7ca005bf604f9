"""The envelope: any activity, of any verb, as one frozen value. spec: as2#activities, ap#client-addressing

A generic envelope and not a class for each verb, so that a new verb needs no new codec. Does not read
the embedded object: `objects`, `actors` and `collections` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fediverse_node.base.outcome import Fail
from fediverse_node.protocol.addressing import PUBLIC, PUBLIC_ALIASES
from fediverse_node.protocol.reactions import Reaction, parse_reaction
from fediverse_node.protocol.reading import JsonObject, audience, mapping, moment, sequence, text, types, uri, uris
from fediverse_node.protocol.reasons import WireReason

OBJECTS_LIMIT = 500
COMMENT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Activity:
    """What arrived: `actor` did `type` to `object_id` (or to the embedded `object`).

    `objects` are all objects when there are several (Flag). `content` is the comment of a Flag or the
    emoji of a reaction as written; `reaction` is that emoji where it can be shown, and None for a plain Like.
    `summary` is the reason a moderator gives (Lemmy and Mbin: Delete, Block, Lock). `result_id` is what an Accept
    brings: an approval stamp. `ends` is until when it holds (a Block). `raw` is the whole document.
    """

    id: str | None
    type: str
    actor: str
    object_id: str | None
    object: JsonObject | None
    target_id: str | None
    target: JsonObject | None
    to: tuple[str, ...]
    cc: tuple[str, ...]
    published: datetime | None
    objects: tuple[str, ...]
    content: str = ""
    instrument_id: str | None = None
    audience: tuple[str, ...] = ()
    summary: str = ""
    reaction: Reaction | None = None
    result_id: str | None = None
    origin_id: str | None = None
    ends: datetime | None = None
    raw: JsonObject = field(default_factory=dict, repr=False, compare=False)


def parse_activity(doc: object) -> Activity | Fail:
    """Read any JSON value as an activity. Fails without `type` or `actor`; never raises."""
    if not isinstance(doc, Mapping):
        return Fail(WireReason.NOT_AN_OBJECT)
    names = types(doc)
    if not names:
        return Fail(WireReason.NO_TYPE)
    actor = uri(doc.get("actor"))
    if actor is None:
        return Fail(WireReason.NO_ACTOR)
    thing, target = doc.get("object"), doc.get("target")
    embedded = mapping(thing) or None
    # An array of several objects has no single embedded one: the first would speak for all.
    if isinstance(thing, list) and len(thing) > 1:
        embedded = None
    # Relays are followed by following everybody; only that activity has the public as its object.
    objects = tuple(PUBLIC if address in PUBLIC_ALIASES else address for address in uris(thing, OBJECTS_LIMIT))
    raw_id = doc.get("id")
    content, summary, ends = doc.get("content"), doc.get("summary"), doc.get("endTime")
    return Activity(
        id=uri(raw_id) if isinstance(raw_id, str) else None,
        type=names[0],
        actor=actor,
        object_id=objects[0] if objects else None,
        object=embedded,
        target_id=uri(target),
        target=mapping(target) or None,
        to=audience(doc.get("to")),
        cc=audience(doc.get("cc")),
        published=moment(doc.get("published")),
        objects=objects,
        content=text(content, COMMENT_LIMIT) if content is not None else "",
        instrument_id=uri(doc.get("instrument")),
        audience=audience(doc.get("audience")),
        summary=text(summary, COMMENT_LIMIT).strip() if summary is not None else "",
        reaction=parse_reaction(doc, names[0]),
        result_id=uri(doc.get("result")),
        origin_id=uri(doc.get("origin")),
        # Mbin's name for the same.
        ends=moment(ends if ends is not None else doc.get("expires")),
        raw=doc,
    )


def inner_activity(activity: Activity) -> Activity | None:
    """The activity that this one carries instead of a post: Announce of a Like, Undo of a Follow, Accept of a Join.

    Groups pass on what their members do in this way (spec: fep-1b12#announce-activity). It is only what the carrier
    says: whether the inner actor did it is not known before its origin or a proof says so.
    """
    inner = activity.object
    if inner is None or "actor" not in inner or not types(inner):
        return None
    # Pleroma and Mobilizon write `actor` on posts too.
    if "object" not in inner:
        return None
    parsed = parse_activity(inner)
    return parsed if isinstance(parsed, Activity) else None


def has_several_objects(activity: Activity) -> bool:
    """Whether the activity names more than one object (Flag does; elsewhere it is unusual)."""
    return len(activity.objects) > 1 or len(sequence(activity.raw.get("object"))) > 1
