"""Bytes become an activity and its object: JSON, the context gate, the tolerant codec."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import is_watched, note
from fediverse_node.inbox.answer import Turned
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.jsonld import NeedsProcessing, Plain, gate
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reading import JsonObject, mapping
from fediverse_node.protocol.uris import same_origin
from fediverse_node.transport.dereference import Compactor, parse_json_object

Permit = Callable[[], Awaitable[Fail | TemporaryFail | None]]


@dataclass(frozen=True, slots=True)
class Understood:
    """`object` is set where the embedded object can be taken at its word: same origin and author as the actor.

    `document` is the JSON that came, before any JSON-LD processing: what a proof in it was made over.
    """

    activity: Activity
    object: ObjectDocument | None = None
    document: JsonObject = field(default_factory=dict, repr=False, compare=False)


async def understand(
    body: bytes, compactor: Compactor, *, permit: Permit | None = None
) -> Understood | Fail | TemporaryFail:
    """What a request body says. A strange JSON-LD context is resolved in the killable worker.

    That is costly, so `permit` is asked before: it says why it should not be done for this sender, if so.
    """
    document = parse_json_object(body)
    if isinstance(document, Fail):
        fault = Fail(Turned.NOT_JSON, document.detail)
        note("understand.json", fault)
        return fault
    note("understand.json")
    return await understand_document(document, compactor, size_bytes=len(body), permit=permit)


async def understand_document(
    document: Mapping[str, object], compactor: Compactor, *, size_bytes: int = 0, permit: Permit | None = None
) -> Understood | Fail | TemporaryFail:
    """The same for what is a JSON object already."""
    verdict = gate(document, size_bytes=size_bytes)
    _note_gate(verdict)
    if isinstance(verdict, Fail):
        return verdict
    plain: Mapping[str, object] = document
    if isinstance(verdict, NeedsProcessing):
        processed = await _process(document, compactor, permit)
        if not isinstance(processed, dict):
            return processed
        plain = processed
    return read(plain, document)


def read(plain: Mapping[str, object], document: Mapping[str, object]) -> Understood | Fail:
    """What an activity says that may be read as plain JSON, and came as `document`."""
    activity = parse_activity(plain)
    if isinstance(activity, Fail):
        note("understand.activity", activity)
        return activity
    note(
        "understand.activity",
        None,
        id=activity.id or "",
        type=activity.type,
        actor=activity.actor,
        object=activity.object_id or "",
    )
    understood = Understood(activity, embedded_object(activity), document)
    if activity.object is not None:
        note("understand.object", None, trusted=understood.object is not None)
    return understood


async def _process(
    document: Mapping[str, object], compactor: Compactor, permit: Permit | None
) -> dict[str, object] | Fail | TemporaryFail:
    if permit is not None:
        refusal = await permit()
        note("understand.permit", refusal)
        if refusal is not None:
            return refusal
    processed = await compactor.compact(document)
    note("understand.jsonld", None if isinstance(processed, dict) else processed)
    return processed


def _note_gate(verdict: Plain | NeedsProcessing | Fail) -> None:
    if not is_watched():
        return
    match verdict:
        case Fail():
            note("understand.context", verdict)
        case NeedsProcessing(reason, detail):
            note("understand.context", None, read="as JSON-LD", because=str(Fail(reason, detail)))
        case Plain(ignored):
            note("understand.context", None, read="as plain JSON", ignored=list(ignored))


def embedded_object(activity: Activity) -> ObjectDocument | None:
    """The embedded object if the actor may speak for it, else None: then it is fetched from its origin.

    spec: fep-fe34#embedding
    """
    thing = activity.object
    if activity.type in ("QuoteRequest", "ReplyRequest"):
        # What is asked for is about the object; the post that would be published comes along with it.
        thing = mapping(activity.raw.get("instrument")) or None
    if thing is None:
        return None
    # Whoever creates something and does not say whose it is, is its author.
    document = parse_object(thing, default_author=activity.actor if activity.type == "Create" else None)
    if isinstance(document, Fail):
        return None
    if document.attributed_to != activity.actor or not same_origin(document.id, activity.actor):
        return None
    return document
