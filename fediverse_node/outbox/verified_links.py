"""Profile fields that name a page: verified when the page links back with rel="me".

Asked through the guarded client like everything a person can make this server fetch. Done in the background:
a page that is slow or away changes nothing for whoever saves their profile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import orjson

from fediverse_node.base.clock import from_ms
from fediverse_node.base.log import event
from fediverse_node.domain.effects import ChangeActor, Effect, Patch
from fediverse_node.domain.facts import Facts, Needs, World
from fediverse_node.protocol.html import to_plain_text
from fediverse_node.protocol.rel_me import links_back
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries.outbox import PROFILE
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.exchange import Http, Response

log = logging.getLogger(__name__)

_SIZE_LIMIT = 1_000_000
_TIMEOUT_S = 10.0


class VerifiedLinks:
    """Checks the fields of a profile after it was saved."""

    def __init__(self, *, database: Database, writer: Writer, world: World, http: Http) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._http = http
        self._tasks: set[asyncio.Task[None]] = set()

    def check_soon(self, actor_id: int) -> None:
        """Check in the background."""
        task = asyncio.get_running_loop().create_task(self._check_quietly(actor_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _check_quietly(self, actor_id: int) -> None:
        try:
            await self.check(actor_id)
        except Exception:  # in the background nobody else would hear of it
            log.exception("links.failed actor_id=%s", actor_id)

    async def check(self, actor_id: int) -> int:
        """Check now; how many fields are verified."""
        row = await self._database.fetch_one(PROFILE, actor_id=actor_id)
        if row is None:
            return 0
        names = self._world.names
        profiles = {row["uri"], names.profile_page(row["username"])}
        before = orjson.loads(row["fields"])
        after = [await self._checked(field, profiles) for field in before]
        if after != before:

            def decide(facts: Facts) -> list[Effect]:
                return [Patch(ChangeActor(actor_id, {"fields": after}))]

            await self._writer.decide(Decision(Needs(acting=row["uri"]), decide))
        return sum(1 for field in after if field.get("verified_at"))

    async def _checked(self, field: Mapping[str, Any], profiles: set[str]) -> dict[str, Any]:
        address = to_plain_text(str(field.get("value", ""))).strip()
        verified_at = None
        if address.startswith(("https://", "http://")) and " " not in address:
            answer = await self._http.get(address, accept="text/html", max_bytes=_SIZE_LIMIT, timeout_s=_TIMEOUT_S)
            if isinstance(answer, Response) and answer.status == 200:
                page = answer.body.decode("utf-8", "replace")
                if await asyncio.to_thread(links_back, page, profiles):
                    verified_at = field.get("verified_at") or _stamp(self._world.clock.now_ms())
            else:
                event(log, "links.not_read", address=address, cause=str(answer)[:200])
        return {**field, "verified_at": verified_at}


def _stamp(now_ms: int) -> str:
    return from_ms(now_ms).strftime("%Y-%m-%dT%H:%M:%S.000Z")
