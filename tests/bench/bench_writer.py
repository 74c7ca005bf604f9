"""How much the database writer does: decisions a second and processor time for each, in batches and alone.

Run it by name on a quiet machine: `.venv/bin/python -m tests.bench.bench_writer [sqlite|postgresql] [--profile]`.
The PostgreSQL here does not wait for its disk (tests/postgres.py): its figures show our own cost.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fediverse_node.domain.effects import NewFollow, Put
from fediverse_node.domain.model import Actor
from fediverse_node.storage import sqlite
from fediverse_node.storage.writer import Decision
from tests.activities.builders import follow_uri, mentioning
from tests.postgres import find_binaries, running_server
from tests.storage.node_store import NodeStore, decision

SENDERS, READERS, POSTS, ITEMS = 400, 5, 50, 6000
WAITING_AT_ONCE = 200


async def _populate(store: NodeStore) -> tuple[list[Actor], Actor, list[str]]:
    author = await store.person("author")
    readers = [await store.person(f"reader{n}") for n in range(READERS)]
    senders = [await store.person(f"sender{n}", f"host{n % 40}.example") for n in range(SENDERS)]
    for sender in senders:
        for reader in readers:
            uri = follow_uri(reader, sender)
            await store.apply(_follow(store, uri, reader, sender))
    posts = []
    for n in range(POSTS):
        note = store.note(senders[n], cc=[], tag=mentioning(author))
        await store.receive("Create", senders[n], note)
        posts.append(note["id"])
    return senders, author, posts


def _follow(store: NodeStore, uri: str, follower: Actor, followed: Actor) -> Put:
    return Put(NewFollow(store.ids.next(), uri, follower.id, followed.id, True, True, store.clock.now_ms()))


def _likes(senders: Sequence[Actor], posts: Sequence[str]) -> list[Decision]:
    pairs = [(sender, post) for post in posts for sender in senders][:ITEMS]
    return [decision("Like", s, p, id=f"{s.uri}#likes/{n}") for n, (s, p) in enumerate(pairs)]


def _replies(store: NodeStore, senders: Sequence[Actor], author: Actor, posts: Sequence[str]) -> list[Decision]:
    made = []
    for n in range(ITEMS):
        sender, parent = senders[n % len(senders)], posts[n % len(posts)]
        note = store.note(sender, inReplyTo=parent, tag=mentioning(author))
        made.append(decision("Create", sender, note))
    return made


async def _measure(name: str, store: NodeStore, decisions: Sequence[Decision], cpu: Callable[[], float]) -> None:
    iterator = iter(decisions[:-200])
    batches, started, before = store.writer.batches, time.perf_counter(), cpu()
    process_before = time.process_time()

    async def one_by_one() -> None:
        for item in iterator:
            decided = await store.writer.decide(item)
            assert decided.refusal is None, decided.refusal

    await asyncio.gather(*(one_by_one() for _ in range(WAITING_AT_ONCE)))
    elapsed, used = time.perf_counter() - started, cpu() - before
    process = time.process_time() - process_before
    n = len(decisions) - 200
    alone = []
    for item in decisions[-200:]:
        start = time.perf_counter()
        await store.writer.decide(item)
        alone.append((time.perf_counter() - start) * 1000)
    print(
        f"{name:24} {n / elapsed:7.0f}/s  writer {used / n * 1e6:6.0f} us  process {process / n * 1e6:6.0f} us  "
        f"{n / (store.writer.batches - batches - 200):5.0f} a batch  alone {statistics.median(alone):5.2f} ms "
        f"(p95 {statistics.quantiles(alone, n=20)[18]:5.2f})"
    )


async def _bench(url: str, cpu: Callable[[], float]) -> None:
    store = await NodeStore.open(url)
    senders, author, posts = await _populate(store)
    engine = url.partition(":")[0]
    await _measure(f"{engine} Like", store, _likes(senders, posts), cpu)
    await _measure(f"{engine} reply", store, _replies(store, senders, author, posts), cpu)
    wrong = await store.wrong_counters()
    assert not wrong, wrong
    await store.close()


def _writer_thread_cpu() -> float:
    thread = next((t for t in threading.enumerate() if t.name == "database-writer"), None)
    if thread is None or thread.ident is None:
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def _bench_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_bench(f"sqlite:///{Path(folder) / 'bench.db'}", _writer_thread_cpu))


def _bench_postgresql() -> None:
    binaries = find_binaries()
    if binaries is None:
        print("PostgreSQL is not installed")
        return
    with running_server(binaries) as server:
        asyncio.run(_bench(server.create_database(), time.process_time))


def _profiled() -> None:
    """The writer's thread under cProfile: each batch is a call of `run_batch`."""
    profile = cProfile.Profile()
    plain = sqlite.run_batch

    def run_batch(connection: object, batch: object) -> object:
        return profile.runcall(plain, connection, batch)  # type: ignore[arg-type]

    sqlite.run_batch = run_batch  # type: ignore[assignment]
    _bench_sqlite()
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    chosen = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if "--profile" in sys.argv:
        _profiled()
    else:
        if chosen in ([], ["sqlite"]):
            _bench_sqlite()
        if chosen in ([], ["postgresql"]):
            _bench_postgresql()
