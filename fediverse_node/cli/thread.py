"""What is known of a conversation, as a tree: what is here, what is not and why, who was asked and when.

For developers and for whoever runs the server. It reads the database and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from fediverse_node.base.clock import from_ms
from fediverse_node.base.config import Config
from fediverse_node.base.errors import ConfigurationError
from fediverse_node.core import open_core
from fediverse_node.domain.model import visibility_of
from fediverse_node.domain.threads import Completeness, Ended, Lack
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.storage.queries import threads as queries

Row = Any
_TEXT = 60
_DEEPEST = 40


async def show_thread(config: Config, named: str) -> None:
    """Print the conversation of a post, by its URL or its number here."""
    core = await open_core(config)
    try:
        database, now_ms = core.database, core.world.clock.now_ms()
        if named.isascii() and named.isdigit() and len(named) <= 18:
            found = await database.fetch_one(queries.PRESENT, thread_id=int(named))
        else:
            found = await database.fetch_one(queries.THREAD_OF_URI, uri=named)
        if found is None:
            raise ConfigurationError(f"there is no post {named} here; a search for it in an app would fetch it")
        thread_id = int(found["thread_id"])
        posts = await database.fetch(queries.TREE, thread_id=thread_id)
        sources = await database.fetch(queries.SOURCES, thread_id=thread_id)
        gaps = [row for row in await database.fetch(queries.GAPS, thread_id=thread_id) if not row["is_here"]]
        held, _ = await queries.load_held(database, thread_id)
        known, walk = await queries.load_completeness(database, thread_id, held, now_ms)
    finally:
        await core.close()
    for line in (
        *_head(thread_id, known, walk),
        *_tree(posts, gaps),
        *_gaps(gaps),
        *_sources(sources),
    ):
        click.echo(line)


def _head(thread_id: int, known: Completeness, walk: Row | None) -> Iterator[str]:
    yield f"Thread {thread_id}: {known.held} of {known.known} known replies are here."
    if known.claimed is not None:
        yield f"  Others count {known.claimed} replies. That is only what they say."
    for why, number in known.lacking.items():
        yield f"  {number} not here: {why.sentence}"
    if walk is None:
        yield "  It was never looked through."
        return
    yield f"  Looked through {walk['walks']} times, last {_when(walk['walked_ms'])}, {walk['found']} found."
    ended = Ended.__members__.get(walk["ended"])
    if ended is not None:
        yield f"  The last walk ended early: {ended.sentence}."
    if known.is_running:
        yield "  It is being looked through now."
    yield f"  Next: {_when(walk['due_ms']) if walk['due_ms'] is not None else 'when somebody reads it'}."
    if walk["ours"]:
        yield "  Somebody here takes part."


def _tree(posts: Sequence[Row], gaps: Sequence[Row]) -> Iterator[str]:
    yield ""
    ids = {row["id"] for row in posts}
    below: dict[int | None, list[Row]] = {}
    for row in posts:
        below.setdefault(row["in_reply_to_id"] if row["in_reply_to_id"] in ids else None, []).append(row)
    absent = {row["uri"]: row for row in gaps}
    waiting = [(row, 0) for row in reversed(below.pop(None, []))]
    while waiting:
        row, depth = waiting.pop()
        if depth == 0 and row["in_reply_to_uri"] is not None:
            yield f"? {row['in_reply_to_uri']}  {_why_absent(absent.get(row['in_reply_to_uri']))}"
            depth = 1
        yield f"{'  ' * min(depth, _DEEPEST)}{_said(row)}"
        waiting += [(child, depth + 1) for child in reversed(below.pop(row["id"], []))]


def _said(row: Row) -> str:
    audience = visibility_of(row["visibility"]).value
    plain = "(not for everybody)" if row["visibility"] > 1 else to_plain_text(row["content"]).replace("\n", " ")
    text = plain if len(plain) <= _TEXT else f"{plain[:_TEXT]}…"
    mark = "" if audience == "public" else f"[{audience}] "
    return f"@{row['username']}@{row['host']}: {mark}{text}  <{row['uri']}>"


def _why_absent(gap: Row | None) -> str:
    return f"({Lack[gap['state']].sentence})" if gap is not None else "(not here, and not asked for)"


def _gaps(gaps: Sequence[Row]) -> Iterator[str]:
    if not gaps:
        return
    yield ""
    yield "Named, and not here:"
    for row in gaps:
        state = Lack.__members__.get(row["state"], Lack.WAITING)
        yield f"  {state.name.lower():<11} {row['uri']}"
        again = "never" if row["next_ms"] is None else _when(row["next_ms"])
        named_by = f"named by {row['named_by']}" if row["named_by"] else "answered by a post that is here"
        yield f"              {named_by}; asked {_when(row['asked_ms'])}, again {again}"
        if row["detail"]:
            yield f"              {row['detail']}"


def _sources(sources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not sources:
        return
    yield ""
    yield "Asked who belongs to it:"
    for row in sources:
        state = Lack.__members__.get(row["state"])
        total = "no total" if row["total"] is None else f"claims {row['total']}"
        said = f"listed {row['listed']}, {total}" if state is None else state.name.lower()
        yield f"  {row['kind']:<8} {row['uri']}"
        detail = f" ({row['detail']})" if row["detail"] else ""
        yield f"           {said}{detail}; asked {_when(row['asked_ms'])}, again {_when(row['next_ms'])}"


def _when(ms: int | None) -> str:
    return "never" if ms is None or ms <= 0 else from_ms(ms).strftime("%Y-%m-%d %H:%M:%S UTC")
