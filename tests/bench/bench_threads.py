"""Reading a thread of 1,000 posts, of which the client API renders every one.

The node is a process of its own on one core, the client on another; 8 connections that are kept open. Run it as
`python -m tests.bench.bench_threads`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from tests.api.talking_node import TalkingNode, talking_node
from tests.bench.bench_timelines import _WORDS, _ask_for, _cpu_s

_CONNECTIONS = 8
_SECONDS = 8.0
_PEOPLE, _ANSWERS = 20, 999


async def _fill(node: TalkingNode) -> dict[str, Any]:
    """A question with 999 answers to it and to each other, all from elsewhere."""
    alice = await node.person("alice")
    people = [await node.stranger(f"person{n}") for n in range(_PEOPLE)]
    thread = [int((await alice.say("a question to all"))["id"])]
    for n in range(_ANSWERS):
        answered = thread[n // 3]
        thread.append(await node.hear(people[n % _PEOPLE], _WORDS, mentions=[alice], in_reply_to_id=answered))
    return {"token": alice.token, "root": thread[0]}


async def _serve(folder: Path) -> None:
    async with talking_node(folder) as node:
        made = await _fill(node)
        print(json.dumps({"port": int(node.base_url.rpartition(":")[2]), **made}), flush=True)
        await asyncio.Event().wait()


async def _measure(name: str, path: str, made: dict[str, Any], pid: int) -> dict[str, Any]:
    await _ask_for(made["port"], path, made["token"], time.perf_counter() + 0.5, [])
    times: list[float] = []
    cpu_s, started = _cpu_s(pid), time.perf_counter()
    asked = (_ask_for(made["port"], path, made["token"], started + _SECONDS, times) for _ in range(_CONNECTIONS))
    sizes = await asyncio.gather(*asked)
    seconds, used_s = time.perf_counter() - started, _cpu_s(pid) - cpu_s
    times.sort()
    return {
        "name": name,
        "per_second": round(len(times) / seconds, 1),
        "cpu_ms": round(used_s / len(times) * 1e3, 2),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
        "kilobytes": round(sizes[0] / 1000, 1),
    }


async def run() -> list[dict[str, Any]]:
    """One row a way of reading."""
    with tempfile.TemporaryDirectory(prefix="bench-threads-") as folder:
        command = [sys.executable, "-m", "tests.bench.bench_threads", "--serve", folder]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            made = json.loads(await process.stdout.readline())
            if (os.cpu_count() or 1) > 1:
                for task in Path(f"/proc/{process.pid}/task").iterdir():
                    os.sched_setaffinity(int(task.name), {0})
                os.sched_setaffinity(0, {1})
            path = f"/api/v1/statuses/{made['root']}/context"
            return [await _measure("context of 1000", path, made, process.pid)]
        finally:
            process.terminate()
            await process.wait()


def main() -> None:
    """Print the table, or serve for it."""
    if "--serve" in sys.argv:
        uvloop.run(_serve(Path(sys.argv[-1])))
        return
    for row in uvloop.run(run()):
        print("  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
