"""Quotes and requests change their state, and what is shown and counted with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, SmallInteger, Text, bindparam, delete, select, update

from fediverse_node.domain.effects import NewObject, QuoteKey, RequestKey
from fediverse_node.domain.facts import Facts
from fediverse_node.domain.interaction_policy import opens, policy_of_plain
from fediverse_node.domain.model import Approval, Interaction, InteractionRequest, Quote, Visibility, visibility_code
from fediverse_node.protocol.uris import host_of, same_origin
from fediverse_node.storage.apply.counting import count_actors, count_objects, count_said
from fediverse_node.storage.apply.words import put_words
from fediverse_node.storage.events import Applied, Edited
from fediverse_node.storage.rows import APPROVAL_CODES, dump_json, quote_values, request_values
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import actors, fetches, interaction_requests, mentions, objects, quotes
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

_PENDING, _ACCEPTED = APPROVAL_CODES[Approval.PENDING], APPROVAL_CODES[Approval.ACCEPTED]
_DIRECT, _UNLISTED = visibility_code(Visibility.DIRECT), visibility_code(Visibility.UNLISTED)
# Answers that all wait for one that waits: more of them than this are a flood.
_MOST_RELEASED = 100

_ID = bindparam("id_", type_=BigInteger())
_QUOTE = Statement(select(quotes.c.state, quotes.c.quoted_id).where(quotes.c.object_id == _ID))
_SET_QUOTE = upsert(
    quotes,
    (
        *("object_id", "actor_id", "quoted_uri", "quoted_id", "quoted_actor_id"),
        *("state", "stamp_uri", "request_uri", "checked_ms"),
    ),
    ("object_id",),
)
_FORGET_QUOTE = Statement(delete(quotes).where(quotes.c.object_id == _ID).returning(quotes.c.state, quotes.c.quoted_id))
_SHOWN_QUOTES = Statement(
    select(quotes.c.object_id, quotes.c.quoted_id).where(one_of(quotes.c.object_id, "ids"), quotes.c.state == _ACCEPTED)
)
# What was rejected or revoked before stays that; the rest can be seen no more.
_BEREAVE = Statement(
    update(quotes)
    .where(one_of(quotes.c.quoted_id, "ids"), quotes.c.state <= _ACCEPTED)
    .values(state=APPROVAL_CODES[Approval.DELETED])
    .returning(quotes.c.object_id)
)
_TOUCH = Statement(update(objects).where(one_of(objects.c.id, "ids")).values(version=objects.c.version + 1))
_HELD = Statement(
    select(
        objects.c.actor_id,
        objects.c.local,
        objects.c.visibility,
        objects.c.published_ms,
        objects.c.in_reply_to_id,
        objects.c.parts,
        objects.c.policy,
    ).where(objects.c.id == _ID)
)
_SET_PARTS = Statement(
    update(objects)
    .where(objects.c.id == _ID)
    .values(parts=bindparam("new_parts", type_=Text()), version=objects.c.version + 1)
)
_SET_SHOWN = Statement(
    update(objects)
    .where(objects.c.id == _ID)
    .values(
        visibility=bindparam("new_visibility", type_=SmallInteger()),
        parts=bindparam("new_parts", type_=Text()),
        policy=bindparam("new_policy", type_=Text()),
        version=objects.c.version + 1,
    )
)
_FORGET_MENTIONS = Statement(
    delete(mentions).where(mentions.c.object_id == _ID, mentions.c.actor_id != bindparam("kept_id", type_=BigInteger()))
)
_MENTIONED = Statement(select(mentions.c.actor_id).where(mentions.c.object_id == _ID))
_REQUEST = Statement(select(interaction_requests.c.state).where(interaction_requests.c.id == _ID))
_SET_REQUEST = Statement(
    update(interaction_requests)
    .where(interaction_requests.c.id == _ID)
    .values(
        state=bindparam("new_state", type_=SmallInteger()),
        stamp_uri=bindparam("new_stamp", type_=Text()),
        request_uri=bindparam("new_request_uri", type_=Text()),
        decided_ms=bindparam("moment_ms", type_=BigInteger()),
    )
)
_FORGET_REQUEST = Statement(delete(interaction_requests).where(interaction_requests.c.id == _ID))
_WAITING_BELOW = Statement(
    select(interaction_requests.c.id, interaction_requests.c.object_id, interaction_requests.c.visibility)
    .where(
        interaction_requests.c.target_id == _ID,
        interaction_requests.c.state == _PENDING,
        interaction_requests.c.object_id.is_not(None),
    )
    .order_by(interaction_requests.c.id)
    .limit(_MOST_RELEASED)
)
_CHILDREN = Statement(
    select(
        objects.c.id,
        objects.c.uri,
        objects.c.actor_id,
        objects.c.visibility,
        objects.c.parts,
        actors.c.uri.label("actor_uri"),
    )
    .select_from(objects.join(actors, actors.c.id == objects.c.actor_id))
    .where(objects.c.in_reply_to_id == _ID, objects.c.visibility < _DIRECT)
    .order_by(objects.c.id)
)


# Quotes


def insert_quotes(records: Sequence[Quote]) -> Unit[None]:
    """What new posts quote."""
    if not records:
        return
    done = yield Insert(quotes, [quote_values(quote) for quote in records])
    shown = [records[position] for position in done if records[position].state is Approval.ACCEPTED]
    yield from count_objects("quotes_count", [quote.quoted_id for quote in shown if quote.quoted_id is not None])


def settle_quote(quote: Quote, applied: Applied) -> Unit[None]:
    """A quote is now as it says, and the document of a post of ours names its stamp or none."""
    before = yield Fetch(_QUOTE, {"id_": quote.object_id})
    rows = yield Fetch(_HELD, {"id_": quote.object_id})
    if not rows:  # the post is gone
        return
    yield Run(_SET_QUOTE, [quote_values(quote)])
    for row in before:
        yield from count_objects("quotes_count", _counted(row["state"], [row["quoted_id"]]), -1)
    yield from count_objects("quotes_count", _counted(APPROVAL_CODES[quote.state], [quote.quoted_id]))
    parts = orjson.loads(rows[0]["parts"])
    if rows[0]["local"]:
        parts.pop("quote_stamp", None)
        if quote.state is Approval.ACCEPTED and quote.stamp_uri is not None:
            parts["quote_stamp"] = quote.stamp_uri
    yield Run(_SET_PARTS, [{"id_": quote.object_id, "new_parts": dump_json(parts)}])
    applied.events.append(Edited(quote.object_id))


def _counted(state: int, quoted_ids: Iterable[int | None]) -> list[int]:
    return [id_ for id_ in quoted_ids if id_ is not None] if state == _ACCEPTED else []


def remove_quote(key: QuoteKey, applied: Applied) -> Unit[None]:
    """The post quotes nothing any more."""
    gone = yield Fetch(_FORGET_QUOTE, {"id_": key.object_id})
    for row in gone:
        yield from count_objects("quotes_count", _counted(row["state"], [row["quoted_id"]]), -1)
    if gone:
        yield Run(_TOUCH, [{"ids": [key.object_id]}])
        applied.events.append(Edited(key.object_id))


def before_removal(ids: Sequence[int], applied: Applied) -> Unit[None]:
    """These posts are about to go: what they quote is quoted less, and what quotes them says that it is gone."""
    shown = yield Fetch(_SHOWN_QUOTES, {"ids": list(ids)})
    leaving = set(ids)
    yield from count_objects("quotes_count", [row["quoted_id"] for row in shown if row["quoted_id"] not in leaving], -1)
    bereaved = [row["object_id"] for row in (yield Fetch(_BEREAVE, {"ids": list(ids)}))]
    left = sorted(set(bereaved) - leaving)
    if left:
        yield Run(_TOUCH, [{"ids": left}])
        applied.events += [Edited(object_id) for object_id in left]


# Requests


def insert_requests(records: Sequence[InteractionRequest], now_ms: int) -> Unit[None]:
    """What waits for approval, or was approved on the spot."""
    if records:
        yield Insert(interaction_requests, [request_values(request, now_ms=now_ms) for request in records])


def settle_request(request: InteractionRequest, now_ms: int, applied: Applied) -> Unit[None]:
    """A request is now as it says. A reply is shown to whom it is for, or to hardly anybody."""
    before = yield Fetch(_REQUEST, {"id_": request.id})
    if not before:
        return
    yield Run(_SET_REQUEST, [_new_state(request.id, request.state, request.stamp_uri, request.request_uri, now_ms)])
    if request.kind is not Interaction.REPLY or request.object_id is None:
        return
    was_shown = before[0]["state"] == _ACCEPTED
    if request.state is Approval.ACCEPTED and not was_shown:
        reach = visibility_code(request.visibility or Visibility.DIRECT)
        yield from _release(request.object_id, reach, request.stamp_uri, applied)
        yield from _release_below(request.object_id, now_ms, applied)
    elif request.state is not Approval.ACCEPTED and was_shown:
        yield from _hide(request.object_id, request.target_actor_id, applied)
    else:
        yield Run(_TOUCH, [{"ids": [request.object_id]}])
        applied.events.append(Edited(request.object_id))


def _new_state(id_: int, state: Approval, stamp: str | None, request_uri: str | None, now_ms: int) -> dict[str, Any]:
    return {
        "id_": id_,
        "new_state": APPROVAL_CODES[state],
        "new_stamp": stamp,
        "new_request_uri": request_uri,
        "moment_ms": None if state is Approval.PENDING else now_ms,
    }


def remove_request(key: RequestKey) -> Unit[None]:
    """It was taken back."""
    yield Run(_FORGET_REQUEST, [{"id_": key.id}])


def _release(object_id: int, reach: int, stamp_uri: str | None, applied: Applied) -> Unit[None]:
    rows = yield Fetch(_HELD, {"id_": object_id})
    if not rows:
        return
    row, parts = rows[0], orjson.loads(rows[0]["parts"])
    told = parts.pop("held_for", ())
    if stamp_uri is not None:
        parts["reply_stamp"] = stamp_uri
    policy = orjson.loads(row["policy"]) if row["policy"] else {}
    policy.pop("held", None)
    yield Run(
        _SET_SHOWN,
        [
            {
                "id_": object_id,
                "new_visibility": reach,
                "new_parts": dump_json(parts),
                "new_policy": dump_json(policy) if policy else None,
            }
        ],
    )
    yield Insert(mentions, [{"object_id": object_id, "actor_id": actor_id} for actor_id in dict.fromkeys(told)])
    yield from put_words([object_id])
    if reach != _DIRECT:
        yield from count_said({row["actor_id"]: [row["published_ms"]]})
    if reach <= _UNLISTED and row["in_reply_to_id"] is not None:
        yield from count_objects("replies_count", [row["in_reply_to_id"]])
    applied.events.append(Edited(object_id))


def _release_below(object_id: int, now_ms: int, applied: Applied) -> Unit[None]:
    """What waited only because it answers something that waited."""
    waiting, released = [object_id], 0
    while waiting and released < _MOST_RELEASED:
        parent_id = waiting.pop()
        rows = yield Fetch(_HELD, {"id_": parent_id})
        stored = rows[0]["policy"] if rows else None
        policy = policy_of_plain(orjson.loads(stored)) if stored else None
        if not rows or (policy is not None and not opens(policy.reply)):
            continue
        for row in (yield Fetch(_WAITING_BELOW, {"id_": parent_id})):
            yield Run(_SET_REQUEST, [_new_state(row["id"], Approval.ACCEPTED, None, None, now_ms)])
            reach = _DIRECT if row["visibility"] is None else row["visibility"]
            yield from _release(row["object_id"], reach, None, applied)
            waiting.append(row["object_id"])
            released += 1


def _hide(object_id: int, kept_id: int, applied: Applied) -> Unit[None]:
    rows = yield Fetch(_HELD, {"id_": object_id})
    if not rows or rows[0]["visibility"] == _DIRECT:
        return
    row, parts = rows[0], orjson.loads(rows[0]["parts"])
    parts["held_for"] = [found["actor_id"] for found in (yield Fetch(_MENTIONED, {"id_": object_id}))]
    policy = {**(orjson.loads(row["policy"]) if row["policy"] else {}), "held": True}
    values = {"id_": object_id, "new_visibility": _DIRECT, "new_parts": dump_json(parts)}
    yield Run(_SET_SHOWN, [{**values, "new_policy": dump_json(policy)}])
    yield Run(_FORGET_MENTIONS, [{"id_": object_id, "kept_id": kept_id}])
    if row["actor_id"] != kept_id:
        yield Insert(mentions, [{"object_id": object_id, "actor_id": kept_id}])
    yield from put_words([object_id])
    yield from count_actors("statuses_count", [row["actor_id"]], -1)
    if row["visibility"] <= _UNLISTED and row["in_reply_to_id"] is not None:
        yield from count_objects("replies_count", [row["in_reply_to_id"]], -1)
    applied.events.append(Edited(object_id))


def hold_orphans(records: Sequence[NewObject], facts: Facts, applied: Applied) -> Unit[None]:
    """A post comes in after its answers, and says who may answer: the others' wait for its author's approval."""
    for record in records:
        permission = record.policy.reply if record.policy is not None else None
        author = facts.actors_by_id.get(record.actor_id)
        if opens(permission) or permission is None or author is None or record.uri not in facts.awaited:
            continue
        for row in (yield Fetch(_CHILDREN, {"id_": record.id})):
            is_welcome = row["actor_id"] in (record.actor_id, *record.mention_ids)
            if is_welcome or row["actor_uri"] in permission.automatic:
                continue
            claimed = orjson.loads(row["parts"]).get("reply_stamp")
            stamp = claimed if isinstance(claimed, str) and same_origin(claimed, author.uri) else None
            request = {
                "id": facts.world.ids.next(),
                "kind": Interaction.REPLY.value,
                "actor_id": row["actor_id"],
                "target_id": record.id,
                "target_actor_id": record.actor_id,
                "object_id": row["id"],
                "uri": row["uri"],
                "state": _PENDING,
                "request_uri": None,
                "stamp_uri": stamp,
                "visibility": row["visibility"],
                "created_ms": facts.now_ms(),
                "decided_ms": None,
            }
            yield Insert(interaction_requests, [request])
            yield from _hide(row["id"], record.actor_id, applied)
            if stamp is not None:
                host = host_of(stamp) or ""
                asked = {"id": facts.world.ids.next(), "uri": stamp, "kind": "stamp", "host": host, "depth": 0}
                yield Insert(fetches, [{**asked, "due_ms": facts.now_ms()}])
                applied.fetches = True
