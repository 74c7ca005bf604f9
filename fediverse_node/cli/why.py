"""`fediverse-node why POST [HOST]`: what became of a post at the servers it was for.

It reads the receipts and asks nobody. What a server did with what it took, only that server knows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.core import Core, open_core
from fediverse_node.delivery.receipts import Fate, Receipt, load_receipts, summarise
from fediverse_node.domain.model import Visibility, visibility_of
from fediverse_node.protocol.uris import canonical_host
from fediverse_node.storage.queries import receipts as queries

Row = Any
_KEPT = "Receipts are kept for 30 days."


async def why(config: Config, named: str, host: str | None, *, as_json: bool) -> bool:
    """Print it. Returns whether the post is at every server it was sent to (or at `host`)."""
    wanted = canonical_host(host) if host else None
    if host and wanted is None:
        raise ConfigurationError(f"{host} is no host name: give it as in social.example")
    core = await open_core(config)
    try:
        post = await _post(core, named)
        found = await load_receipts(core.database, post["id"])
        if wanted is not None:
            found = tuple(receipt for receipt in found if receipt.host == wanted)
        reason = await _why_not_sent(core, post, wanted) if not found else ""
    finally:
        await core.close()
    if as_json:
        click.echo(json.dumps(_plain(post, found, reason), indent=2, ensure_ascii=False))
    else:
        for line in _lines(post, found, reason):
            click.echo(line)
    summary = summarise(found)
    return summary.all > 0 and summary.delivered == summary.all


async def _post(core: Core, named: str) -> Row:
    number = int(named) if named.isascii() and named.isdigit() and len(named) <= 18 else 0
    row = await core.database.fetch_one(queries.BY_NAME, name=named, number=number)
    if row is None:
        raise ConfigurationError(f"there is no post {named} here: give its URL, or its number in the client API")
    if not row["local"]:
        raise ConfigurationError(f"{row['uri']} was written elsewhere: its own server knows where it sent it")
    return row


async def _why_not_sent(core: Core, post: Row, host: str | None) -> str:
    """Why there is no receipt."""
    if host is None:
        return f"It was sent nowhere: nobody on another server follows its author or is named in it. {_KEPT}"
    uri, database = post["uri"], core.database
    if host == core.config.host:
        return f"{host} is this server: it is here."
    if core.writer.domains.is_suspended(host):
        return f"This server has nothing to do with {host}: it is blocked here (`fediverse-node domain list`)."
    followers = await database.fetch(queries.FOLLOWERS_AT, object_uri=uri, host=host)
    mentioned = await database.fetch(queries.MENTIONED_AT, object_uri=uri, host=host)
    if mentioned:
        names = ", ".join(f"@{row['username']}@{row['host']}" for row in mentioned)
        return f"{names} is named in it, but there is no receipt any more. {_KEPT}"
    if visibility_of(post["visibility"]) is Visibility.DIRECT:
        return f"It is only for those it names, and nobody of {host} is among them."
    if not followers:
        return f"Nobody at {host} follows @{post['username']}, and nobody there is named in it."
    accepted = [row for row in followers if row["accepted"]]
    if not accepted:
        asked = ", ".join(f"@{row['username']}@{row['host']}" for row in followers)
        return f"{asked} asked to follow @{post['username']} and waits for an answer."
    names = ", ".join(f"@{row['username']}@{row['host']}" for row in accepted)
    return f"{names} follows @{post['username']} now: either since a later moment, or the receipt is gone. {_KEPT}"


def _lines(post: Row, found: Sequence[Receipt], reason: str) -> Iterator[str]:
    kind = visibility_of(post["visibility"]).value
    yield f"{post['uri']} ({kind}, {_moment(post['published_ms'])})"
    if reason:
        yield reason
        return
    summary = summarise(found)
    if summary.all:
        yield (
            f"{summary.delivered} of {summary.all} servers took it"
            f"{f', {summary.refused} did not' if summary.refused else ''}"
            f"{f', {summary.open} are still tried' if summary.open else ''}."
        )
    for receipt in found:
        yield f"  {receipt.host}: {sentence(receipt)}"


def sentence(receipt: Receipt) -> str:
    """What became of one delivery."""
    what, cause = receipt.what, f": {receipt.cause}" if receipt.cause else ""
    match receipt.fate:
        case Fate.DELIVERED:
            tries = f", at attempt {receipt.attempts}" if receipt.attempts > 1 else ""
            return f"{what} was delivered {_moment(receipt.done_ms)}{tries}"
        case Fate.REFUSED:
            return f"{what} was refused {_moment(receipt.done_ms)}{cause}"
        case Fate.GIVEN_UP:
            return f"{what} was given up {_moment(receipt.done_ms)}, after {receipt.attempts} attempts{cause}"
        case Fate.WAITING:
            return f"{what} waits to be sent since {_moment(receipt.since_ms)}{cause}"
        case Fate.RETRYING:
            return (
                f"{what} is tried since {_moment(receipt.since_ms)}, {receipt.attempts} times so far, "
                f"next {_moment(receipt.next_ms)}{cause}"
            )


def _moment(ms: int | None) -> str:
    return f"{from_ms(ms):%Y-%m-%d %H:%M:%S} UTC" if ms is not None else "at an unknown moment"


def _plain(post: Row, found: Sequence[Receipt], reason: str) -> dict[str, Any]:
    return {
        "post": post["uri"],
        "reason": reason or None,
        "deliveries": [
            {
                "host": receipt.host,
                "inbox": receipt.inbox,
                "type": receipt.type,
                "activity": receipt.uri,
                "state": receipt.fate.value,
                "attempts": receipt.attempts,
                "since": _iso(receipt.since_ms),
                "done": _iso(receipt.done_ms),
                "next": _iso(receipt.next_ms),
                "cause": receipt.cause or None,
            }
            for receipt in found
        ],
    }


def _iso(ms: int | None) -> str | None:
    return f"{from_ms(ms):%Y-%m-%dT%H:%M:%SZ}" if ms is not None else None
