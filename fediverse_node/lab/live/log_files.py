"""The nodes' logs, a file for each: what a node did is told apart by whose code was running."""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import TextIO

from fediverse_node.lab.place import place

_ROOT = "fediverse_node"
_LAB = "lab"


class LogFiles(logging.Handler):
    """Writes `alpha.test.log` and so on into a folder; what is nobody's goes to `lab.log`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(logging.DEBUG)
        self._folder = folder
        self._files: dict[str, TextIO] = {}
        self._level_before = logging.NOTSET
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))

    def __enter__(self) -> LogFiles:
        log = logging.getLogger(_ROOT)
        self._level_before = log.level
        log.setLevel(logging.DEBUG)
        log.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log = logging.getLogger(_ROOT)
        log.removeHandler(self)
        log.setLevel(self._level_before)
        for file in self._files.values():
            file.close()
        self._files.clear()
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        here = place.get().rpartition("@")[2] or _LAB
        file = self._files.get(here)
        if file is None:
            file = self._files[here] = (self._folder / f"{here}.log").open("a", encoding="utf-8")
        file.write(self.format(record) + "\n")
        file.flush()
