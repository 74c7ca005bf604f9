"""The whole examination: permission, discovery, the checks in their order, and what they found."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from fediverse_node import __version__
from fediverse_node.base.clock import Clock, SystemClock
from fediverse_node.base.errors import NodeError
from fediverse_node.base.randomness import Randomness, SystemRandomness
from fediverse_node.lab.conformance.case import Case, CaseCheck, came
from fediverse_node.lab.conformance.discover import discover, load
from fediverse_node.lab.conformance.facts import Facts
from fediverse_node.lab.conformance.index import CHECKS
from fediverse_node.lab.conformance.report import Report
from fediverse_node.lab.conformance.stand_in import StandIn
from fediverse_node.lab.conformance.target import (
    NotExaminedError,
    confirm,
    leads_to_this_machine,
    parse_target,
    token_for,
)
from fediverse_node.lab.conformance.verdict import Finding, Need, Outcome, failed, skipped
from fediverse_node.lab.conformance.wire import Wire
from fediverse_node.lab.exchange import Exchange
from fediverse_node.protocol.uris import host_of
from fediverse_node.signatures.key_source import KeySource, SystemKeys
from fediverse_node.transport.client import Client
from fediverse_node.transport.resolver import Resolver, SystemResolver

log = logging.getLogger(__name__)

_CHECK_TIMEOUT_S = 180.0
_KINDNESS_S = 0.2  # between two requests to somebody else's machine


@dataclass(frozen=True)
class Options:
    """How to examine. `may_send` is asked once, with how many checks would send more than GETs."""

    target: str
    secret: bytes
    may_send: Callable[[int], bool]
    token: str | None = None
    origins: tuple[str, ...] = ()  # under which the server reaches this machine
    listen_host: str = "127.0.0.1"
    listen_port: int = 0
    post: str | None = None
    private: str | None = None
    deleted: str | None = None
    resolver: Resolver | None = None
    ssl_context: ssl.SSLContext | None = None
    only: tuple[str, ...] = ()  # sections or ids; empty: all
    clock: Clock = field(default_factory=SystemClock)
    randomness: Randomness = field(default_factory=SystemRandomness)
    keys: KeySource = field(default_factory=SystemKeys)
    tell: Callable[[Finding], None] = lambda finding: None


async def examine(options: Options) -> Report:
    """Examine a server. Raises NotExaminedError where it may not be examined, or no actor is found."""
    target = parse_target(options.target)
    own_resolver = SystemResolver()
    resolver = options.resolver or own_resolver
    loopback = await leads_to_this_machine(target.origin, resolver)
    wire = Wire(
        options.clock,
        loopback=loopback,
        resolver=resolver,
        ssl_context=options.ssl_context,
        pause_s=0.0 if loopback else _KINDNESS_S,
    )
    client = Client(
        base_url="https://check.invalid",
        version=__version__,
        development=loopback,
        resolver=resolver,
        ssl_context=options.ssl_context,
    )
    # Somebody else's server cannot fetch from here unless it is told how.
    stand_in = StandIn() if loopback or options.origins else None

    async def permit(origin: str) -> None:
        await _permit(origin, wire=wire, client=client, resolver=resolver, loopback=loopback, options=options)

    try:
        if stand_in is not None:
            await stand_in.start(
                options.randomness,
                host=options.listen_host,
                port=options.listen_port,
                origins=options.origins,
                keys=options.keys,
            )
        facts = Facts(given_private=options.private, given_deleted=options.deleted)
        case = Case(facts, wire, options.clock, stand_in)
        await permit(target.origin)
        if options.post is not None:
            facts.post = await load(case, options.post)
            facts.post_read = case.exchanges[-1]
            if not facts.post_uri:
                raise NotExaminedError(f"{options.post} is no post: {came(facts.post_read)}")
        await discover(case, target, permit)
        run = _Run(facts, wire, stand_in, options, loopback=loopback)
        return Report(
            target=options.target,
            actor=facts.actor_uri,
            handle=str(facts.acct) if facts.acct else "",
            examined_at=options.clock.now(),
            findings=tuple(await run.all()),
        )
    finally:
        await wire.close()
        await client.close()
        own_resolver.close()
        if stand_in is not None:
            await stand_in.close()


async def _permit(
    origin: str, *, wire: Wire, client: Client, resolver: Resolver, loopback: bool, options: Options
) -> None:
    if origin in wire.permitted:
        return
    if loopback:
        if not await leads_to_this_machine(origin, resolver):
            raise NotExaminedError(f"{options.target} is on this machine, and leads to {origin}, which is not")
    else:
        await confirm(origin, options.token or token_for(host_of(origin) or "", options.secret), client)
    wire.permitted.add(origin)


class _Run:
    """One pass over the checks."""

    def __init__(self, facts: Facts, wire: Wire, stand_in: StandIn | None, options: Options, *, loopback: bool) -> None:
        self._facts = facts
        self._wire = wire
        self._stand_in = stand_in
        self._options = options
        self._loopback = loopback
        self._may_send: bool | None = None

    async def all(self) -> list[Finding]:
        """Every finding, told as it is made."""
        findings = []
        for check in self._chosen():
            finding = await self._one(check)
            self._options.tell(finding)
            findings.append(finding)
        return findings

    def _chosen(self) -> list[CaseCheck]:
        only = self._options.only
        # What is sent is judged by how an honest Follow fares, so those two are always made with it.
        controls = {"taken.cavage", "taken.rfc9421", "delivery.undo"}

        def is_wanted(check: CaseCheck) -> bool:
            return not only or check.id in only or check.section in only

        wanted = [check for check in CHECKS if is_wanted(check)]
        if any(Need.SEND in check.needs for check in wanted):
            wanted = [check for check in CHECKS if is_wanted(check) or check.id in controls]
        return wanted

    async def _one(self, check: CaseCheck) -> Finding:
        loop = asyncio.get_running_loop()
        started = loop.time()
        case = Case(self._facts, self._wire, self._options.clock, self._stand_in)
        missing = next((need for need in check.needs if not self._has(need)), None)
        if missing is not None:
            outcome = skipped(missing.value[0].upper() + missing.value[1:])
        else:
            outcome = await _outcome(check, case)
        return Finding(
            id=check.id,
            title=check.title,
            why=check.why,
            advice=check.advice,
            refs=check.refs,
            verdict=outcome.verdict,
            said=outcome.said,
            exchanges=tuple(case.exchanges) or self._evidence(check),
            took_ms=(loop.time() - started) * 1000,
        )

    def _evidence(self, check: CaseCheck) -> tuple[Exchange, ...]:
        """For what looks at a document that was read before: how it was read."""
        read = self._facts.post_read if Need.OBJECT in check.needs else None
        if read is None and Need.ACTOR in check.needs:
            read = self._facts.actor_read
        return () if read is None else (read,)

    def _has(self, need: Need) -> bool:
        facts, stand_in = self._facts, self._stand_in
        match need:
            case Need.HANDLE:
                return facts.acct is not None
            case Need.ACTOR:
                return bool(facts.actor)
            case Need.OBJECT:
                return facts.post is not None
            case Need.STAND_IN:
                return stand_in is not None
            case Need.SEND:
                return self._is_sending_allowed()
            case Need.INBOX:
                return facts.inbox is not None
            case Need.CONTROL:
                return facts.control is not None
            case Need.CAVAGE:
                return "cavage" in facts.accepted_forms
            case Need.RFC9421:
                return "rfc9421" in facts.accepted_forms
            case Need.ORIGINS:
                return stand_in is not None and len(stand_in.origins) > 1
            case Need.LOOPBACK:
                return self._loopback

    def _is_sending_allowed(self) -> bool:
        if self._may_send is None:
            can = self._stand_in is not None and self._facts.inbox is not None
            count = sum(Need.SEND in check.needs for check in self._chosen())
            self._may_send = can and self._options.may_send(count)
        return self._may_send


async def _outcome(check: CaseCheck, case: Case) -> Outcome:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            return await check.run(case)
    except TimeoutError:
        return failed(f"It was not done after {_CHECK_TIMEOUT_S:.0f} s, with {len(case.exchanges)} requests.")
    except NodeError as error:
        return skipped(str(error))
    except Exception as error:  # one broken check must not lose what the others found
        log.exception("check.broke id=%s", check.id)
        return skipped(f"The check itself broke, which is a fault of the checker: {error!r}")
