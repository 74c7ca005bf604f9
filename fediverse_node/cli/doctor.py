"""Examines a node: what works, what does not, and what to do about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import click
import orjson

from fediverse_node import __version__
from fediverse_node.base.config import Config
from fediverse_node.base.errors import NodeError
from fediverse_node.base.outcome import Fail
from fediverse_node.core import Core, open_core
from fediverse_node.delivery.signing_keys import KeyRing
from fediverse_node.protocol.webfinger import lookup_url, parse_jrd
from fediverse_node.storage.migrate import HEAD, current_version
from fediverse_node.storage.queries.deliveries import COUNT_WAITING, FAILING_HOSTS
from fediverse_node.storage.queries.registration import ACTOR_ID, OWNER
from fediverse_node.transport.client import Client
from fediverse_node.transport.exchange import Response

_OUTSIDE = "https://www.w3.org/"
_ALLOWED_SKEW_S = 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing examined. `advice` says what to do when it is not well."""

    name: str
    well: bool
    text: str
    advice: str = ""


async def examine(config: Config) -> bool:
    """Print the findings; True when all is well."""
    findings = [await _schema(config)]
    if findings[0].well:
        core = await open_core(config)
        client = Client(
            base_url=config.base_url, version=__version__, development=config.development, own_origin_allowed=True
        )
        checks: tuple[Callable[[Core, Client], Awaitable[Finding]], ...] = (
            _database,
            _base_url,
            _webfinger,
            _keys,
            _clock,
            _outbound,
            _deliveries,
        )
        try:
            for check in checks:
                findings.append(await check(core, client))
        finally:
            await client.close()
            await core.close()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.well else 'FAIL'} {finding.name}: {finding.text}")
        if not finding.well and finding.advice:
            click.echo(f"     → {finding.advice}")
    return all(finding.well for finding in findings)


async def _schema(config: Config) -> Finding:
    try:
        version = await current_version(config.database_url)
    except NodeError as error:
        return Finding("schema", False, str(error), "Check DATABASE_URL and that the database server runs.")
    if version == HEAD:
        return Finding("schema", True, f"version {version}")
    return Finding("schema", False, f"version {version or 'none'}, needed is {HEAD}", "Run `fediverse-node migrate`.")


async def _database(core: Core, client: Client) -> Finding:
    started = time.perf_counter()
    owner = await core.database.fetch_one(OWNER)
    await core.writer.run(_nothing)
    took_ms = (time.perf_counter() - started) * 1000
    if owner is None:
        return Finding("database", False, "there is no owner", "Run `fediverse-node init`.")
    text = f"{core.database.dialect}, a commit takes {took_ms:.1f} ms"
    return Finding("database", took_ms < 500, text, "The disk is very slow: is it a network share?")


def _nothing():  # type: ignore[no-untyped-def]
    return
    yield


async def _base_url(core: Core, client: Client) -> Finding:
    url = f"{core.config.base_url}/api/v2/instance"
    answer = await client.get(url, accept="application/json", timeout_s=5.0)
    advice = "Is `fediverse-node serve` running, and does the reverse proxy pass requests on with the Host header?"
    if not isinstance(answer, Response):
        return Finding("base url", False, f"{core.config.base_url} does not answer: {answer}", advice)
    if answer.status != 200 or b'"domain"' not in answer.body:
        return Finding("base url", False, f"{url} answers status {answer.status}", advice)
    return Finding("base url", True, f"{core.config.base_url} answers")


async def _webfinger(core: Core, client: Client) -> Finding:
    owner = await core.database.fetch_one(OWNER)
    if owner is None:
        return Finding("webfinger", False, "there is nobody to look up", "Run `fediverse-node init`.")
    handle = f"acct:{owner['username']}@{core.config.host}"
    answer = await client.get(lookup_url(core.config.base_url, handle), accept="application/jrd+json", timeout_s=5.0)
    advice = "The proxy must pass /.well-known/webfinger on to this server."
    if not isinstance(answer, Response) or answer.status != 200:
        cause = f"status {answer.status}" if isinstance(answer, Response) else str(answer)
        return Finding("webfinger", False, f"{handle}: {cause}", advice)
    try:
        found = parse_jrd(orjson.loads(answer.body))
    except orjson.JSONDecodeError:
        return Finding("webfinger", False, f"{handle}: the answer is not JSON", advice)
    expected = core.world.names.actor(owner["username"])
    if isinstance(found, Fail) or found.actor_uri != expected:
        return Finding("webfinger", False, f"{handle} does not lead to {expected}", "Check BASE_URL.")
    return Finding("webfinger", True, f"{handle} leads to {expected}")


async def _keys(core: Core, client: Client) -> Finding:
    ring = KeyRing(core.database)
    for uri in (core.world.names.instance_actor, *await _owner_uri(core)):
        row = await core.database.fetch_one(ACTOR_ID, uri=uri)
        keys = await ring.keys_of(row["id"]) if row else None
        if keys is None:
            return Finding("keys", False, f"{uri} has no signing key", "Restore the database from a backup.")
        message = b"doctor"
        if not keys.key.public().is_signed(message, signature=keys.key.sign(message)):
            return Finding("keys", False, f"the key of {uri} does not sign", "Restore the database from a backup.")
    return Finding("keys", True, "the server's and the owner's keys sign")


async def _owner_uri(core: Core) -> tuple[str, ...]:
    owner = await core.database.fetch_one(OWNER)
    return (core.world.names.actor(owner["username"]),) if owner else ()


async def _clock(core: Core, client: Client) -> Finding:
    answer = await client.get(_OUTSIDE, accept="*/*", timeout_s=8.0)
    date = answer.header("date") if isinstance(answer, Response) else None
    if date is None:
        return Finding("clock", True, "not compared: no other server could be asked")
    skew_s = abs((parsedate_to_datetime(date) - core.world.clock.now()).total_seconds())
    text = f"{skew_s:.0f} s off" if skew_s > _ALLOWED_SKEW_S else "agrees with other servers"
    return Finding("clock", skew_s <= _ALLOWED_SKEW_S, text, "Turn on time synchronisation (NTP): signatures expire.")


async def _outbound(core: Core, client: Client) -> Finding:
    answer = await client.get(_OUTSIDE, accept="*/*", timeout_s=8.0)
    if isinstance(answer, Response):
        return Finding("outbound", True, "other servers can be reached")
    if core.config.development:
        return Finding("outbound", True, f"no way to the internet ({answer}); development needs none")
    return Finding(
        "outbound", False, str(answer), "Check DNS, firewall and the machine's certificates (ca-certificates)."
    )


async def _deliveries(core: Core, client: Client) -> Finding:
    row = await core.database.fetch_one(COUNT_WAITING)
    waiting = int(row[0]) if row else 0
    failing = await core.database.fetch(FAILING_HOSTS, least=0)
    await asyncio.sleep(0)
    text = f"{waiting} waiting, {len(failing)} hosts do not answer at present"
    return Finding("deliveries", True, text)
