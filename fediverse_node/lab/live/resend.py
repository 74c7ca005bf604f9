"""Sends a request again, or an edited one: from nobody, or signed by a person of the world with their own key."""

from __future__ import annotations

import asyncio

from fediverse_node.base.errors import NodeError
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.lab.exchange import Exchange, Message
from fediverse_node.lab.live.ends import dump_message
from fediverse_node.lab.live.world import LiveWorld
from fediverse_node.lab.place import cause, place
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.request import Request
from fediverse_node.signatures.sign import sign_cavage
from fediverse_node.storage.queries.registration import ACTOR_ID

_PATIENCE_S = 35.0


class Resender:
    """The `Resend` of a live world, for its inspector."""

    def __init__(self, world: LiveWorld) -> None:
        self._world = world

    async def __call__(self, message: Message, host: str, *, sign_as: str | None = None) -> Exchange:
        """Send `message` to `host`, signed as the actor `sign_as`; the exchange, once it is answered.

        Raises NodeError where there is nobody to send to or to sign as, and where nobody answers.
        """
        site = self._world.network.sites.get(host)
        if site is None:
            raise NodeError(f"there is no {host} in this world")
        if sign_as is not None:
            message = await self._signed(message, host, sign_as)
        answered: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        number = self._world.recording.next_number

        def hear(exchange: Exchange) -> None:
            if exchange.number == number and (exchange.answer or exchange.failure) and not answered.done():
                answered.set_result(exchange)

        stop = self._world.recording.listen(hear)
        # What is sent here is sent by the developer, not because of what this page did before.
        places = place.set(host_of(sign_as) or "" if sign_as else ""), cause.set(None)
        try:
            connection = self._world.network.connect(asyncio.Protocol(), site, {"sslcontext": True})
            connection.client.write(dump_message(message))
            async with asyncio.timeout(_PATIENCE_S):
                return await answered
        except TimeoutError as error:
            raise NodeError(f"{host} did not answer within {_PATIENCE_S:.0f} s") from error
        finally:
            place.reset(places[0])
            cause.reset(places[1])
            stop()

    async def _signed(self, message: Message, host: str, actor_uri: str) -> Message:
        node = self._world.nodes.get(host_of(actor_uri) or "")
        row = await node.node.core.database.fetch_one(ACTOR_ID, uri=actor_uri) if node is not None else None
        keys = await KeyRing(node.node.core.database).keys_of(int(row["id"])) if node is not None and row else None
        if keys is None or node is None:
            raise NodeError(f"no node of this world has the key of {actor_uri}")
        method, path, _ = message.start.split(" ")
        present = tuple((name.lower(), value) for name, value in message.headers)
        request = Request(method, f"https://{host}{path}", present, message.body)
        made = sign_cavage(request, key=keys.key, key_id=keys.key_id, now=node.clock.now())
        return Message(message.start, (*message.headers, *made), message.body)
