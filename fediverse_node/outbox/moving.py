"""Somebody here goes on elsewhere, comes from elsewhere, or comes back: all that has to be asked before.

spec: fep-7628. What is decided stands in `domain/activities/move.py`. What moves are the followers; nothing else can.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.domain.activities import move
from fediverse_node.domain.effects import Refuse
from fediverse_node.domain.facts import World
from fediverse_node.outbox.submit import Outbox
from fediverse_node.protocol.webfinger import Acct, parse_resource
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import moving as queries
from fediverse_node.storage.writer import Writer

Found = int | Fail | TemporaryFail
# Mastodon reads no more, and nobody has more homes.
MOST_ALIASES = 20


class MovingFault(Reason):
    """Why a move, or an alias, is not possible."""

    NOT_A_NAME = "write it like @name@example.org, or as the address of the profile"
    NOT_FOUND = "this account could not be found"
    ITSELF = "this is the account itself"
    NO_SUCH_ALIAS = "this account is not among the aliases"
    TOO_MANY_ALIASES = "there are too many aliases already"
    NOT_NAMED = "the new account does not name this one as an alias yet; say so there first"
    MOVED_ITSELF = "the new account has moved on itself"
    NOT_MOVED = "the account has not moved"
    TOO_SOON = "it has moved within the last thirty days, and its followers shall have some rest"
    REFUSED = "the move was not possible"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a move would do, to be shown before. `fault`: why it is not possible now."""

    target_id: int
    target_uri: str
    followers_here: int
    followers_elsewhere: int
    fault: Fail | None = None


class Moving:
    """For commands and pages. `find_handle` and `afresh` ask other servers; they answer our id of an actor."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        outbox: Outbox,
        find_handle: Callable[[str, str], Awaitable[Found]],
        afresh: Callable[[str], Awaitable[Found]],
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._outbox = outbox
        self._find_handle = find_handle
        self._afresh = afresh

    async def aliases(self, actor_id: int) -> list[str]:
        """The URIs under which somebody here is known too."""
        row = await self._database.fetch_one(queries.ACTOR, actor_id=actor_id)
        return [str(each) for each in orjson.loads(row["also_known_as"])] if row is not None else []

    async def add_alias(self, actor_id: int, named: str) -> str | Fail | TemporaryFail:
        """Say that this account is known by another name too; its URI. From there followers may be brought along."""
        other = await self._find(named)
        if not isinstance(other, int):
            return other
        if other == actor_id:
            return Fail(MovingFault.ITSELF, named)
        row = await self._database.fetch_one(queries.ACTOR, actor_id=other)
        known = await self.aliases(actor_id)
        if row is None or (row["uri"] not in known and len(known) >= MOST_ALIASES):
            return Fail(MovingFault.TOO_MANY_ALIASES if row is not None else MovingFault.NOT_FOUND, named)
        refusal = await self._outbox.add_alias(actor_id, row["uri"])
        return _refused(refusal) if refusal is not None else str(row["uri"])

    async def remove_alias(self, actor_id: int, named: str) -> str | Fail | TemporaryFail:
        """It is not known by this name any more, which may be written as it is stored; its URI."""
        known = await self.aliases(actor_id)
        uri = named if named in known else None
        if uri is None:
            other = await self._find(named)
            row = await self._database.fetch_one(queries.ACTOR, actor_id=other) if isinstance(other, int) else None
            uri = str(row["uri"]) if row is not None else None
        if uri is None or uri not in known:
            return Fail(MovingFault.NO_SUCH_ALIAS, named)
        left = [each for each in known if each != uri]
        await self._writer.run(lambda: queries.set_aliases(actor_id, left))
        refusal = await self._outbox.profile_changed(actor_id)
        return _refused(refusal) if refusal is not None else uri

    async def plan(self, actor_id: int, named: str) -> Plan | Fail | TemporaryFail:
        """Ask the new account's server, and say what would happen."""
        target_id = await self._find(named)
        if not isinstance(target_id, int):
            return target_id
        me = await self._database.fetch_one(queries.ACTOR, actor_id=actor_id)
        target = await self._database.fetch_one(queries.ACTOR, actor_id=target_id)
        if me is None or target is None:
            return Fail(MovingFault.NOT_FOUND, named)
        counted = await self._database.fetch(queries.FOLLOWERS, actor_id=actor_id)
        numbers = {bool(row["follower_local"]): int(row["number"]) for row in counted}
        return Plan(
            target_id, target["uri"], numbers.get(True, 0), numbers.get(False, 0), self._fault(me, target, named)
        )

    async def move(self, actor_id: int, plan: Plan) -> Fail | None:
        """Do what a plan says."""
        if plan.fault is not None:
            return plan.fault
        refusal = await self._outbox.move(actor_id, plan.target_id)
        return _refused(refusal) if refusal is not None else None

    async def undo(self, actor_id: int) -> Fail | None:
        """The account is in use again. Followers who have gone along do not come back by themselves."""
        row = await self._database.fetch_one(queries.ACTOR, actor_id=actor_id)
        if row is None or row["moved_to_uri"] is None:
            return Fail(MovingFault.NOT_MOVED)
        refusal = await self._outbox.come_back(actor_id)
        return _refused(refusal) if refusal is not None else None

    def _fault(self, me: Any, target: Any, named: str) -> Fail | None:
        if me["id"] == target["id"]:
            return Fail(MovingFault.ITSELF, named)
        if me["uri"] not in orjson.loads(target["also_known_as"]):
            return Fail(MovingFault.NOT_NAMED, target["uri"])
        if target["moved_to_uri"] is not None:
            return Fail(MovingFault.MOVED_ITSELF, target["moved_to_uri"])
        rested_ms = self._world.clock.now_ms() - (me["moved_ms"] or 0)
        is_again = me["moved_to_uri"] == target["uri"]
        return None if is_again or rested_ms >= move.REST_OF_OURS_MS else Fail(MovingFault.TOO_SOON)

    async def _find(self, named: str) -> Found:
        """The account as its own server shows it now."""
        resource = parse_resource(named.strip())
        if isinstance(resource, Fail):
            return Fail(MovingFault.NOT_A_NAME, named)
        if isinstance(resource, str):
            return await self._afresh(resource)
        return await self._find_acct(resource)

    async def _find_acct(self, acct: Acct) -> Found:
        if acct.host != self._world.names.host:
            return await self._find_handle(acct.user, acct.host)
        row = await self._database.fetch_one(queries.BY_NAME, username=acct.user.lower(), host=acct.host)
        return int(row["id"]) if row is not None else Fail(MovingFault.NOT_FOUND, str(acct))


def _refused(refusal: Refuse) -> Fail:
    return Fail(MovingFault.REFUSED, f"{refusal.reason.sentence} {refusal.detail}".strip())
