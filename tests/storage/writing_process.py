"""A process of its own that writes until it is done or killed, and says what was acknowledged.

`python -m tests.storage.writing_process note URL` notes down numbers one after another, many at a time.
`python -m tests.storage.writing_process like URL SEED` lets everybody in the database like everything, takes some
likes back and gives them again, votes, announces and answers; then it stops.
"""

from __future__ import annotations

import asyncio
import random
import sys
from itertools import count

from fediverse_node.storage.engine import open_database
from fediverse_node.storage.rows import actor_of, select_actor
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import settings
from fediverse_node.storage.unit import Insert, Unit
from tests.storage.node_store import NodeStore, decision

_EVERYBODY = Statement(select_actor())


async def _note(url: str) -> None:
    store = NodeStore(await open_database(url))
    numbers = count()

    async def one_after_another() -> None:
        for number in numbers:
            rows = [{"key": f"{number}-{part}", "value": "x" * 200} for part in ("a", "b")]

            def unit(rows: list[dict[str, str]] = rows) -> Unit[None]:
                yield Insert(settings, rows[:1])
                yield Insert(settings, rows[1:])

            await store.writer.run(unit)
            print(number, flush=True)

    await asyncio.gather(*(one_after_another() for _ in range(8)))


async def _like(url: str, seed: int) -> None:
    database = await open_database(url)
    store = NodeStore(database, seed=seed, real_time=True)
    rows = await database.fetch(_EVERYBODY)
    remote = [actor_of(row) for row in rows if not row["local"]]
    posts = [row["uri"] for row in await store.rows("SELECT uri FROM objects WHERE local = :yes", yes=True)]
    drawn = random.Random(seed)

    async def acts(number: int) -> None:
        for _ in range(40):
            actor, post = drawn.choice(remote), drawn.choice(posts)
            like = {"id": f"{actor.uri}/likes/{posts.index(post)}", "type": "Like", "actor": actor.uri, "object": post}
            kind = drawn.choice(("like", "like", "like", "unlike", "announce", "answer", "vote", "delete"))
            if kind == "like":
                await store.writer.decide(decision("Like", actor, post, id=like["id"]))
            elif kind == "unlike":
                await store.writer.decide(decision("Undo", actor, like))
            elif kind == "announce":
                await store.writer.decide(decision("Announce", actor, post, id=f"{actor.uri}/announces/{post[-2:]}"))
            elif kind == "answer":
                note = {**store.note(actor, inReplyTo=post), "id": f"{actor.uri}/statuses/{drawn.randrange(40)}"}
                await store.writer.decide(decision("Create", actor, note))
            elif kind == "delete":
                uri = f"{actor.uri}/statuses/{drawn.randrange(40)}"
                await store.writer.decide(decision("Delete", actor, uri))
            else:
                name = drawn.choice(("tea", "coffee"))
                vote = {**store.note(actor, inReplyTo=post, name=name, content=""), "id": f"{actor.uri}/votes/{name}"}
                await store.writer.decide(decision("Create", actor, vote))

    await asyncio.gather(*(acts(number) for number in range(12)))
    await store.close()


if __name__ == "__main__":
    if sys.argv[1] == "note":
        asyncio.run(_note(sys.argv[2]))
    else:
        asyncio.run(_like(sys.argv[2], int(sys.argv[3])))
