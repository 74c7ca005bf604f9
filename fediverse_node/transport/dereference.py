"""Documents of other servers by their ids: signed, typed, gated, and only from the place that may speak for them.

A document counts only if it was found at its own id: the id equals the address that answered, or the id was asked for
and its own origin answered. Otherwise the id is asked, once.  spec: ap#retrieving-objects, fep-fe34
Whether the content is wanted, and what it changes, is not decided here; nothing is cached.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import orjson

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.protocol.actors import ActorDocument, parse_actor
from fediverse_node.protocol.jsonld import NeedsProcessing, gate
from fediverse_node.protocol.media_types import is_activity_type
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reasons import WireReason
from fediverse_node.protocol.uris import host_of, same_origin, strip_fragment
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.exchange import DEFAULT_TIMEOUT_S, Response
from fediverse_node.transport.faults import FetchFault, status_fault
from fediverse_node.transport.urls import is_same_resource

_SLOWEST_FETCH_S = DEFAULT_TIMEOUT_S


class SignedGet(Protocol):
    """What `signed_request.Signer` gives to this module."""

    async def get(self, url: str, *, timeout_s: float = ...) -> Response | Fail | TemporaryFail:
        """A signed GET that asks for ActivityPub."""
        ...


class Compactor(Protocol):
    """What `jsonld_worker.JsonLdWorker` gives to this module."""

    async def compact(self, document: Mapping[str, object]) -> dict[str, object] | Fail | TemporaryFail:
        """The document in our own context, after JSON-LD processing."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """An authentic document: its id, the address that answered (without fragment), and all of it."""

    id: str
    url: str
    body: Mapping[str, object]


class Dereferencer:
    """Fetches documents, actors and objects. One for the whole process."""

    def __init__(self, signed: SignedGet, *, compactor: Compactor) -> None:
        self._signed = signed
        self._compactor = compactor

    async def fetch_document(self, uri: str, *, budget: Budget) -> Document | Fail | TemporaryFail:
        """The document called `uri`, or the one `uri` leads to (a page's address): see `Document.id`.

        GONE only on 410. At most two requests, each of at most 3 redirects.
        """
        found = await self._fetch_once(uri, budget)
        if isinstance(found, Document) and not _is_authentic(found, asked=uri):
            note("fetch.own_id", None, asked=uri, id=found.id)
            found = await self._fetch_at_its_id(found.id, budget)
        if isinstance(found, Document):
            note("fetch.document", None, asked=uri, id=found.id)
        else:
            note("fetch.document", found, asked=uri)
        return found

    async def _fetch_at_its_id(self, id_: str, budget: Budget) -> Document | Fail | TemporaryFail:
        found = await self._fetch_once(id_, budget)
        if not isinstance(found, Document) or _is_authentic(found, asked=id_):
            return found
        return Fail(FetchFault.ID_MISMATCH, f"asked for {id_[:200]}, answered with {found.id[:200]}")

    async def fetch_actor(self, uri: str, *, budget: Budget) -> ActorDocument | Fail | TemporaryFail:
        """The actor called `uri`. Claims about other origins are left out; without an inbox it is no actor."""
        document = await self.fetch_document(uri, budget=budget)
        if not isinstance(document, Document):
            return document
        actor = read_actor(document.body)
        if isinstance(actor, Fail):
            note("fetch.actor", actor, id=document.id)
        else:
            note("fetch.actor", None, id=actor.id, inbox=actor.inbox)
        return actor

    async def fetch_object(self, uri: str, *, budget: Budget) -> ObjectDocument | Fail | TemporaryFail:
        """The post called `uri`; its author is of the same origin. A Tombstone is GONE."""
        document = await self.fetch_document(uri, budget=budget)
        if not isinstance(document, Document):
            return document
        object_ = _read_object(document.body)
        note("fetch.object", object_ if isinstance(object_, Fail) else None, id=document.id)
        return object_

    async def _fetch_once(self, uri: str, budget: Budget) -> Document | Fail | TemporaryFail:
        host = host_of(uri)
        if host is None:
            return Fail(FetchFault.BAD_URL, uri[:200].encode("ascii", "backslashreplace").decode())
        spent = budget.take(host)
        if spent is not None:
            return spent
        timeout_s = min(_SLOWEST_FETCH_S, budget.remaining_s())
        response = await self._signed.get(strip_fragment(uri), timeout_s=timeout_s)
        if not isinstance(response, Response):
            return response
        fault = status_fault(response.status)
        if fault is not None:
            return fault
        return await self._read(response)

    async def _read(self, response: Response) -> Document | Fail | TemporaryFail:
        # An upload that a server hands out as it came must not pass for one of its documents.
        if not is_activity_type(response.content_type):
            return Fail(FetchFault.NOT_ACTIVITY, response.content_type[:100])
        body = parse_json_object(response.body)
        if isinstance(body, Fail):
            return body
        verdict = gate(body, size_bytes=len(response.body))
        if isinstance(verdict, Fail):
            return verdict
        if isinstance(verdict, NeedsProcessing):
            processed = await self._compactor.compact(body)
            if not isinstance(processed, dict):
                return processed
            body = processed
        id_ = body.get("id")
        if not isinstance(id_, str):
            return Fail(WireReason.NO_ID, response.url[:200])
        return Document(id_, response.url, body)


def _is_authentic(found: Document, *, asked: str) -> bool:
    if is_same_resource(found.id, found.url):
        return True
    # Servers redirect an id within their own origin (a trailing slash, say): it is still theirs to say.
    return is_same_resource(found.id, asked) and same_origin(found.id, found.url)


def parse_json_object(data: bytes) -> dict[str, object] | Fail:
    """A JSON object, or MALFORMED."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return Fail(FetchFault.MALFORMED, f"JSON: {str(error)[:100]}")
    return value if isinstance(value, dict) else Fail(WireReason.NOT_AN_OBJECT)


def read_actor(body: Mapping[str, object]) -> ActorDocument | Fail:
    """An actor from its authentic document, without what only another origin could say. See `fetch_actor`.

    A followers address elsewhere would let a stranger claim the audience of other people's posts; a shared inbox
    elsewhere would receive what is meant for this actor's server; keys elsewhere or of other owners sign for nobody.
    """
    parsed = parse_actor(body)
    if isinstance(parsed, Fail):
        return _gone(parsed)
    if parsed.inbox is None or host_of(parsed.inbox) is None:
        return Fail(FetchFault.NOT_AN_ACTOR, f"{parsed.id[:200]} has no usable inbox")

    def own(address: str | None) -> str | None:
        return address if address is not None and same_origin(address, parsed.id) else None

    shared_inbox = parsed.shared_inbox
    return replace(
        parsed,
        shared_inbox=shared_inbox if shared_inbox is not None and same_origin(shared_inbox, parsed.inbox) else None,
        outbox=own(parsed.outbox),
        followers=own(parsed.followers),
        following=own(parsed.following),
        featured=own(parsed.featured),
        featured_tags=own(parsed.featured_tags),
        public_keys=tuple(key for key in parsed.public_keys if key.owner == parsed.id and own(key.id)),
    )


def _read_object(body: Mapping[str, object]) -> ObjectDocument | Fail:
    parsed = parse_object(body)
    if isinstance(parsed, Fail):
        return _gone(parsed)
    if not same_origin(parsed.attributed_to, parsed.id):
        return Fail(FetchFault.AUTHOR_ELSEWHERE, f"{parsed.attributed_to[:200]} of {parsed.id[:200]}")
    return parsed


def _gone(fault: Fail) -> Fail:
    return Fail(FetchFault.GONE, "a tombstone") if fault.reason is WireReason.GONE else fault
