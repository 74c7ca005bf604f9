"""Takes in what a person's client puts into their outbox, once for each key, and says under which id it went out.

spec: ap#client-to-server-interactions. The order: read, permitted by the token, done before with the same key, done.
Not here: what may be done (domain), HTTP (web).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.effects import (
    Deliver,
    Effect,
    NewBlock,
    NewFollow,
    NewLike,
    Put,
)
from fediverse_node.domain.model import Actor, InteractionRequest
from fediverse_node.outbox import witness
from fediverse_node.outbox.bearer import Bearer
from fediverse_node.outbox.client_activities import saying
from fediverse_node.outbox.client_activities.faults import ClientFault, cannot, missing
from fediverse_node.outbox.client_activities.ports import Acted, Ports
from fediverse_node.outbox.client_activities.reading import Wish, read_wish
from fediverse_node.outbox.client_activities.relating import ACTS
from fediverse_node.protocol.contexts import with_context
from fediverse_node.protocol.reading import type_among
from fediverse_node.storage.queries.outbox import ACTOR
from fediverse_node.storage.queries.submissions import BY_KEY, remember
from fediverse_node.storage.queries.users import USER
from fediverse_node.storage.rows import actor_of
from fediverse_node.storage.unit import Unit

# What a token must hold, of several any one; the broad `write` is enough for all.
SCOPES: Mapping[str, str] = {
    "Create": "write:statuses",
    "Update": "write:statuses",
    "Delete": "write:statuses",
    "Announce": "write:statuses",
    "Like": "write:favourites",
    "Follow": "write:follows",
    "Accept": "write:follows",
    "Reject": "write:follows",
    "Undo": "write",
    "Block": "write:blocks",
    "Add": "write:accounts",
    "Remove": "write:accounts",
    "Flag": "write:reports",
    "Move": "write:accounts",
}


@dataclass(frozen=True, slots=True)
class Done:
    """The activity as it is now, under the id that it was given."""

    uri: str
    document: Mapping[str, Any]


class ClientDesk:
    """The outbox of everybody here, for ActivityPub clients."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._running: dict[tuple[int, str], asyncio.Future[Done | Fail | TemporaryFail]] = {}

    async def submit(self, bearer: Bearer, body: bytes, *, key: str | None = None) -> Done | Fail | TemporaryFail:
        """Do what the activity in `body` says. `key`: the same one gives the same answer, and is done once.

        The work goes on when the client hangs up: it will ask again with the same key.
        """
        if key is None:
            outcome = await self._submit(bearer, body, None)
        else:
            place = (bearer.actor_id, key)
            running = self._running.get(place)
            if running is None:
                running = self._running[place] = asyncio.ensure_future(self._submit(bearer, body, key))
                running.add_done_callback(lambda _: self._running.pop(place, None))
            outcome = await asyncio.shield(running)
        note("client.submitted", None if isinstance(outcome, Done) else outcome, actor=bearer.actor_id)
        return outcome

    async def _submit(self, bearer: Bearer, body: bytes, key: str | None) -> Done | Fail | TemporaryFail:
        ports = self._ports
        row = await ports.database.fetch_one(ACTOR, id_=bearer.actor_id)
        if row is None:
            return missing("the account of this token")
        author = actor_of(row)
        wish = await read_wish(body, author, ports.compactor)
        if not isinstance(wish, Wish):
            return wish
        scope = SCOPES.get(wish.type)
        if scope is None:
            return cannot(f"{', '.join(SCOPES)} can be sent to an outbox here, and no {wish.type}")
        if not bearer.may(_scope_of(scope, wish, author)):
            return Fail(ClientFault.SCOPE_MISSING, f"the token needs write, or {scope}")
        if key is not None:
            before = await ports.database.fetch_one(BY_KEY, actor_id=author.id, key=key)
            if before is not None:
                return Done(before["uri"], orjson.loads(before["document"]))
        return await self._act(bearer, author, wish, key)

    async def _act(self, bearer: Bearer, author: Actor, wish: Wish, key: str | None) -> Done | Fail | TemporaryFail:
        noted: list[str] = []

        def beside(uri: str) -> Unit[None]:
            noted[:] = [uri]
            yield from self._remembering(author, uri, _told(wish, author, Acted(wish.object_uri or ""), uri), key)

        with witness.watching() as effects:
            acted = await self._do(bearer, author, wish, beside)
        if not isinstance(acted, Acted):
            return acted
        uri = acted.uri or _uri_in(effects, wish.type) or self._new_uri(author, wish)
        document = _told(wish, author, acted, uri)
        if uri not in noted:
            await self._ports.writer.run(lambda: self._remembering(author, uri, document, key))
        return Done(uri, document)

    async def _do(
        self, bearer: Bearer, author: Actor, wish: Wish, beside: saying.Beside
    ) -> Acted | Fail | TemporaryFail:
        ports = self._ports
        if wish.type == "Create":
            user = await ports.database.fetch_one(USER, id=bearer.user_id)
            settings = orjson.loads(user["settings"]) if user is not None else {}
            word = settings.get("quote_policy")
            return await saying.create(
                ports, author, wish, beside=beside, app_id=bearer.app_id, quote_word=str(word) if word else None
            )
        if wish.type == "Update":
            return await saying.update(ports, author, wish)
        if wish.type == "Delete":
            return await saying.delete(ports, author, wish)
        return await ACTS[wish.type](ports, author, wish)

    def _remembering(self, author: Actor, uri: str, document: Mapping[str, Any], key: str | None) -> Unit[None]:
        world = self._ports.world
        yield from remember(world.ids.next(), author.id, uri, document, key=key, now_ms=world.clock.now_ms())

    def _new_uri(self, author: Actor, wish: Wish) -> str:
        """The id of what concerns nobody elsewhere, and so was given none."""
        world = self._ports.world
        return world.names.activity(author.username, wish.type.lower(), world.ids.next())


def _scope_of(scope: str, wish: Wish, author: Actor) -> str:
    """An Update of the profile needs another permission than one of a post; an Undo, that of what is taken back."""
    if wish.type == "Update" and wish.object_uri == author.uri:
        return "write:accounts"
    if wish.type == "Undo" and wish.object is not None:
        return SCOPES.get(type_among(wish.object, SCOPES), scope)
    return scope


def _uri_in(effects: Iterable[Effect], type_: str) -> str | None:
    """The id under which the activity was sent or stored."""
    effects = list(effects)
    for effect in effects:
        if isinstance(effect, Deliver) and effect.type == type_:
            return effect.uri
    for record in (effect.record for effect in effects if isinstance(effect, Put)):
        is_it = (
            (isinstance(record, NewLike) and type_ == "Like")
            or (isinstance(record, NewFollow) and type_ == "Follow")
            or (isinstance(record, NewBlock) and type_ == "Block")
            or isinstance(record, InteractionRequest)
        )
        uri = getattr(record, "uri", None) if is_it else None
        if isinstance(uri, str):
            return uri
    return None


def _told(wish: Wish, author: Actor, acted: Acted, uri: str) -> dict[str, Any]:
    """The activity as its own client sees it; whom it was for unnamed is not in it.  spec: ap#client-addressing"""
    thing = list(acted.object) if isinstance(acted.object, tuple) else acted.object
    if isinstance(thing, Mapping):
        thing = {name: value for name, value in thing.items() if name != "@context"}
    document: dict[str, object] = {"id": uri, "type": wish.type, "actor": author.uri, "object": thing}
    if acted.target is not None:
        document["target"] = acted.target
    if isinstance(thing, Mapping) and wish.type == "Create":
        document |= {name: thing[name] for name in ("to", "cc", "published") if name in thing}
    return with_context({**document, **acted.more})
