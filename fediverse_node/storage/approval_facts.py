"""Loads what decisions need to know of quotes and of what has to be approved; nothing where nothing is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select

from fediverse_node.domain.effects import NewObject
from fediverse_node.domain.facts import Needs
from fediverse_node.domain.model import Approval, Interaction, InteractionRequest, Object, Quote
from fediverse_node.storage.rows import APPROVAL_CODES, full_object_of, quote_of, request_of, select_full_object
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, interaction_requests, objects, quotes
from fediverse_node.storage.unit import Fetch, Unit

_PENDING = APPROVAL_CODES[Approval.PENDING]
_ACCEPTED = APPROVAL_CODES[Approval.ACCEPTED]

_QUOTES = Statement(select(quotes).where(one_of(quotes.c.object_id, "ids")))
_QUOTES_BY_REQUEST = Statement(select(quotes).where(one_of(quotes.c.request_uri, "uris")))
_QUOTES_BY_STAMP = Statement(select(quotes).where(one_of(quotes.c.stamp_uri, "uris")))
_WAITING = Statement(
    select(quotes).where(quotes.c.quoted_id.is_(None), quotes.c.state == _PENDING, one_of(quotes.c.quoted_uri, "uris"))
)
_REQUESTS = Statement(select(interaction_requests).where(one_of(interaction_requests.c.id, "ids")))
_REQUESTS_BY_URI = Statement(
    select(interaction_requests).where(
        or_(one_of(interaction_requests.c.uri, "uris"), one_of(interaction_requests.c.request_uri, "uris"))
    )
)
_REQUESTS_BY_STAMP = Statement(select(interaction_requests).where(one_of(interaction_requests.c.stamp_uri, "uris")))
_REQUESTS_BY_OBJECT = Statement(select(interaction_requests).where(one_of(interaction_requests.c.object_id, "ids")))
_WHOLE = Statement(select_full_object().where(one_of(objects.c.id, "ids")))
# Who is told when what they quoted is edited.
_QUOTERS = Statement(
    select(quotes.c.quoted_id, quotes.c.actor_id, quotes.c.object_id)
    .select_from(quotes.join(actors, actors.c.id == quotes.c.actor_id))
    .where(one_of(quotes.c.quoted_id, "ids"), quotes.c.state == _ACCEPTED, actors.c.local)
    .order_by(quotes.c.object_id)
)


@dataclass(slots=True)
class ApprovalFacts:
    """The fields of `Facts` of the same names, and what they refer to."""

    waiting_quotes: dict[str, tuple[Quote, ...]] = field(default_factory=dict)
    quotes: dict[int, Quote] = field(default_factory=dict)
    quotes_by_request: dict[str, Quote] = field(default_factory=dict)
    quotes_by_stamp: dict[str, tuple[Quote, ...]] = field(default_factory=dict)
    requests: dict[int, InteractionRequest] = field(default_factory=dict)
    requests_by_uri: dict[str, InteractionRequest] = field(default_factory=dict)
    requests_by_stamp: dict[str, tuple[InteractionRequest, ...]] = field(default_factory=dict)
    requests_by_object: dict[int, InteractionRequest] = field(default_factory=dict)
    records: dict[int, NewObject] = field(default_factory=dict)
    quoters: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def as_fields(self) -> dict[str, Any]:
        """What goes into `Facts`."""
        return {name: getattr(self, name) for name in self.__slots__}

    def found_quotes(self) -> list[Quote]:
        """All quotes that were found, each once."""
        several = (*self.waiting_quotes.values(), *self.quotes_by_stamp.values())
        found = [*self.quotes.values(), *self.quotes_by_request.values(), *(q for group in several for q in group)]
        return list({quote.object_id: quote for quote in found}.values())

    def found_requests(self) -> list[InteractionRequest]:
        """All requests that were found, each once."""
        found = [*self.requests.values(), *self.requests_by_uri.values(), *self.requests_by_object.values()]
        found += [request for group in self.requests_by_stamp.values() for request in group]
        return list({request.id: request for request in found}.values())

    def object_ids(self) -> set[int]:
        """The posts that they are about."""
        ids = {id_ for quote in self.found_quotes() for id_ in (quote.object_id, quote.quoted_id)}
        ids |= {id_ for request in self.found_requests() for id_ in (request.target_id, request.object_id)}
        return {id_ for id_ in ids if id_ is not None}

    def actor_ids(self) -> set[int]:
        """Those whom they are about, and whom the posts name that were loaded whole."""
        ids = {id_ for quote in self.found_quotes() for id_ in (quote.actor_id, quote.quoted_actor_id)}
        ids |= {id_ for request in self.found_requests() for id_ in (request.actor_id, request.target_actor_id)}
        for record in self.records.values():
            ids |= {record.actor_id, *record.mention_ids, *record.parts.get("held_for", ())}
        return {id_ for id_ in ids if id_ is not None}

    def speakers(self) -> set[int]:
        """Those whose readers would see something if it were approved of now."""
        return {
            request.actor_id
            for request in self.found_requests()
            if request.state is Approval.PENDING and request.kind is not Interaction.LIKE
        }


def load_approvals(
    needs: Sequence[Needs], found_objects: Mapping[str, Object], objects_by_id: Mapping[int, Object]
) -> Unit[ApprovalFacts]:
    """What these needs ask for."""
    facts = ApprovalFacts()
    waiting = {uri for need in needs for uri in need.orphans_of}
    for row in (yield from _fetch(_WAITING, uris=waiting)):
        quote = quote_of(row)
        facts.waiting_quotes[quote.quoted_uri] = (*facts.waiting_quotes.get(quote.quoted_uri, ()), quote)
    told = {id_ for need in needs if need.announcers for id_ in _named(need, found_objects, objects_by_id)}
    for row in (yield from _fetch(_QUOTERS, ids=told)):
        pair = (row["actor_id"], row["object_id"])
        facts.quoters[row["quoted_id"]] = (*facts.quoters.get(row["quoted_id"], ()), pair)
    if any(need.approvals or need.stamps or need.requests or need.activities for need in needs):
        yield from _load_named(facts, needs, found_objects, objects_by_id)
    if any(need.whole for need in needs):
        ids = {quote.object_id for quote in facts.found_quotes()}
        ids |= {request.object_id for request in facts.found_requests() if request.object_id is not None}
        facts.records = {row["id"]: full_object_of(row) for row in (yield from _fetch(_WHOLE, ids=ids))}
    return facts


def _load_named(
    facts: ApprovalFacts,
    needs: Sequence[Needs],
    found_objects: Mapping[str, Object],
    objects_by_id: Mapping[int, Object],
) -> Unit[None]:
    named = {id_ for need in needs if need.approvals for id_ in _named(need, found_objects, objects_by_id)}
    facts.quotes = {row["object_id"]: quote_of(row) for row in (yield from _fetch(_QUOTES, ids=named))}
    for row in (yield from _fetch(_REQUESTS_BY_OBJECT, ids=named)):
        facts.requests_by_object[row["object_id"]] = request_of(row)
    # Of Follows, which most of these activities are, nothing is found; who answers something else says so.
    asked = {uri for need in needs for uri in (*need.activities, *(need.objects if need.whole else ()))}
    for row in (yield from _fetch(_QUOTES_BY_REQUEST, uris=asked)):
        facts.quotes_by_request[row["request_uri"]] = quote_of(row)
    for row in (yield from _fetch(_REQUESTS_BY_URI, uris=asked)):
        request = request_of(row)
        facts.requests_by_uri |= {uri: request for uri in (request.uri, request.request_uri) if uri is not None}
    stamps = {uri for need in needs for uri in need.stamps}
    for row in (yield from _fetch(_QUOTES_BY_STAMP, uris=stamps)):
        facts.quotes_by_stamp[row["stamp_uri"]] = (*facts.quotes_by_stamp.get(row["stamp_uri"], ()), quote_of(row))
    for row in (yield from _fetch(_REQUESTS_BY_STAMP, uris=stamps)):
        found = facts.requests_by_stamp.get(row["stamp_uri"], ())
        facts.requests_by_stamp[row["stamp_uri"]] = (*found, request_of(row))
    ids = {id_ for need in needs for id_ in need.requests}
    facts.requests = {row["id"]: request_of(row) for row in (yield from _fetch(_REQUESTS, ids=ids))}


def _named(need: Needs, found_objects: Mapping[str, Object], objects_by_id: Mapping[int, Object]) -> Iterable[int]:
    yield from (found_objects[uri].id for uri in need.objects if uri in found_objects)
    yield from (id_ for id_ in need.object_ids if id_ in objects_by_id)


def _fetch(statement: Statement, **lists: set[Any]) -> Unit[list[Any]]:
    [(name, values)] = lists.items()
    if not values:
        return []
    rows = yield Fetch(statement, {name: sorted(values)})
    return list(rows)
