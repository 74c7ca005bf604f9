"""Delivery: a post to 500 followers who each have an inbox of their own, on 50 hosts."""

from __future__ import annotations

import asyncio
import os
import statistics
from typing import Any

import aiohttp

from tests.bench.origin import Origin, send_all
from tests.bench.served import Served, free_port, served

_POSTS = 5


async def run(followers: int = 500, hosts: int = 50) -> dict[str, Any]:
    """One row: deliveries a second from the first post's answer to the last arrival, and the lag of each."""
    with served() as node:
        origins = [Origin(free_port(), followers // hosts, keys=1, shared_inbox=False) for _ in range(hosts)]
        for origin in origins:
            await origin.start()
        try:
            await _follow(node, origins)
            return await _measure(node, origins, followers)
        finally:
            for origin in origins:
                await origin.stop()


async def _follow(node: Served, origins: list[Origin]) -> None:
    me, inbox = f"{node.base_url}/users/alice", f"{node.base_url}/inbox"
    follows = [
        origin.signed(n, inbox, origin.activity(n, "Follow", me, to=[me]))
        for origin in origins
        for n in range(origin.actors)
    ]
    await send_all(node.port, follows, parallel=16)
    await _arrived(origins, len(follows), "Accept")
    for origin in origins:
        origin.deliveries.clear()


async def _measure(node: Served, origins: list[Origin], followers: int) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {node.token}"}
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(node.base_url, headers=headers) as session:
        cpu_s, started, posted = node.cpu_s(), loop.time(), {}
        for number in range(_POSTS):
            async with session.post("/api/v1/statuses", json={"status": f"Post {number} to everybody"}) as answer:
                status = await answer.json()
            posted[status["uri"]] = loop.time()
        await _arrived(origins, followers * _POSTS, "Create")
    arrivals = [
        (at, d["object"]["id"]) for origin in origins for at, _, d in origin.deliveries if d["type"] == "Create"
    ]
    seconds = max(at for at, _ in arrivals) - started
    lags = sorted((at - posted[uri]) * 1000 for at, uri in arrivals)
    return {
        "deliveries": len(arrivals),
        "per_s": round(len(arrivals) / seconds),
        "lag_p50_ms": round(statistics.median(lags)),
        "lag_p99_ms": round(lags[int(len(lags) * 0.99)]),
        "cpu_ms_each": round((node.cpu_s() - cpu_s) / len(arrivals) * 1000, 2),
        "rss_mb": round(node.rss_mb()),
    }


async def _arrived(origins: list[Origin], wanted: int, type_: str) -> None:
    async with asyncio.timeout(120):
        while sum(d["type"] == type_ for o in origins for _, _, d in o.deliveries) < wanted:
            await asyncio.sleep(0.02)


def main() -> None:
    """Print the row."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    print("  ".join(f"{name}={value}" for name, value in asyncio.run(run()).items()))


if __name__ == "__main__":
    main()
