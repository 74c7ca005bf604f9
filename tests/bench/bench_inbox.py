"""Inbox: accepted and visible activities a second, and CPU time for each.

Actors are known beforehand (each has sent something), requests are signed beforehand. "Visible" is what the client
API shows in the first request after the last answer: it must be everything.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from typing import Any

import aiohttp

from tests.bench.origin import Origin, send_all
from tests.bench.served import Served, free_port, served

KINDS = ("like", "mention", "reply", "announce", "follow")


async def run(count: int = 2000, actors: int = 200, parallel: int = 64) -> list[dict[str, Any]]:
    """One row a kind."""
    with served() as node:
        origin = Origin(free_port(), actors + count)
        await origin.start()
        try:
            # Everybody has been heard of before the clock starts.
            stranger = f"{node.base_url}/users/alice/statuses/1"
            inbox = f"{node.base_url}/inbox"
            hello = [origin.signed(n, inbox, origin.activity(n, "Like", stranger)) for n in range(origin.actors)]
            await send_all(node.port, hello, parallel=16)
            return [await _measure(node, origin, kind, count, actors, parallel) for kind in KINDS]
        finally:
            await origin.stop()


async def _measure(node: Served, origin: Origin, kind: str, count: int, actors: int, parallel: int) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {node.token}"}
    async with aiohttp.ClientSession(node.base_url, headers=headers) as session:
        async with session.get("/api/v1/accounts/lookup", params={"acct": "alice"}) as answer:
            account = await answer.json()
        async with session.post("/api/v1/statuses", json={"status": f"What do you think of {kind}?"}) as answer:
            status = await answer.json()
        me, inbox = f"{node.base_url}/users/alice", f"{node.base_url}/inbox"
        documents = [_document(origin, kind, i, actors, status["uri"], me) for i in range(count)]
        requests = [origin.signed(n, inbox, document) for n, document in documents]
        cpu_s = node.cpu_s()
        seconds, times, statuses = await send_all(node.port, requests, parallel=parallel)
        cpu_s = node.cpu_s() - cpu_s
        visible = await _visible(session, kind, status["id"], account["id"], before=actors)
    good = sum(200 <= s < 300 for s in statuses)
    ordered = sorted(times)
    return {
        "kind": kind,
        "accepted": good,
        "accepted_per_s": round(good / seconds),
        "visible": visible,
        "visible_per_s": round(min(visible, good) / seconds),
        "p50_ms": round(statistics.median(ordered) * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "cpu_ms_each": round(cpu_s / count * 1000, 3),
        "rss_mb": round(node.rss_mb()),
    }


def _document(origin: Origin, kind: str, i: int, actors: int, uri: str, me: str) -> tuple[int, dict[str, Any]]:
    n = i % actors
    if kind == "like":
        # Each actor can like a status once: the actors of this kind are all different.
        return i + actors, origin.activity(i + actors, "Like", uri)
    if kind == "announce":
        return i + actors, origin.activity(i + actors, "Announce", uri, published="2026-01-01T00:00:00Z", cc=[me])
    if kind == "follow":
        return i + actors, origin.activity(i + actors, "Follow", me, to=[me])
    mention = {"type": "Mention", "href": me, "name": "@alice"}
    more: dict[str, Any] = {"tag": [mention], "cc": [me]}
    if kind == "reply":
        more["inReplyTo"] = uri
    return n, origin.activity(n, "Create", origin.note(n, **more))


async def _visible(session: aiohttp.ClientSession, kind: str, status_id: str, account_id: str, *, before: int) -> int:
    if kind == "follow":
        async with session.get(f"/api/v1/accounts/{account_id}") as answer:
            return int((await answer.json())["followers_count"])
    if kind == "mention":
        found, params = 0, {"types[]": "mention", "limit": "80"}
        while True:
            async with session.get("/api/v1/notifications", params=params) as answer:
                page = await answer.json()
            if not page:
                return found
            found += len(page)
            params["max_id"] = page[-1]["id"]
    field = {"like": "favourites_count", "reply": "replies_count", "announce": "reblogs_count"}[kind]
    async with session.get(f"/api/v1/statuses/{status_id}") as answer:
        return int((await answer.json())[field])


def main() -> None:
    """Print a table."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    for row in asyncio.run(run()):
        print("  ".join(f"{name}={value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
