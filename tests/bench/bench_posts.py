"""A person posts: status requests a second through the client API, each committed before its answer."""

from __future__ import annotations

import asyncio
import os
import statistics

import orjson

from tests.bench.origin import send_all
from tests.bench.served import served


async def run(count: int = 1000, parallel: int = 8) -> dict[str, float]:
    """One row."""
    with served() as node:
        body = orjson.dumps({"status": "A sentence of usual length, with #atag and a https://example.org/link in it."})
        head = (
            f"POST /api/v1/statuses HTTP/1.1\r\nhost: 127.0.0.1:{node.port}\r\nauthorization: Bearer {node.token}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        cpu_s = node.cpu_s()
        seconds, times, statuses = await send_all(node.port, [head.encode() + body] * count, parallel=parallel)
        cpu_s = node.cpu_s() - cpu_s
    good = sum(status == 200 for status in statuses)
    ordered = sorted(times)
    return {
        "posted": good,
        "per_s": round(good / seconds),
        "p50_ms": round(statistics.median(ordered) * 1000, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 1),
        "cpu_ms_each": round(cpu_s / count * 1000, 2),
    }


def main() -> None:
    """Print the row."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    print("  ".join(f"{name}={value}" for name, value in asyncio.run(run()).items()))


if __name__ == "__main__":
    main()
