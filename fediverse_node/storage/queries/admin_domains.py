"""Rules about domains and hosts that are let in, as apps page through them: by a number of their own.

Rules come from many places (the command line, lists of others); whichever has no number yet is given one when an app
asks. It stays as long as the rule does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Table, Text, bindparam, func, select, update

from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.timelines import Keyset, keyset
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import domain_allows, domain_blocks
from fediverse_node.storage.unit import Fetch, Run, Unit
from fediverse_node.storage.writer import Writer

Row = Any


class Numbered:
    """One of the two tables."""

    def __init__(self, table: Table) -> None:
        number, host = table.c.number, table.c.host
        self.listing: Keyset = keyset(select(table), number)
        self.by_number = Statement(select(table).where(number == bindparam("number_", type_=BigInteger())))
        self.by_host = Statement(select(table).where(host == bindparam("host_", type_=Text())))
        self._missing = Statement(select(host).where(number.is_(None)).order_by(table.c.created_ms, host))
        self._count_missing = Statement(select(func.count()).select_from(table).where(number.is_(None)))
        self._give = Statement(
            update(table)
            .where(host == bindparam("host_", type_=Text()), number.is_(None))
            .values(number=bindparam("number_", type_=BigInteger()))
        )

    async def ensure(self, database: Database, writer: Writer, ids: Callable[[], int]) -> None:
        """From now on all have numbers; the later a rule was made, the higher."""
        row = await database.fetch_one(self._count_missing)
        if row is not None and row[0]:
            await writer.run(lambda: self._number(ids))

    def _number(self, ids: Callable[[], int]) -> Unit[None]:
        rows = yield Fetch(self._missing, {})
        yield Run(self._give, [{"host_": row["host"], "number_": ids()} for row in rows])


BLOCKS = Numbered(domain_blocks)
ALLOWS = Numbered(domain_allows)
