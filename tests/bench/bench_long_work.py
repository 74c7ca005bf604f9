"""What takes long, and how long everybody else waits meanwhile: a Move, a Delete of much, a burst of Deletes.

The probe is one Like at a time from another server, each answered after its commit. Its times while nothing else
happens are the yardstick.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import closing
from typing import Any

from tests.bench.origin import Origin, send_all
from tests.bench.served import Served, free_port, served

FOLLOWERS = 5_000
POSTS = 20_000
STRANGERS = 50_000
KNOWN = 1_000
_PAUSE_S = 0.01


async def run() -> AsyncIterator[dict[str, Any]]:
    """One row a kind of work."""
    with served() as node:
        origin, other = Origin(free_port(), KNOWN + 10), Origin(free_port(), 4_000)
        await origin.start()
        await other.start()
        try:
            probes = await _prepare(node, origin, other)
            works = (
                ("nothing else", asyncio.sleep(5)),
                (f"a Move with {FOLLOWERS} followers", _move(node, origin)),
                (f"a Delete with {POSTS} posts", _delete(node, origin)),
                (f"{STRANGERS} Deletes of strangers", _strangers(node)),
                (f"{KNOWN} Deletes of known actors", _known(node, origin)),
            )
            for name, work in works:
                yield await _measure(name, work, probes, node)
        finally:
            await origin.stop()
            await other.stop()


async def _prepare(node: Served, origin: Origin, other: Origin) -> Sequence[bytes]:
    inbox, me = f"{node.base_url}/inbox", f"{node.base_url}/users/alice"
    stranger = f"{me}/statuses/1"
    hello = [origin.signed(n, inbox, origin.activity(n, "Like", stranger)) for n in range(origin.actors)]
    probes = [other.signed(n, inbox, other.activity(n, "Like", stranger)) for n in range(other.actors)]
    await send_all(node.port, [*hello, *probes], parallel=16)
    _add_followers(node, origin.actor(0))
    _add_posts(node, origin.actor(1), me)
    # The same bytes twice would be known already.
    return [other.signed(n, inbox, other.activity(n, "Like", f"{stranger}2")) for n in range(other.actors)]


def _add_followers(node: Served, followed_uri: str) -> None:
    with closing(sqlite3.connect(node.data_dir / "node.db", timeout=30)) as database, database:
        [(followed,)] = database.execute("SELECT id FROM actors WHERE uri = ?", (followed_uri,)).fetchall()
        host = node.base_url.partition("://")[2]
        for n in range(FOLLOWERS):
            uri = f"{node.base_url}/users/reader{n}"
            row = (1_000 + n, uri, "Person", 1, f"reader{n}", host, f"{uri}/inbox", f"{uri}/followers", 0)
            database.execute(
                "INSERT INTO actors (id, uri, type, local, username, host, inbox, followers_uri, created_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            database.execute(
                "INSERT INTO follows (id, uri, follower_id, followed_id, accepted, follower_local, created_ms)"
                " VALUES (?, ?, ?, ?, 1, 1, 0)",
                (1_000 + n, f"{uri}#follow", 1_000 + n, followed),
            )


def _add_posts(node: Served, author_uri: str, reader_uri: str) -> None:
    """Each is in a home timeline and names somebody, as posts do."""
    with closing(sqlite3.connect(node.data_dir / "node.db", timeout=30)) as database, database:
        [(author,)] = database.execute("SELECT id FROM actors WHERE uri = ?", (author_uri,)).fetchall()
        [(reader,)] = database.execute("SELECT id FROM actors WHERE uri = ?", (reader_uri,)).fetchall()
        for n in range(1, POSTS + 1):
            database.execute(
                "INSERT INTO objects (id, uri, type, actor_id, visibility, content, thread_id, published_ms)"
                " VALUES (?, ?, 'Note', ?, 0, '<p>A sentence of usual length.</p>', ?, 0)",
                (n, f"{author_uri}/notes/{n}", author, n),
            )
            database.execute("INSERT INTO mentions (object_id, actor_id) VALUES (?, ?)", (n, reader))
            database.execute("INSERT INTO home_entries (actor_id, object_id) VALUES (?, ?)", (reader, n))


async def _measure(name: str, work: Awaitable[None], probes: Sequence[bytes], node: Served) -> dict[str, Any]:
    ended = asyncio.Event()
    times: list[float] = []

    async def probe() -> None:
        remaining = iter(probes)
        while not ended.is_set():
            request = next(remaining, None)
            if request is None:
                return
            _, taken, _ = await send_all(node.port, [request], parallel=1)
            times.extend(taken)
            await asyncio.sleep(_PAUSE_S)

    cpu_s, began_s = node.cpu_s(), time.perf_counter()
    probing = asyncio.create_task(probe())
    await work
    seconds = time.perf_counter() - began_s
    ended.set()
    await probing
    times.sort()
    return {
        "work": name,
        "seconds": round(seconds, 1),
        "cpu_s": round(node.cpu_s() - cpu_s, 1),
        "probes": len(times),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
        "longest_ms": round(times[-1] * 1000, 1),
        "rss_mb": round(node.rss_mb()),
    }


async def _until(node: Served, sql: str) -> None:
    """Until the query counts nothing any more."""
    with closing(sqlite3.connect(f"file:{node.data_dir}/node.db?mode=ro", uri=True, timeout=30)) as database:
        while database.execute(sql).fetchone()[0]:
            await asyncio.sleep(0.05)


async def _move(node: Served, origin: Origin) -> None:
    target = origin.actor(2)
    origin.aliases[target] = [origin.actor(0)]
    moved = origin.activity(0, "Move", origin.actor(0), target=target)
    await send_all(node.port, [origin.signed(0, f"{node.base_url}/inbox", moved)], parallel=1)
    followers = "SELECT count(*) FROM follows JOIN actors ON actors.id = followed_id WHERE actors.uri = '%s'"
    await _until(node, followers % origin.actor(0))
    await _until(node, "SELECT count(*) FROM deliveries WHERE state = 0")


async def _delete(node: Served, origin: Origin) -> None:
    gone = origin.activity(1, "Delete", origin.actor(1))
    await send_all(node.port, [origin.signed(1, f"{node.base_url}/inbox", gone)], parallel=1)
    await _until(
        node,
        "SELECT count(*) FROM (SELECT 1 FROM objects JOIN actors ON actors.id = actor_id"
        f" WHERE actors.uri = '{origin.actor(1)}' LIMIT 1)",
    )


async def _strangers(node: Served) -> None:
    def request(n: int) -> bytes:
        uri = f"http://127.0.0.1:9/users/s{n}"
        body = b'{"@context":"https://www.w3.org/ns/activitystreams","id":"%s#delete","type":"Delete","actor":"%s","object":"%s"}'
        body %= (uri.encode(),) * 3
        head = (
            f"POST /inbox HTTP/1.1\r\nhost: 127.0.0.1:{node.port}\r\ncontent-type: application/activity+json\r\n"
            f'signature: keyId="{uri}#main-key",headers="(request-target) host date digest",signature="AAAA"\r\n'
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    await send_all(node.port, [request(n) for n in range(STRANGERS)], parallel=32)


async def _known(node: Served, origin: Origin) -> None:
    inbox = f"{node.base_url}/inbox"
    leaving = range(10, 10 + KNOWN)
    requests = [origin.signed(n, inbox, origin.activity(n, "Delete", origin.actor(n))) for n in leaving]
    await send_all(node.port, requests, parallel=32)
    await _until(node, "SELECT count(*) FROM errands")


def main() -> None:
    """Print a table."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    asyncio.run(_print())


async def _print() -> None:
    async for row in run():
        print("  ".join(f"{name}={value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
