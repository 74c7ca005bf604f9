"""Bytes become an activity and its object: JSON, the context gate, the tolerant codec."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.inbox.answer import Turned
from fediverse_node.protocol.activitystreams import Activity, parse_activity
from fediverse_node.protocol.jsonld import NeedsProcessing, gate
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.uris import same_origin
from fediverse_node.transport.dereference import Compactor, parse_json_object

Permit = Callable[[], Awaitable[Fail | TemporaryFail | None]]


@dataclass(frozen=True, slots=True)
class Understood:
    """`object` is set where the embedded object can be taken at its word: same origin and author as the actor."""

    activity: Activity
    object: ObjectDocument | None = None


async def understand(
    body: bytes, compactor: Compactor, *, permit: Permit | None = None
) -> Understood | Fail | TemporaryFail:
    """What a request body says. A strange JSON-LD context is resolved in the killable worker.

    That is costly, so `permit` is asked before: it says why it should not be done for this sender, if so.
    """
    document = parse_json_object(body)
    if isinstance(document, Fail):
        return Fail(Turned.NOT_JSON, document.detail)
    verdict = gate(document, size_bytes=len(body))
    if isinstance(verdict, Fail):
        return verdict
    plain: Mapping[str, object] = document
    if isinstance(verdict, NeedsProcessing):
        refusal = await permit() if permit is not None else None
        if refusal is not None:
            return refusal
        processed = await compactor.compact(document)
        if not isinstance(processed, dict):
            return processed
        plain = processed
    activity = parse_activity(plain)
    if isinstance(activity, Fail):
        return activity
    return Understood(activity, embedded_object(activity))


def embedded_object(activity: Activity) -> ObjectDocument | None:
    """The embedded object if the actor may speak for it, else None: then it is fetched from its origin.

    spec: fep-fe34#embedding
    """
    if activity.object is None:
        return None
    document = parse_object(activity.object)
    if isinstance(document, Fail):
        return None
    if document.attributed_to != activity.actor or not same_origin(document.id, activity.actor):
        return None
    return document
