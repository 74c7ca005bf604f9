"""What was written into an SQLite file since the last look, page by page, from its write-ahead log.

spec: sqlite-format#the_write_ahead_log. In a simulated world the log is never copied back
while the database is open, so what is new stands at its end. Of a page that was written several times the newest
version counts. Pages of indexes are left out: they hold nothing that a table does not hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LOG_HEADER = 32
_FRAME_HEADER = 24
_PAGE_SIZE_AT = 16
# The first byte of a page: leaves of tables; anything small is a page on which a long value goes on.
_TABLE_LEAF = 0x0D
_INTERIOR_TABLE, _INTERIOR_INDEX, _INDEX_LEAF = 0x05, 0x02, 0x0A
_HOLDS_NO_TEXT = frozenset({_INTERIOR_TABLE, _INTERIOR_INDEX, _INDEX_LEAF})


@dataclass
class _Read:
    """How far a file was read."""

    salt: bytes = b""
    size: int = 0


class LogPages:
    """Remembers how far each file was read."""

    def __init__(self) -> None:
        self._read: dict[Path, _Read] = {}

    def new_in(self, path: Path) -> Iterator[bytes]:
        """The pages that were written since the last call. At first, and after a restart, the whole file."""
        log = path.with_name(f"{path.name}-wal")
        before = self._read.get(path)
        data, salt = _tail(log, before)
        if before is None or salt != before.salt:
            # A new log: the one before was copied into the file, and is gone.
            yield from _pages_of_file(path)
            data, salt = _tail(log, None)
        read = self._read.setdefault(path, _Read())
        read.size = (read.size if salt == read.salt else _LOG_HEADER) + len(data)
        read.salt = salt
        yield from _newest(data, _page_size(path))


def _tail(log: Path, before: _Read | None) -> tuple[bytes, bytes]:
    """The whole frames after what was read, and what tells this log from others."""
    try:
        with log.open("rb") as file:
            salt = file.read(_LOG_HEADER)[16:24]
            if before is not None and salt == before.salt:
                file.seek(before.size)
            data = file.read()
    except FileNotFoundError:
        return b"", b""
    return data, salt


def _page_size(path: Path) -> int:
    with path.open("rb") as file:
        size = int(struct.unpack(">H", file.read(_PAGE_SIZE_AT + 2)[_PAGE_SIZE_AT:])[0])
    return 65536 if size == 1 else size


def _pages_of_file(path: Path) -> Iterator[bytes]:
    data, size = path.read_bytes(), _page_size(path)
    for at in range(0, len(data), size):
        # The first page begins with the header of the file.
        if at == 0 or data[at] not in _HOLDS_NO_TEXT:
            yield data[at : at + size]


def _newest(data: bytes, page_size: int) -> Iterator[bytes]:
    frame = _FRAME_HEADER + page_size
    newest: dict[bytes, int] = {}
    for at in range(0, len(data) - frame + 1, frame):
        newest[data[at : at + 4]] = at + _FRAME_HEADER
    for at in newest.values():
        if data[at] not in _HOLDS_NO_TEXT:
            yield data[at : at + page_size]
