"""Search by words among 100,000 posts, on both engines: milliseconds from the question to the page of 20 entries.

Run it as `python -m tests.bench.bench_search [number of posts]`. Every second post may be found by everybody; the
reader wrote one in a thousand. The figure to hold: about ten milliseconds for what people ask.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg

from fediverse_node.base.clock import from_ms
from fediverse_node.base.ids import SEQUENCE_BITS
from fediverse_node.mastodon_api.search_query import parse_query, with_author_ids
from fediverse_node.storage.apply.words import put_words
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.queries.search import find_objects
from fediverse_node.storage.tables import actors, objects
from fediverse_node.storage.unit import Insert, Unit
from tests.activities.builders import NOW_MS, an_actor
from tests.postgres import find_binaries, running_server
from tests.storage.node_store import NodeStore, actor_row

_PEOPLE, _AT_ONCE, _TIMES = 1_000, 500, 40
_VOCABULARY = 20_000
_STEP_MS = 60_000
_QUESTIONS = {
    "a rare word": "w15000",
    "a word of every third post": "harbour",
    "the beginning of many words": "w123",
    "a phrase": '"harbour lights"',
    "without spaces": "\u6771\u4eac\u90fd",
    "two words, and without one": "harbour lights -w12",
    "one's own": "from:me harbour",
    "a month": f"harbour during:{from_ms(NOW_MS - 150_000 * _STEP_MS):%Y-%m}",
    "what nobody lets be found": "privately",
    "operators alone": "has:link language:en",
}


def _text(drawn: random.Random, number: int) -> str:
    words = [f"w{int(_VOCABULARY * drawn.random() ** 3)}" for _ in range(30)]
    if number % 3 == 0:
        words.insert(7, "harbour lights" if number % 2 else "harbour")
    if number % 4 == 1:
        words.append("\u79c1\u306f\u6771\u4eac\u90fd\u306b\u884c\u304f")
    return "<p>" + " ".join(words) + "</p>"


def _row(drawn: random.Random, number: int) -> dict[str, Any]:
    findable = bool(number % 2)
    actor_id = 1 if number % 1_000 == 7 else drawn.randrange(2, _PEOPLE)
    text = _text(drawn, number) + ("" if findable else "<p>privately</p>")
    published_ms = NOW_MS - (200_000 - number) * _STEP_MS
    return {
        "id": (published_ms << SEQUENCE_BITS) + number,
        "uri": f"https://far.example/{number}",
        "type": "Note",
        "actor_id": actor_id,
        "local": actor_id < 10,
        "visibility": 0,
        "content": text + ('<p><a href="https://example.org/">a page</a></p>' if number % 10 == 3 else ""),
        "language": ("en", "de", "ja")[number % 3],
        "searchable": 4 if findable else 0,
        "published_ms": published_ms,
    }


def _written(rows: list[dict[str, Any]]) -> Unit[None]:
    yield Insert(objects, rows)


async def _measure(url: str, number: int) -> None:
    store = await NodeStore.open(url)
    drawn = random.Random(1)
    # All live here, so that all is in the index, whoever lets it be found.
    people = [an_actor(f"p{n}", n, "home.example") for n in range(1, _PEOPLE)]

    def unit() -> Unit[None]:
        yield Insert(actors, [actor_row(person) for person in people])

    await store.writer.run(unit)
    indexing_s = 0.0
    for first in range(0, number, _AT_ONCE):
        rows = [_row(drawn, n) for n in range(first, min(first + _AT_ONCE, number))]
        await store.writer.run(lambda rows=rows: _written(rows))  # type: ignore[misc]
        began_s = time.perf_counter()
        await store.writer.run(lambda rows=rows: put_words([row["id"] for row in rows], new=True))  # type: ignore[misc]
        indexing_s += time.perf_counter() - began_s
    print(f"{store.database.dialect}: {indexing_s / number * 1e6:.0f} us to index a post of 30 words", flush=True)
    await store.close()
    if url.startswith("postgresql"):
        # What autovacuum does on a real server, and does not on that of the tests.
        connection = await asyncpg.connect(url)
        await connection.execute("VACUUM ANALYZE")
        await connection.close()
    store = NodeStore(await open_database(url))
    for name, text in _QUESTIONS.items():
        wanted = with_author_ids(parse_query(text), {"me": 1})
        assert wanted is not None
        times: list[float] = []
        found: list[Any] = []
        for _ in range(_TIMES):
            began_s = time.perf_counter()
            found = await find_objects(store.database, wanted, viewer_id=1, now_ms=NOW_MS, limit=20)
            times.append((time.perf_counter() - began_s) * 1000)
        times.sort()
        middle, worst = times[len(times) // 2], times[-1]
        print(f"  {name:30} found {len(found):3}  p50 {middle:7.2f} ms  worst {worst:7.2f} ms", flush=True)
    await store.close()


def main() -> None:
    """One table an engine."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-search-")))
        asyncio.run(_measure(f"sqlite:///{folder / 'node.db'}", number))
        binaries = find_binaries()
        if binaries is not None:
            server = stack.enter_context(running_server(binaries))
            asyncio.run(_measure(server.create_database(), number))


if __name__ == "__main__":
    main()
