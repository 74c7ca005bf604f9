"""Reading: home timeline, public timeline, a thread of 500 answers, notifications, one account's statuses.

The node is a process of its own on one core, the client on another; 16 connections that are kept open. Run it
as `python -m tests.bench.bench_timelines`. The figure to hold: home timeline of 20 full statuses, 1,800 requests/s.
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

_CONNECTIONS = 16
_SECONDS = 4.0
_PEOPLE, _POSTS, _ANSWERS = 20, 240, 500
_TICKS = os.sysconf("SC_CLK_TCK")
_WORDS = (
    "<p>What people write is mostly of this length: two sentences, perhaps a link to "
    '<a href="https://example.org/a/page" rel="nofollow">example.org/a/page</a>, and somebody who is meant.</p>'
)


async def _fill(node: TalkingNode) -> dict[str, Any]:
    """A reader with a full home timeline, some of it boosted and with pictures; a long thread; notifications."""
    alice = await node.person("alice")
    people = [await node.stranger(f"person{n}") for n in range(_PEOPLE)]
    for person in people:
        await alice.follow(person)
    ids: list[int] = []
    for n in range(_POSTS):
        author = people[n % _PEOPLE]
        picture = {
            "id": n,
            "type": "image",
            "remote_url": f"https://far.example/{n}.jpg",
            "width": 1600,
            "height": 900,
            "description": "a picture of something worth describing",
            "blurhash": "UBL_:rOpGG-oBUNG,qRj2so|=eE1w^n4S5NH",
            "media_type": "image/jpeg",
        }
        attachments = (picture,) if n % 3 == 0 else ()
        ids.append(await node.hear(author, _WORDS, mentions=[people[-1]], hashtags=["bench"], attachments=attachments))
    for n in range(0, _POSTS, 6):
        await alice.ask("POST", f"/api/v1/statuses/{ids[n]}/reblog")
        await alice.ask("POST", f"/api/v1/statuses/{ids[-n - 1]}/favourite")
    root = int((await alice.say("a question to all"))["id"])
    thread = [root]
    for n in range(_ANSWERS):
        parent = thread[n // 3]
        thread.append(await node.hear(people[n % _PEOPLE], _WORDS, mentions=[alice], in_reply_to_id=parent))
    return {"token": alice.token, "root": root, "actor_id": alice.actor_id}


async def _serve(folder: Path) -> None:
    async with talking_node(folder) as node:
        made = await _fill(node)
        print(json.dumps({"port": int(node.base_url.rpartition(":")[2]), **made}), flush=True)
        await asyncio.Event().wait()


async def _ask_for(port: int, path: str, token: str, until: float, times: list[float]) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    size_bytes = 0
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        size_bytes = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(size_bytes)
        times.append(time.perf_counter() - started)
    writer.close()
    return size_bytes


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _measure(name: str, path: str, made: dict[str, Any], pid: int) -> dict[str, Any]:
    await _ask_for(made["port"], path, made["token"], time.perf_counter() + 0.3, [])
    times: list[float] = []
    cpu_s, started = _cpu_s(pid), time.perf_counter()
    until = started + _SECONDS
    asked = (_ask_for(made["port"], path, made["token"], until, times) for _ in range(_CONNECTIONS))
    sizes = await asyncio.gather(*asked)
    seconds, used_s = time.perf_counter() - started, _cpu_s(pid) - cpu_s
    times.sort()
    return {
        "name": name,
        "per_second": round(len(times) / seconds),
        "cpu_us": round(used_s / len(times) * 1e6),
        "p50_ms": round(times[len(times) // 2] * 1000, 2),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 2),
        "kilobytes": round(sizes[0] / 1000, 1),
    }


async def run() -> list[dict[str, Any]]:
    """One row a method."""
    with tempfile.TemporaryDirectory(prefix="bench-timelines-") as folder:
        command = [sys.executable, "-m", "tests.bench.bench_timelines", "--serve", folder]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            made = json.loads(await process.stdout.readline())
            if (os.cpu_count() or 1) > 1:
                for task in Path(f"/proc/{process.pid}/task").iterdir():
                    os.sched_setaffinity(int(task.name), {0})
                os.sched_setaffinity(0, {1})
            paths = {
                "home": "/api/v1/timelines/home?limit=20",
                "public": "/api/v1/timelines/public?limit=20",
                "tag": "/api/v1/timelines/tag/bench?limit=20",
                "account": f"/api/v1/accounts/{made['actor_id']}/statuses?limit=20",
                "notifications": "/api/v1/notifications?limit=20",
                "thread of 500": f"/api/v1/statuses/{made['root']}/context",
            }
            return [await _measure(name, path, made, process.pid) for name, path in paths.items()]
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
