"""Records what a node says to other servers and hears from them, while it serves.

It stands outside the node: a middleware around its web server, a wrapper around its HTTP client, a watcher of its
steps. What people do in their apps is not recorded, unless that is asked for; what leaves because of it is.
Lines are written as they happen: see `recording.py` for the file.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson
from aiohttp import web

from fediverse_node import __version__
from fediverse_node.app import Node
from fediverse_node.base.clock import Clock, from_ms
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import watched_by
from fediverse_node.inbox.answer import Answer, Received
from fediverse_node.lab.exchange import Exchange, Message, Step, step_to_json
from fediverse_node.lab.place import cause
from fediverse_node.lab.recorder.http import ASKS, RecordedHttp, receiver_of
from fediverse_node.lab.recorder.known import Known
from fediverse_node.lab.recorder.requests import answer_of, is_of_a_server, is_of_an_app, request_of, sender_of
from fediverse_node.lab.recorder.secrets import without_secrets
from fediverse_node.lab.recording import FORMAT
from fediverse_node.transport.exchange import Http
from fediverse_node.web.context import WEB

_log = logging.getLogger(__name__)
_REMEMBERED = 20_000
_STEPS_AT_ONCE = 500

Transform = Callable[[Mapping[str, Any]], Mapping[str, Any]]
# The exchange in whose course the running task works, as far as its body is not known yet.
_current: ContextVar[Exchange | None] = ContextVar("recorded_exchange", default=None)


class Lines(Protocol):
    """Where the lines go. `write` says why nothing is written any more, once."""

    @property
    def is_open(self) -> bool: ...

    def write(self, line: bytes) -> str | None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is recorded, and how it is changed before it is written."""

    apps: bool = False  # also what apps ask, without the bodies they send: passwords and uploads are there
    scrub: Transform | None = None
    # Called with each request that came in, for a replay that has to know which one it is.
    came_in: Callable[[Exchange, web.Request], None] | None = None


class Recorder:
    """One for a run of a node: `http` before the node is built, then `attach`, `begin`, and `end` at last."""

    def __init__(self, lines: Lines, *, host: str, base_url: str, clock: Clock, wanted: Wanted | None = None) -> None:
        self._lines = lines
        self._host = host
        self._base_url = base_url
        self._clock = clock
        self._wanted = wanted or Wanted()
        self._number = 0
        self._open: dict[int, Exchange] = {}
        self._known: Known | None = None
        self._causes: OrderedDict[str, int] = OrderedDict()  # activity or staged row -> exchange
        self._later: OrderedDict[str, list[Step]] = OrderedDict()
        self._later_effects: dict[str, list[str]] = {}

    # Putting it around a node

    def http(self, inner: Http) -> Http:
        """The client to build the node with."""
        return RecordedHttp(inner, self)

    def attach(self, node: Node) -> None:
        """Hear what comes in. Before the node is served."""
        context = node.app[WEB]
        self._known = Known(node.core.database, node.core.world.names, began_ms=self._clock.now_ms())
        node.app[WEB] = replace(context, receive=self._receiving(context.receive))
        node.app.middlewares.insert(0, self._middleware())

    async def begin(self) -> None:
        """Write the head."""
        known = self._known
        now_ms = self._clock.now_ms()
        self._write(
            {
                "format": FORMAT,
                "version": __version__,
                "host": self._host,
                "base_url": self._base_url,
                "began": from_ms(now_ms).isoformat(),
                "began_ms": now_ms,
                "scrubbed": self._wanted.scrub is not None,
                "local_actors": await known.local_actors() if known is not None else [],
                "blocked_hosts": await known.blocked_hosts() if known is not None else [],
            }
        )

    def watching(self) -> AbstractContextManager[None]:
        """Start the node inside: what it does by itself later is heard then."""
        return watched_by(self._hear)

    def end(self) -> None:
        """The node has stopped in good order."""
        for exchange in list(self._open.values()):
            exchange.failure = exchange.failure or "the node was stopped before the answer came"
            self._close(exchange)
        for staged in list(self._later):
            self._tell_later(staged)
        self._write({"end": {"at_ms": self._clock.now_ms()}})
        self._lines.close()

    # What leaves (see `http.py`)

    async def leaves(self, url: str, message: Message, activity_id: str) -> Exchange:
        """A request is about to leave."""
        exchange = self._begun(self._host, receiver_of(url), url, message)
        exchange.cause = cause.get() or self._causes.get(activity_id)
        await self._tell_known(message, url)
        return exchange

    def step(
        self, exchange: Exchange, name: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]
    ) -> None:
        """A step that belongs to this exchange was taken."""
        if name.endswith(ASKS):
            return
        if name.rpartition(".")[2] == "effects":
            exchange.effects.extend(_effects(detail))
            self._remember_cause(detail.get("delivers"), exchange.number)
            return
        if name == "inbox.staged" and outcome is None:
            self._remember_cause([f"staged {detail.get('staged')}"], exchange.number)
        if len(exchange.steps) < _STEPS_AT_ONCE:
            exchange.steps.append(_step(name, outcome, detail))

    def answered(self, exchange: Exchange) -> None:
        """It is over, with an answer or without."""
        self._close(exchange)

    # What comes in

    def _middleware(self) -> Any:
        @web.middleware
        async def record(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            is_app = self._wanted.apps and is_of_an_app(request)
            if not self._lines.is_open or not (is_app or is_of_a_server(request)):
                return await handler(request)
            return await self._incoming(request, handler, is_app=is_app)

        return record

    async def _incoming(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        *,
        is_app: bool,
    ) -> web.StreamResponse:
        message = request_of(request)
        url = self._base_url + request.raw_path if request.raw_path.startswith("/") else str(request.url)
        exchange = self._begun("app" if is_app else sender_of(message), self._host, url, message)
        if self._wanted.came_in is not None:
            self._wanted.came_in(exchange, request)
        tokens = cause.set(exchange.number), _current.set(exchange)
        try:
            if request.method != "POST" and not is_app:
                await self._tell_known(message, url)
            with watched_by(lambda *told: self._heard_of(exchange, *told)):
                response = await handler(request)
            exchange.answer = answer_of(response)
            return response
        except web.HTTPException as error:
            exchange.answer = answer_of(error)
            raise
        except BaseException as error:
            exchange.failure = f"no answer: {type(error).__name__}"
            raise
        finally:
            cause.reset(tokens[0])
            _current.reset(tokens[1])
            self._close(exchange)

    def _receiving(self, receive: Callable[[Received], Awaitable[Answer]]) -> Callable[[Received], Awaitable[Answer]]:
        async def recorded(received: Received) -> Answer:
            exchange = _current.get()
            if exchange is not None:
                exchange.request = replace(exchange.request, body=received.body)
                exchange.__dict__.pop("activity", None)  # it was computed from the request without its body
                exchange.sender = sender_of(exchange.request)
                await self._tell_known(exchange.request, "")
            return await receive(received)

        return recorded

    # What is heard

    def _heard_of(
        self, exchange: Exchange, name: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]
    ) -> None:
        self.step(exchange, name, outcome, detail)

    def _hear(self, name: str, outcome: Fail | TemporaryFail | None, detail: dict[str, object]) -> None:
        """What the node does in the background: of interest where it finishes what came in."""
        if not name.startswith("staging."):
            return
        staged = f"staged {detail.get('staged')}"
        number = self._causes.get(staged)
        if number is None:
            return
        if name.endswith(ASKS):
            asked = detail.get("number")
            exchange = self._open.get(asked) if isinstance(asked, int) else None
            if exchange is not None:
                exchange.cause = number
            return
        if name.endswith(".effects"):
            self._later_effects.setdefault(staged, []).extend(_effects(detail))
            self._remember_cause(detail.get("delivers"), number)
            return
        steps = self._later.setdefault(staged, [])
        if len(steps) < _STEPS_AT_ONCE:
            steps.append(_step(name, outcome, detail))
        if name in ("staging.ended", "staging.postponed") or len(self._later) > _REMEMBERED:
            self._tell_later(staged)

    def _tell_later(self, staged: str) -> None:
        steps, effects = self._later.pop(staged, []), self._later_effects.pop(staged, [])
        number = self._causes.get(staged)
        if number is not None and (steps or effects):
            told = {"number": number, "steps": [step_to_json(step) for step in steps], "effects": effects}
            self._write({"later": told})

    def _remember_cause(self, names: object, number: int) -> None:
        for name in names if isinstance(names, list) else []:
            self._causes[str(name)] = number
            if len(self._causes) > _REMEMBERED:
                self._causes.popitem(last=False)

    # What is written

    def _begun(self, sender: str, receiver: str, url: str, message: Message) -> Exchange:
        self._number += 1
        exchange = Exchange(self._number, self._clock.now_ms(), sender, receiver, url, message)
        self._open[exchange.number] = exchange
        return exchange

    def _close(self, exchange: Exchange) -> None:
        if self._open.pop(exchange.number, None) is None:
            return
        exchange.took_ms = float(max(self._clock.now_ms() - exchange.at_ms, 0))
        self._write(exchange.to_json())

    async def _tell_known(self, message: Message, url: str) -> None:
        if self._known is None or not self._lines.is_open:
            return
        for item in await self._known.first_sight(message, url):
            self._write({"known": item})

    def _write(self, plain: Mapping[str, Any]) -> None:
        if not self._lines.is_open:
            return
        cleaned: Mapping[str, Any] = without_secrets(plain)
        if self._wanted.scrub is not None:
            cleaned = self._wanted.scrub(cleaned)
        ended = self._lines.write(orjson.dumps(cleaned, option=orjson.OPT_NON_STR_KEYS))
        if ended is not None:
            event(_log, "recording.ended", logging.WARNING, why=ended)


def _step(name: str, outcome: Fail | TemporaryFail | None, detail: Mapping[str, object]) -> Step:
    pairs = tuple((key, str(value)) for key, value in detail.items())
    return Step(name, outcome is None, "" if outcome is None else str(outcome), pairs)


def _effects(detail: Mapping[str, object]) -> list[str]:
    told = detail.get("effects")
    return [str(effect) for effect in told] if isinstance(told, Iterable) and not isinstance(told, str) else []
