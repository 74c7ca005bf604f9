"""Nothing that was acknowledged is lost and nothing is half done, whatever happens to processes and connections."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from fediverse_node.domain import effects as e
from fediverse_node.domain.model import Poll, Visibility
from fediverse_node.storage.engine import open_database
from fediverse_node.storage.faults import Outpaced, Unavailable
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import settings
from fediverse_node.storage.unit import Insert, Run, Unit
from tests.activities.builders import NOW_MS
from tests.storage.node_store import NodeStore

_ADD = Statement(text("UPDATE settings SET value = value || 'y' WHERE key = :which"))
_ROOT = Path(__file__).resolve().parents[2]


def _process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storage.writing_process", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )


def _note(key: str) -> Unit[str]:
    yield Insert(settings, [{"key": key, "value": "x"}])
    return key


@pytest.mark.parametrize("moment_s", [0.05, 0.2, 0.5])
def test_what_was_acknowledged_is_there_after_a_kill_and_nothing_is_half_done(
    sqlite_node_url: str, moment_s: float
) -> None:
    process = _process("note", sqlite_node_url)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as stdout, process.stderr as stderr:
        first = stdout.readline()
        time.sleep(moment_s)
        process.kill()
        # Not communicate(): it would leave out what the first reading took in beyond its line.
        output, errors = stdout.read(), stderr.read()
    process.wait()
    assert first, errors
    acknowledged = {int(line) for line in (first + output).splitlines(keepends=True) if line.endswith("\n")}
    connection = sqlite3.connect(sqlite_node_url.removeprefix("sqlite:///"))
    keys = {row[0] for row in connection.execute("SELECT key FROM settings")}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert {f"{number}-a" for number in acknowledged} <= keys
    assert {key[:-2] for key in keys if key.endswith("-a")} == {key[:-2] for key in keys if key.endswith("-b")}


async def test_a_database_that_another_process_holds_is_waited_for(sqlite_store: NodeStore) -> None:
    path = sqlite_store.database.path  # type: ignore[attr-defined]
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    held.execute("INSERT INTO settings (key, value) VALUES ('theirs', 'x')")
    tasks = [asyncio.create_task(sqlite_store.writer.run(lambda n=n: _note(str(n)))) for n in range(3)]  # type: ignore[misc]
    await asyncio.sleep(1.0)
    assert not any(task.done() for task in tasks)
    assert await sqlite_store.count("settings") == 0  # reading goes on meanwhile
    held.execute("COMMIT")
    held.close()
    assert await asyncio.wait_for(asyncio.gather(*tasks), 5) == ["0", "1", "2"]
    assert await sqlite_store.count("settings") == 4


async def test_a_connection_that_is_thrown_out_during_a_batch_is_replaced(postgres_store: NodeStore) -> None:
    begun = asyncio.Event()
    url = postgres_store.database.url  # type: ignore[attr-defined]
    thrown = 0

    def slow() -> Unit[str]:
        nonlocal thrown
        yield Insert(settings, [{"key": "slow", "value": "x"}])
        thrown += 1
        begun.set()
        for n in range(300):
            yield Insert(settings, [{"key": f"slow{n}", "value": "x"}])
        return "slow"

    task = asyncio.create_task(postgres_store.writer.run(slow))
    await begun.wait()
    await _throw_everybody_out(url)
    assert await asyncio.wait_for(task, 10) == "slow"
    assert thrown >= 2
    assert await postgres_store.count("settings") == 301
    await _throw_everybody_out(url)
    assert await postgres_store.count("settings") == 301  # a read gets a new connection as well
    assert await postgres_store.writer.run(lambda: _note("after")) == "after"


async def _throw_everybody_out(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()


async def test_a_server_that_stays_away_is_reported_and_used_again_when_it_is_back(
    postgres_store: NodeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fediverse_node.storage.writer._PATIENCE_S", (0.01, 0.01))
    calls = 0
    plain = postgres_store.database.transact

    async def away(batch: object) -> list[object]:
        nonlocal calls
        calls += 1
        raise Unavailable("gone")

    monkeypatch.setattr(postgres_store.database, "transact", away)
    outcomes = await asyncio.gather(
        *(postgres_store.writer.run(lambda n=n: _note(str(n))) for n in range(9)),  # type: ignore[misc]
        return_exceptions=True,
    )
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert calls == 3  # not once more for each of the nine
    monkeypatch.setattr(postgres_store.database, "transact", plain)
    assert await postgres_store.writer.run(lambda: _note("back")) == "back"


async def test_a_transaction_that_gives_way_in_a_deadlock_is_tried_again(postgres_node_url: str) -> None:
    first, second = NodeStore(await open_database(postgres_node_url)), NodeStore(await open_database(postgres_node_url))
    connection = await asyncpg.connect(postgres_node_url)
    await connection.execute("INSERT INTO settings VALUES ('a', '0'), ('b', '0')")
    # Who looks for deadlocks last is not the one who is ended: the writer notices first.
    await connection.execute("SET deadlock_timeout = '20s'")
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("UPDATE settings SET value = value || 'x' WHERE key = 'a'")
    runs = 0

    def other() -> Unit[str]:
        nonlocal runs
        runs += 1
        yield Run(_ADD, [{"which": "b"}])
        yield Run(_ADD, [{"which": "a"}])
        return "done"

    task = asyncio.create_task(first.writer.run(other))
    while runs == 0:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    # Now each holds what the other wants.
    await connection.execute("UPDATE settings SET value = value || 'x' WHERE key = 'b'")
    await transaction.commit()
    await connection.close()
    assert await task == "done"
    assert runs == 2
    rows = await second.rows("SELECT key, value FROM settings ORDER BY key")
    assert [(row["key"], row["value"]) for row in rows] == [("a", "0xy"), ("b", "0xy")]
    await first.close()
    await second.close()


async def test_two_processes_on_one_database_count_right(postgres_node_url: str) -> None:
    await _two_processes(postgres_node_url)


async def test_two_processes_on_one_file_count_right(sqlite_node_url: str) -> None:
    await _two_processes(sqlite_node_url)


async def _two_processes(url: str) -> None:
    store = NodeStore(await open_database(url))
    alice = await store.person("alice")
    for n in range(25):
        await store.person(f"remote{n}", f"host{n % 5}.example")
    for n in range(4):
        id_ = store.ids.next()
        poll = Poll(("tea", "coffee"), (0, 0), multiple=True)
        await store.apply(
            e.Put(
                e.NewObject(
                    id=id_,
                    uri=f"{alice.uri}/statuses/{n}",
                    type="Question",
                    actor_id=alice.id,
                    local=True,
                    visibility=Visibility.PUBLIC,
                    published_ms=NOW_MS,
                    poll=poll,
                    thread_id=id_,
                )
            )
        )
    processes = [_process("like", url, str(seed)) for seed in (1, 2)]
    errors = [(await asyncio.to_thread(process.communicate))[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert await store.count("likes") > 20
    assert await store.count("votes") > 5
    assert await store.wrong_counters() == []
    await store.close()


async def test_a_number_that_stays_taken_is_an_error_and_not_an_endless_loop(sqlite_store: NodeStore) -> None:
    def unit() -> Unit[None]:
        yield Insert(settings, [{"key": "a", "value": "x"}])
        raise Outpaced("again and again")

    with pytest.raises(Outpaced):
        await sqlite_store.writer.run(unit)
    assert await sqlite_store.count("settings") == 0
