"""Which exchanges changed since when, for pages that follow a running world.

A revision counts changes. A page that was away asks for everything after the last one it saw, so nothing has to be
queued for it, and a thousand changes of one exchange are one line.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from fediverse_node.lab.exchange import Exchange
from fediverse_node.lab.recording import Recording


class Feed:
    """Watches a recording until `close`."""

    def __init__(self, recording: Recording) -> None:
        self.revision = 0
        self.closed = False
        self._changed: OrderedDict[int, int] = OrderedDict()  # number -> revision, the latest last
        self._news = asyncio.Event()
        self._recording = recording
        for exchange in recording:
            self._note(exchange)
        self._stop = recording.listen(self._note)

    def since(self, revision: int) -> list[int]:
        """The numbers of all exchanges that are new or changed after `revision`, in their order."""
        found: list[int] = []
        for number in reversed(self._changed):
            if self._changed[number] <= revision:
                break
            found.append(number)
        return sorted(found)

    async def wait(self, revision: int, *, timeout_s: float) -> None:
        """Until there is something after `revision`, the feed closes, or the time is over."""
        if self.revision > revision or self.closed:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return

    def close(self) -> None:
        """Stop watching, and wake everybody who waits."""
        if not self.closed:
            self.closed = True
            self._stop()
            self._wake()

    def _note(self, exchange: Exchange) -> None:
        self.revision += 1
        self._changed[exchange.number] = self.revision
        self._changed.move_to_end(exchange.number)
        while (oldest := next(iter(self._changed))) < self._recording.first_number:
            del self._changed[oldest]
        self._wake()

    def _wake(self) -> None:
        # Those who wait hold the event they wait on; the next ones wait on a new one.
        self._news.set()
        self._news = asyncio.Event()
