"""The file of a recording while it grows: whole lines, each with the system as soon as it is written.

What a killed process leaves behind can be read up to its last whole line. It does not grow for ever: at its limit it
ends, and the node goes on without it.
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from fediverse_node.lab.recording import RecordingError

LIMIT_BYTES = 500_000_000


class RecordingFile:
    """Made by `create`."""

    def __init__(self, descriptor: int, path: Path, limit_bytes: int) -> None:
        self.path = path
        self.size_bytes = 0
        self._limit_bytes = limit_bytes
        self._descriptor: int | None = descriptor

    @classmethod
    def create(cls, path: Path, *, limit_bytes: int = LIMIT_BYTES) -> tuple[RecordingFile, Path | None]:
        """A new file, and where the one that stood in its place is now. Raises RecordingError.

        Nobody but its owner may read it: there are private messages in it.
        """
        try:
            moved = _put_aside(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RecordingError(f"the recording {path} cannot be written: {error.strerror}") from error
        return cls(descriptor, path, limit_bytes), moved

    @property
    def is_open(self) -> bool:
        """Whether anything is still written."""
        return self._descriptor is not None

    def write(self, line: bytes) -> str | None:
        """Append a line. Why the recording ends, if it does: its limit is reached, or the disk is full."""
        if self._descriptor is None:
            return None
        if self.size_bytes + len(line) + 1 > self._limit_bytes:
            self.close()
            return (
                f"the recording has ended: {self.path} has reached its limit of {self._limit_bytes // 1_000_000} MB. "
                "The node goes on; start it again to go on recording"
            )
        try:
            _write_all(self._descriptor, line + b"\n")
        except OSError as error:
            self.close()
            return f"the recording has ended: {self.path} cannot be written: {error.strerror}. The node goes on"
        self.size_bytes += len(line) + 1
        return None

    def close(self) -> None:
        """No more lines."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _put_aside(path: Path) -> Path | None:
    """An older recording is not lost: it gets a number."""
    if path.exists() and not path.is_file():
        raise RecordingError(f"the recording {path} cannot be written: that is no file")
    if not path.exists() or path.stat().st_size == 0:
        path.unlink(missing_ok=True)
        return None
    aside = next(free for number in count(1) if not (free := path.with_name(f"{path.name}.{number}")).exists())
    path.rename(aside)
    return aside
