"""Whether a database was written to since the last look."""

from __future__ import annotations

from fediverse_node.storage.inline import InlineDatabase, InlineSqlite


class Changes:
    """Remembers for each host how far its write-ahead log was. A server's databases always count as changed."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def is_new(self, host: str, database: InlineDatabase) -> bool:
        """Whether something may have been committed since this was asked last."""
        if not isinstance(database, InlineSqlite):
            return True
        try:
            log = database.path.with_name(f"{database.path.name}-wal").stat()
            mark = (log.st_ino, log.st_size)
        except FileNotFoundError:
            mark = (0, 0)
        if self._seen.get(host) == mark:
            return False
        self._seen[host] = mark
        return True
