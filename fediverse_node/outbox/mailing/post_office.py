"""Sends the letters that wait, one after the other: nobody waits for the mail server, and no letter is lost in a crash.

A letter is a row until the mail server has taken it. It may come twice when a crash stands between the two, under the
same Message-ID; it never fails to come because of one.
"""

from __future__ import annotations

import asyncio
import logging

from fediverse_node.base.clock import from_ms
from fediverse_node.base.log import event
from fediverse_node.base.outcome import TemporaryFail
from fediverse_node.domain.facts import World
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import mailing as queries
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.mail import Carrier, Letter

log = logging.getLogger(__name__)

_LEASE_MS = 120_000
# Minutes: a mail server that greylists wants five, one that is down hours.
_PAUSES_MIN = (1, 6, 15, 30, 60, 120, 240)
_SHORTEST_SLEEP_S = 0.05


class PostOffice:
    """A loop that sleeps while nothing is to be sent."""

    def __init__(
        self, *, database: Database, writer: Writer, world: World, carrier: Carrier, longest_sleep_s: float
    ) -> None:
        """`longest_sleep_s`: another process may have put a letter there and died."""
        self._database = database
        self._writer = writer
        self._world = world
        self._carrier = carrier
        self._longest_sleep_s = longest_sleep_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    def start(self) -> None:
        """Go on with what was left."""
        self._task = asyncio.create_task(self._run(), name="post_office")

    async def stop(self) -> None:
        """A letter that is on its way is taken up again by whoever comes next."""
        self._is_over = True
        while self._task is not None and not self._task.done():
            # Again: `wait_for` of Python 3.11, with which the SMTP library waits, loses a cancellation that comes
            # together with an answer.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.2)

    def wake(self) -> None:
        """A letter waits."""
        self._wake.set()

    async def _run(self) -> None:
        while not self._is_over:
            self._wake.clear()
            try:
                if not await self._send_one():
                    await self._sleep()
            except asyncio.CancelledError:
                raise
            except Exception:  # a database that is away for a moment must not end the loop
                log.exception("mail.failed")
                await asyncio.sleep(1.0)

    async def _send_one(self) -> bool:
        now_ms = self._world.clock.now_ms()
        due_ms = await self._due_ms()
        if due_ms is None or due_ms > now_ms:
            return False
        row = await self._writer.run(lambda: queries.claim(now_ms, _LEASE_MS))
        if row is None:
            return False
        await self._send(row, now_ms)
        return True

    async def _send(self, row: Row, now_ms: int) -> None:
        mail_id, attempts = int(row["id"]), int(row["attempts"]) + 1
        if not row["to_address"]:
            await self._writer.run(lambda: queries.finish(mail_id))
            return
        written = from_ms(row["created_ms"])
        letter = Letter(mail_id, row["to_address"], row["subject"], row["plain"], row["html"], written)
        fault = await self._carrier.carry(letter)
        if fault is not None:
            is_over = not isinstance(fault, TemporaryFail) or now_ms >= row["expires_ms"]
            # The address is a person's: its host tells the operator enough.
            host = row["to_address"].rpartition("@")[2]
            name, level = ("mail.given_up", logging.ERROR) if is_over else ("mail.not_sent", logging.WARNING)
            event(log, name, level, reason=fault.reason.name, cause=fault.detail, host=host, attempts=attempts)
            if not is_over:
                pause_ms = _PAUSES_MIN[min(attempts, len(_PAUSES_MIN)) - 1] * 60_000
                later_ms = self._world.clock.now_ms() + pause_ms
                await self._writer.run(lambda: queries.put_off(mail_id, later_ms))
                return
        await self._writer.run(lambda: queries.finish(mail_id))

    async def _due_ms(self) -> int | None:
        row = await self._database.fetch_one(queries.NEXT_DUE)
        return int(row["due_ms"]) if row is not None and row["due_ms"] is not None else None

    async def _sleep(self) -> None:
        due_ms = await self._due_ms()
        sleep_s = self._longest_sleep_s
        if due_ms is not None:
            until_due_s = (due_ms - self._world.clock.now_ms()) / 1000
            sleep_s = min(max(until_due_s, _SHORTEST_SLEEP_S), sleep_s)
        try:
            async with asyncio.timeout(sleep_s):
                await self._wake.wait()
        except TimeoutError:
            return
