"""The clock of a simulated world: the loop's time from a fixed day on; each node may be set wrong by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class LabClock:
    """A `Clock` that goes by the loop. `skew_s` is by how much it is fast."""

    def __init__(self, loop: asyncio.AbstractEventLoop, beginning: datetime = BEGINNING) -> None:
        self._loop = loop
        self._beginning_ms = int(beginning.timestamp() * 1000)
        self._beginning = beginning
        self.skew_s = 0.0

    def now(self) -> datetime:
        return self._beginning + timedelta(seconds=self._loop.time() + self.skew_s)

    def now_ms(self) -> int:
        return self._beginning_ms + round((self._loop.time() + self.skew_s) * 1000)
