"""A document, understood: its sort, how it is read, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.cli.inspecting import actors
from fediverse_node.cli.inspecting.posts import describe_audience, describe_post, stamp, without_empty
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.actors import parse_actor, parse_key_document
from fediverse_node.protocol.collections import parse_collection
from fediverse_node.protocol.html import sanitise, to_plain_text
from fediverse_node.protocol.jsonld import Plain, gate
from fediverse_node.protocol.kinds import Kind, kind_of
from fediverse_node.protocol.nodeinfo import parse_links, parse_nodeinfo
from fediverse_node.protocol.objects import parse_object, parse_tombstone
from fediverse_node.protocol.reading import is_uri, types
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.webfinger import parse_jrd

# How deep activities within activities are told: Announce of an Undo of a Follow.
_DEPTH_LIMIT = 4
_PLAIN_JSON = frozenset({Kind.WEBFINGER, Kind.NODEINFO, Kind.NODEINFO_LINKS})

_MISSING = "missing:"
_LACKING = {
    (Kind.POST, WireReason.NO_ID): ("id", "attributedTo"),
    (Kind.POST, WireReason.NO_AUTHOR): ("attributedTo",),
    (Kind.ACTIVITY, WireReason.NO_ACTOR): ("actor",),
    (Kind.ACTOR, WireReason.NO_ID): ("id",),
    (Kind.TOMBSTONE, WireReason.NO_ID): ("id",),
}

Compact = Callable[[Mapping[str, object]], Awaitable[dict[str, object] | Fail | TemporaryFail]]


@dataclass(frozen=True, slots=True)
class Understood:
    """`says` is the description for JSON; `refusal` why it would not be taken. `body` is the document as it was read.

    `read_as` is "plain JSON" or "JSON-LD", with `because` for the latter; `ignored` are contexts nobody knows.
    """

    kind: Kind
    says: dict[str, Any]
    body: Mapping[str, object]
    refusal: Fail | TemporaryFail | None = None
    read_as: str = "plain JSON"
    because: str = ""
    ignored: tuple[str, ...] = field(default=())


async def understand(document: object, compact: Compact, *, size_bytes: int = 0) -> Understood:
    """Understand any JSON value, in the way the inbox and the fetcher do. Never raises."""
    if not isinstance(document, Mapping):
        return Understood(Kind.OTHER, {}, {}, Fail(WireReason.NOT_AN_OBJECT))
    if (kind := kind_of(document)) in _PLAIN_JSON:
        return _told(kind, document)
    verdict = gate(document, size_bytes=size_bytes)
    if isinstance(verdict, Fail):
        return Understood(kind, {}, document, verdict)
    if isinstance(verdict, Plain):
        return _told(kind, document, ignored=verdict.ignored_contexts)
    because = str(Fail(verdict.reason, verdict.detail))
    processed = await compact(document)
    if not isinstance(processed, dict):
        return Understood(kind, {}, document, processed, "JSON-LD", because)
    return _told(kind_of(processed), processed, read_as="JSON-LD", because=because)


def _told(
    kind: Kind,
    body: Mapping[str, object],
    *,
    read_as: str = "plain JSON",
    because: str = "",
    ignored: tuple[str, ...] = (),
) -> Understood:
    says = describe(body, kind)
    if not isinstance(says, Fail):
        return Understood(kind, says, body, None, read_as, because, ignored)
    return Understood(kind, _as_far_as_it_goes(body, kind, says), body, says, read_as, because, ignored)


def _as_far_as_it_goes(body: Mapping[str, object], kind: Kind, fault: Fail) -> dict[str, Any]:
    """What a document says that lacks its id or whose it is: drafts, and examples out of documentation, do."""
    lacking = next((names for (of, reason), names in _LACKING.items() if (of, reason) == (kind, fault.reason)), None)
    if lacking is None:
        return {}
    filled = {**body, **{name: _MISSING for name in lacking if not is_uri(body.get(name))}}
    says = describe(filled, kind)
    if isinstance(says, Fail):
        return {}
    return _without_missing(says)


def _without_missing(says: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in says.items() if value != _MISSING}
    if isinstance(kept.get("inner"), dict):
        kept["inner"] = _without_missing(kept["inner"])
    return kept


def describe(
    body: Mapping[str, object], kind: Kind, *, carrier: Activity | None = None, depth: int = 0
) -> dict[str, Any] | Fail:
    """What a document of this sort says. `carrier` is the Create or Update that brought it along."""
    match kind:
        case Kind.POST:
            return _describe_carried(body, carrier)
        case Kind.ACTIVITY:
            activity = parse_activity(body)
            return activity if isinstance(activity, Fail) else _describe_activity(activity, depth)
        case Kind.ACTOR:
            actor = parse_actor(body)
            return actor if isinstance(actor, Fail) else actors.describe_actor(actor)
        case Kind.COLLECTION:
            page = parse_collection(body)
            return page if isinstance(page, Fail) else actors.describe_collection(page)
        case Kind.TOMBSTONE:
            tombstone = parse_tombstone(body)
            return tombstone if isinstance(tombstone, Fail) else actors.describe_tombstone(tombstone)
        case Kind.KEY:
            key = parse_key_document(body)
            return key if isinstance(key, Fail) else actors.describe_key(key)
        case Kind.WEBFINGER:
            jrd = parse_jrd(body)
            return jrd if isinstance(jrd, Fail) else actors.describe_webfinger(jrd)
        case Kind.NODEINFO:
            info = parse_nodeinfo(body)
            return info if isinstance(info, Fail) else actors.describe_nodeinfo(info)
        case Kind.NODEINFO_LINKS:
            url = parse_links(body)
            return Fail(WireReason.BAD_NODEINFO, "no address of a known version") if url is None else {"url": url}
        case Kind.APPROVAL:
            return actors.describe_approval(body, next(iter(types(body)), ""))
        case _:
            return actors.describe_other(body, next(iter(types(body)), ""))


def _describe_carried(body: Mapping[str, object], carrier: Activity | None) -> dict[str, Any] | Fail:
    if carrier is None:
        post = parse_object(body)
        return post if isinstance(post, Fail) else describe_post(post)
    post = parse_object(body, default_author=carrier.actor if carrier.type == "Create" else None)
    if isinstance(post, Fail):
        return post
    # Takahe addresses the activity only.
    is_addressed = post.to or post.cc
    return describe_post(post if is_addressed else replace(post, to=carrier.to, cc=carrier.cc))


def _describe_activity(activity: Activity, depth: int) -> dict[str, Any]:
    reaction = activity.reaction
    is_comment = reaction is None and activity.content
    return without_empty(
        {
            "type": activity.type,
            "id": activity.id,
            "actor": activity.actor,
            **describe_audience(activity.to, activity.cc, activity.audience, activity.actor),
            "object": activity.object_id,
            "objects": list(activity.objects) if len(activity.objects) > 1 else None,
            "target": activity.target_id,
            "origin": activity.origin_id,
            "result": activity.result_id,
            "instrument": activity.instrument_id,
            "reaction": reaction.content if reaction is not None else None,
            "reaction_picture": reaction.emoji.url if reaction is not None and reaction.emoji is not None else None,
            "comment": to_plain_text(sanitise(activity.content)) if is_comment else None,
            "reason": to_plain_text(sanitise(activity.summary)),
            "published": stamp(activity.published),
            "ends": stamp(activity.ends),
            "inner": _inner(activity, depth),
        }
    )


def _inner(activity: Activity, depth: int) -> dict[str, Any] | None:
    """The document an activity brings along, or why it cannot be read; mere addresses are not told."""
    body = activity.object
    if body is None or depth >= _DEPTH_LIMIT or not body.keys() - {"id"}:
        return None
    kind = kind_of(body)
    said = describe(body, kind, carrier=activity if activity.type in ("Create", "Update") else None, depth=depth + 1)
    if isinstance(said, Fail):
        return {"kind": kind.value, "refused": str(said), **_as_far_as_it_goes(body, kind, said)}
    return {"kind": kind.value, **said}
