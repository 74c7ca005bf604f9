"""What a check has in its hands: the facts, a way to ask, a place to be fetched from, and its own record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin

import orjson

from fediverse_node.base.clock import Clock
from fediverse_node.base.errors import NodeError
from fediverse_node.lab.conformance.facts import Facts, Json
from fediverse_node.lab.conformance.letters import Letter, honest_get
from fediverse_node.lab.conformance.stand_in import Actor, StandIn
from fediverse_node.lab.conformance.verdict import Check
from fediverse_node.lab.conformance.wire import TIMEOUT_S, Wire
from fediverse_node.lab.exchange import Exchange
from fediverse_node.protocol.jsonld_terms import AS2_URL
from fediverse_node.protocol.media_types import ACCEPT_ACTIVITY, JRD_JSON
from fediverse_node.protocol.webfinger import lookup_url

_REDIRECTS = {301, 302, 303, 307, 308}
_HOPS = 3
_LEAST_PATIENCE_S, _MOST_PATIENCE_S = 0.4, 8.0


class Case:
    """One check in progress. `exchanges` is its evidence."""

    def __init__(self, facts: Facts, wire: Wire, clock: Clock, stand_in: StandIn | None) -> None:
        self.facts = facts
        self.wire = wire
        self.clock = clock
        self._stand_in = stand_in
        self.exchanges: list[Exchange] = []

    @property
    def stand_in(self) -> StandIn:
        """The checker's own server. Only for checks that need one."""
        if self._stand_in is None:
            raise NodeError("a check used the stand-in without saying that it needs one")
        return self._stand_in

    @property
    def has_stand_in(self) -> bool:
        """Whether keys of ours can be fetched."""
        return self._stand_in is not None

    @property
    def patience_s(self) -> float:
        """How long to wait for something that should not come: as long as an Accept takes, and then some."""
        control = self.facts.control
        if control is None or control.answered_after_s is None:
            return _LEAST_PATIENCE_S
        return min(max(_LEAST_PATIENCE_S, control.answered_after_s * 3), _MOST_PATIENCE_S)

    async def get(
        self,
        url: str,
        *,
        accept: str = ACCEPT_ACTIVITY,
        headers: Iterable[tuple[str, str]] = (),
        method: str = "GET",
        timeout_s: float = TIMEOUT_S,
    ) -> Exchange:
        """A GET as nobody in particular; no redirect is followed."""
        sent = (("Accept", accept), *headers)
        exchange = await self.wire.ask(method, url.partition("#")[0], headers=sent, timeout_s=timeout_s)
        self.exchanges.append(exchange)
        return exchange

    async def signed_get(self, url: str, form: str, *, accept: str = ACCEPT_ACTIVITY) -> Exchange:
        """A GET signed by the checker's instance actor."""
        plain, actor = url.partition("#")[0], self.stand_in.instance
        signed = honest_get(plain, form, key=actor.key, key_id=actor.key_id, now=self.clock.now())
        return await self.get(plain, accept=accept, headers=signed)

    async def read(self, url: str, *, accept: str = ACCEPT_ACTIVITY) -> Exchange:
        """A GET as any server would make it: signed where that is asked for, redirects of the origin followed."""
        seen: list[str] = []
        while True:
            form = self.facts.signed_gets_only
            signs = form and self.has_stand_in and "json" in accept
            exchange = await (self.signed_get(url, form, accept=accept) if signs else self.get(url, accept=accept))
            seen.append(url)
            location = exchange.answer.header("location") if exchange.answer is not None else None
            if exchange.status not in _REDIRECTS or location is None or len(seen) > _HOPS:
                return exchange
            url = urljoin(url, location)

    async def webfinger(self, resource: str, *, more: str = "") -> Exchange:
        """Ask the handle's host about a resource."""
        return await self.get(lookup_url(self.facts.webfinger_origin, resource) + more, accept=JRD_JSON)

    async def send(self, letter: Letter, *, timeout_s: float = TIMEOUT_S) -> Exchange:
        """Send a request as it is. Only for checks that may."""
        exchange = await self.wire.ask(
            letter.method, letter.url, headers=letter.headers, body=letter.body, timeout_s=timeout_s
        )
        self.exchanges.append(exchange)
        return exchange

    def activity(self, actor: Actor, kind: str, what: object, **more: object) -> dict[str, Any]:
        """An activity of a throw-away actor, with an id of its own."""
        uri = self.stand_in.new_uri(actor, kind.lower())
        return {"@context": AS2_URL, "id": uri, "type": kind, "actor": actor.uri, "object": what, **more}

    def follow(self, actor: Actor) -> dict[str, Any]:
        """A Follow of the examined actor."""
        return self.activity(actor, "Follow", self.facts.actor_uri, to=[self.facts.actor_uri])


def document(exchange: Exchange) -> Json | None:
    """The JSON object that was answered with 2xx, or None."""
    return exchange.answer.document if exchange.answer is not None and 200 <= exchange.status < 300 else None


def header(exchange: Exchange, name: str) -> str:
    """A header of the answer, "" without one; of a repeated one all values."""
    if exchange.answer is None:
        return ""
    return ", ".join(value for key, value in exchange.answer.headers if key.lower() == name.lower())


def came(exchange: Exchange) -> str:
    """What came back, in a few words."""
    if exchange.answer is None:
        return exchange.failure or "no answer"
    kind = header(exchange, "content-type").partition(";")[0]
    return f"{exchange.status}{f' ({kind})' if kind else ''}"


def dump(activity: object) -> bytes:
    """The bytes of a body."""
    return orjson.dumps(activity)


CaseCheck = Check[Case]
