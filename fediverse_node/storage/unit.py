"""Units of work: generators that say what they want from the database and receive it.

A unit is written once and runs on both engines: SQLite drives it in the writer's thread, PostgreSQL on the
event loop. It yields operations and is resumed with their results:

    def rename(actor_id: int, name: str) -> Unit[int]:
        rows = yield Fetch(BY_ID, {"id": actor_id})
        yield Run(SET_NAME, [{"id": actor_id, "name": name}])
        return len(rows)

A unit may be run again from its start when the batch it was in failed, so it changes nothing but the
database.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Table

from fediverse_node.storage.statement import Statement

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetch:
    """Run a query; resumes with its rows (index and name access)."""

    statement: Statement
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """Run a statement once for each mapping of values; resumes with None."""

    statement: Statement
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Insert:
    """Insert rows that all have the same columns; one that is there already is left as it is.

    Resumes with the list of positions that were really inserted.
    """

    table: Table
    rows: Sequence[Mapping[str, Any]]


Operation: TypeAlias = Fetch | Run | Insert
Unit: TypeAlias = Generator[Operation, Any, T]
