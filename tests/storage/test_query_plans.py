"""The queries of the hot path find what they want by an index, however large the tables are."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fediverse_node.storage import container_facts, facts
from fediverse_node.storage.apply import (
    counting,
    deliveries,
    objects,
    polls,
    reactions,
    relations,
    removal,
    threads,
    words,
)
from fediverse_node.storage.queries import containers, housekeeping, inbox, outbox, search
from fediverse_node.storage.queries import deliveries as queue
from fediverse_node.storage.queries import threads as conversations
from fediverse_node.storage.statement import Statement

# Small, or read as a whole on purpose.
_MAY_BE_READ_WHOLE = {"domain_blocks", "hosts", "users", "tokens", "json_each", "authorization_codes", "sessions"}
_MAY_BE_READ_WHOLE |= {"sign_in_links", "mutes"}
# Once in a while, over what was gathered since.
_RARE = {
    "queries.deliveries._FORGET_RECEIPTS",
    "queries.housekeeping._OLD_KEYS",
    "queries.housekeeping.CROWDED_HOMES",
    "queries.threads._OLD",
    "queries.threads.THREAD_OF_URI",  # by the address of a page too, on the command line
}
_MODULES = (
    facts,
    counting,
    deliveries,
    objects,
    polls,
    reactions,
    relations,
    removal,
    threads,
    queue,
    housekeeping,
    inbox,
    outbox,
    conversations,
    container_facts,
    containers,
    words,
    search,
)


def _statements() -> list[Any]:
    found = []
    for module in _MODULES:
        place = module.__name__.removeprefix("fediverse_node.storage.")
        for name, value in vars(module).items():
            several = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
            for number, statement in enumerate(several):
                if isinstance(statement, Statement) and f"{place}.{name}" not in _RARE:
                    found.append(pytest.param(statement, id=f"{place}.{name}" + (f"-{number}" if number else "")))
    return found


@pytest.fixture(scope="module")
def busy(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    """A node with some history, which the query planner knows the size of."""
    drawn = random.Random(1)
    connection = sqlite3.connect(tmp_path_factory.mktemp("busy") / "node.db")
    sqlite3.connect(migrated_file).backup(connection)

    def fill(table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", rows)

    def pick(most: int) -> int:
        return drawn.randrange(1, most)

    people, things = 2000, 6000
    fill(
        "actors",
        "id, uri, type, local, username, host, created_ms",
        [(n, f"a{n}", "Person", n < 50, f"u{n}", f"h{n % 90}", 1) for n in range(1, people)],
    )
    fill(
        "objects",
        "id, uri, type, actor_id, visibility, thread_id, in_reply_to_id, in_reply_to_uri, announce_of_id, published_ms",
        [
            (n, f"o{n}", "Note", pick(people), n % 4, n // 5 + 1, *_parent(n), n // 2 + 1 if n % 9 == 0 else None, 1)
            for n in range(1, things)
        ],
    )
    pairs = [(n, pick(people), pick(people)) for n in range(1, things)]
    fill("follows", "id, follower_id, followed_id, uri, follower_local, accepted, created_ms", [
        (n, one, other, f"f{n}", one < 50, 1, 1) for n, one, other in pairs
    ])  # fmt: skip
    fill("likes", "id, actor_id, object_id, uri", [(n, one, pick(things), f"l{n}") for n, one, _ in pairs])
    fill("blocks", "id, actor_id, target_id, uri", [(n, one, other, f"b{n}") for n, one, other in pairs[:900]])
    fill("mutes", "id, actor_id, target_id", [(n, pick(50), other) for n, _, other in pairs[:900]])
    fill("mentions", "object_id, actor_id", [(pick(things), one) for _, one, _ in pairs])
    fill("home_entries", "actor_id, object_id", [(pick(50), pick(things)) for _ in pairs])
    fill("notifications", "id, actor_id, type, from_actor_id, object_id", [
        (n, pick(50), "like", other, pick(things)) for n, _, other in pairs
    ])  # fmt: skip
    fill("payloads", "id, uri, actor_id, type, object_id, body", [
        (n, f"p{n}", pick(50), "Create", pick(things), b"{}") for n in range(1, 2000)
    ])  # fmt: skip
    fill("deliveries", "id, payload_id, inbox, host, state, due_ms, done_ms", [
        (n, n // 3 + 1, "i", f"h{n % 90}", int(n % 20 != 0), n, n) for n in range(1, 5990)
    ])  # fmt: skip
    fill("fetches", "id, uri, kind, due_ms", [(n, f"x{n}", "object", n) for n in range(1, 900)])
    fill("inbox_staging", "id, method, url, headers, body, host, due_ms", [
        (n, "POST", "u", "[]", b"", f"h{n % 90}", n) for n in range(1, 900)
    ])  # fmt: skip
    fill("tombstones", "uri, deleted_ms", [(f"t{n}", 1) for n in range(900)])
    fill("keys", "uri, actor_id, public, fetched_ms", [(f"k{n}", n, "p", 1) for n in range(1, people)])
    fill("seen_signatures", "fingerprint, seen_ms", [(f"s{n}".encode(), n) for n in range(900)])
    fill("tags", "id, name", [(n, f"tag{n}") for n in range(1, 900)])
    fill("followed_tags", "id, actor_id, tag_id", [(n, pick(50), pick(900)) for n in range(1, 900)])
    fill("votes", "object_id, actor_id, choice", [(pick(things), pick(people), 0) for _ in range(900)])
    fill("polls", "object_id, options, counts, expires_ms", [(n, "[]", "[]", n) for n in range(1, 900)])
    fill("conversations", "id, actor_id, thread_id", [(n, pick(50), pick(things)) for n in range(1, 900)])
    fill("thread_mutes", "actor_id, thread_id", [(pick(50), pick(things)) for n in range(900)])
    fill("list_members", "id, list_id, actor_id", [(n, pick(50), pick(people)) for n in range(1, 900)])
    fill("lists", "id, actor_id, title", [(n, pick(50), "t") for n in range(1, 50)])
    fill("media", "id, actor_id, object_id, type, path, media_type, size_bytes, created_ms", [
        (n, pick(50), pick(things), "image", "p", "m", 1, 1) for n in range(1, 900)
    ])  # fmt: skip
    connection.commit()
    return connection


@pytest.fixture(scope="module")
def analysed_busy(busy: sqlite3.Connection) -> sqlite3.Connection:
    """The same, with statistics. A connection of its own: one that has read statistics keeps them."""
    connection = sqlite3.connect(":memory:")
    busy.backup(connection)
    connection.execute("ANALYZE")
    return connection


def _parent(n: int) -> tuple[int | None, str | None]:
    if n % 3:
        return None, None
    return (None, f"missing{n}") if n % 7 == 0 else (n // 3, f"o{n // 3}")


@pytest.mark.parametrize("analysed", [False, True], ids=["new", "analysed"])
@pytest.mark.parametrize("statement", _statements())
def test_a_query_finds_its_rows_by_an_index(
    busy: sqlite3.Connection, analysed_busy: sqlite3.Connection, statement: Statement, analysed: bool
) -> None:
    connection = analysed_busy if analysed else busy
    sql, names, _ = _compiled(statement)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * len(names))]
    scans = [
        step
        for step in plan
        if step.startswith("SCAN ")
        and not step.startswith(("SCAN CONSTANT ROW", "SCAN json_each"))
        and step.split()[1] not in _MAY_BE_READ_WHOLE
        and " VIRTUAL TABLE " not in step
        and "USING INDEX ix_" not in step  # in the order of an index that holds only what waits
        and "USING COVERING INDEX ix_" not in step
    ]
    assert scans == [], "\n".join((sql, *plan))


def _compiled(statement: Statement) -> Any:
    try:
        statement.for_sqlite({})
    except KeyError:
        pass
    return statement._compiled[0]


def test_local_readers_are_found_without_looking_at_remote_followers(busy: sqlite3.Connection) -> None:
    busy.execute("ANALYZE")
    sql, names, _ = _compiled(facts._AUDIENCE)
    plan = [row[3] for row in busy.execute(f"EXPLAIN QUERY PLAN {sql}", [None] * len(names))]
    assert any("ix_follows_local" in step for step in plan), plan
