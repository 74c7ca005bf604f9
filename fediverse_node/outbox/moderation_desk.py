"""Where moderators decide about people: what they do is written into the book, and told to other servers.

spec: mastodon-client-api#admin-accounts
A suspended person of ours is shown to nobody and may do nothing; others are told by an Update of the actor, as Mastodon
does it, and by a Delete when the account is deleted for good, which nobody but an administrator does. A suspended
stranger loses the follows of people here, because their server goes on and would get what is for followers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fediverse_node.base.outcome import Fail, Reason
from fediverse_node.domain.activities import delete
from fediverse_node.domain.effects import ActorKey, Refuse, Remove
from fediverse_node.domain.facts import Needs, World
from fediverse_node.outbox.deciding import Deciding
from fediverse_node.outbox.submit import Outbox
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import moderation as queries
from fediverse_node.storage.unit import Unit
from fediverse_node.storage.writer import Decision, Writer

_AT_ONCE = 50
_MOST_PEOPLE = 20  # who sign in as one actor


class ModerationRefusal(Reason):
    """Why nothing was done."""

    NOT_LOCAL = "nobody signs in here as this account"
    NOT_PENDING = "this account does not wait to be let in"
    NOT_SUSPENDED = "only a suspended account can be deleted"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom it is about."""

    id: int
    uri: str
    local: bool
    handle: str
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Warned:
    """What goes with an act: what the person is told, and which report it answers."""

    text: str = ""
    report_id: int | None = None
    object_ids: Sequence[int] = field(default_factory=tuple)
    is_told: bool = True  # a notification here; of those elsewhere nobody is told


class ModerationDesk(Deciding):
    """Acts on accounts. Each is one transaction with its line in `admin_actions`; `by_id` is the moderator."""

    def __init__(self, *, database: Database, writer: Writer, world: World, outbox: Outbox) -> None:
        super().__init__(database=database, writer=writer, world=world)
        self._outbox = outbox

    def act_row(
        self, by_id: int, act: str, kind: str, target: object, *, label: str = "", **details: Any
    ) -> dict[str, Any]:
        """A line of the book: who did what to whom, and when."""
        return {
            "id": self._world.ids.next(),
            "actor_id": by_id,
            "act": act,
            "kind": kind,
            "target": str(target),
            "label": label,
            "details": details,
            "created_ms": self._world.clock.now_ms(),
        }

    async def note(self, by_id: int, act: str, kind: str, target: object, *, label: str = "", **details: Any) -> None:
        """Write down what was done by other means."""
        row = self.act_row(by_id, act, kind, target, label=label, **details)
        await self._writer.run(lambda: queries.note_act(row))

    async def warn(self, by_id: int, subject: Subject, action: str, warned: Warned) -> None:
        """Somebody is told something; `none` is an action too. Of those elsewhere only the book knows."""
        now_ms = self._world.clock.now_ms()
        row = {
            "id": self._world.ids.next(),
            "actor_id": subject.id,
            "by_id": by_id,
            "action": action,
            "text": warned.text,
            "report_id": warned.report_id,
            "object_ids": list(warned.object_ids),
            "created_ms": now_ms,
        }
        is_told = warned.is_told and subject.local
        if action == "none":
            await self._run(by_id, "warn", subject, lambda: queries.warn(row, is_told=is_told))
        else:  # the act stands in the book already
            await self._writer.run(lambda: queries.warn(row, is_told=is_told))

    async def suspend(self, by_id: int, subject: Subject, *, act: str = "suspend") -> None:
        """Shown to nobody any more; it can be taken back."""
        if not subject.local:
            await self._end_follows(subject.id)
        now_ms = self._world.clock.now_ms()
        ids = [self._world.ids.next() for _ in range(_MOST_PEOPLE)]

        def unit() -> Unit[None]:
            yield from queries.flag(subject.id, "suspended_ms", now_ms)
            yield from queries.block_mailboxes(subject.id, ids, now_ms)

        await self._run(by_id, act, subject, unit)
        await self._tell_others(subject)

    async def unsuspend(self, by_id: int, subject: Subject) -> None:
        """Here again, unless a rule for the whole host says otherwise. Follows that were cut stay cut."""

        def unit() -> Unit[None]:
            yield from queries.lift(subject.id, "suspended_ms")
            yield from queries.free_mailboxes(subject.id)

        await self._run(by_id, "unsuspend", subject, unit)
        await self._tell_others(subject)

    async def flag(self, by_id: int, subject: Subject, column: str, act: str) -> None:
        """Limit (`silenced_ms`) or cover (`sensitized_ms`) somebody."""
        now_ms = self._world.clock.now_ms()
        await self._run(by_id, act, subject, lambda: queries.flag(subject.id, column, now_ms))

    async def lift(self, by_id: int, subject: Subject, column: str, act: str) -> None:
        """Take that back."""
        await self._run(by_id, act, subject, lambda: queries.lift(subject.id, column))

    async def disable(self, by_id: int, subject: Subject) -> Fail | None:
        """Nobody can sign in as this actor."""
        if not subject.local:
            return Fail(ModerationRefusal.NOT_LOCAL)
        now_ms = self._world.clock.now_ms()
        await self._run(by_id, "disable", subject, lambda: queries.disable(subject.id, now_ms))
        return None

    async def enable(self, by_id: int, subject: Subject) -> Fail | None:
        """They can again."""
        if not subject.local:
            return Fail(ModerationRefusal.NOT_LOCAL)
        await self._run(by_id, "enable", subject, lambda: queries.enable(subject.id))
        return None

    async def approve(self, by_id: int, subject: Subject, *, telling: Callable[[], Unit[None]]) -> None:
        """Let in who asked for it. `telling`: the letter to them."""
        now_ms = self._world.clock.now_ms()

        def unit() -> Unit[None]:
            yield from queries.approve(subject.id, now_ms)
            yield from telling()

        await self._run(by_id, "approve", subject, unit)

    async def reject(self, by_id: int, subject: Subject, *, telling: Callable[[], Unit[None]]) -> Fail | None:
        """Turn away who asked; nothing of them stays but the letter to them, `telling`."""
        row = self.act_row(by_id, "reject", "account", subject.id, label=subject.handle)

        def unit() -> Unit[bool]:
            is_done = yield from queries.turn_away(subject.id)
            if is_done:
                yield from queries.note_act(row)
                yield from telling()
            return is_done

        return None if await self._writer.run(unit) else Fail(ModerationRefusal.NOT_PENDING)

    async def delete(self, by_id: int, subject: Subject) -> Refuse | Fail | None:
        """Everything that somebody said and did goes for good; other servers are told of ours."""
        if not subject.is_suspended:
            return Fail(ModerationRefusal.NOT_SUSPENDED)
        if subject.local:
            refusal = await self._act(subject.id, lambda actor, facts: delete.compose_actor(actor, facts), Needs())
            if refusal is not None:
                return refusal
        else:
            gone = Remove(ActorKey(subject.id))
            await self._writer.decide(Decision(Needs(acting=subject.uri), lambda facts: [gone]))
        await self.note(by_id, "delete", "account", subject.id, label=subject.handle)
        return None

    async def _run(
        self, by_id: int, act: str, subject: Subject, unit: Callable[[], Unit[None]], **details: Any
    ) -> None:
        row: Mapping[str, Any] = self.act_row(by_id, act, "account", subject.id, label=subject.handle, **details)

        def with_note() -> Unit[None]:
            yield from unit()
            yield from queries.note_act(row)

        await self._writer.run(with_note)

    async def _tell_others(self, subject: Subject) -> None:
        if subject.local:
            await self._outbox.profile_changed(subject.id)

    async def _end_follows(self, actor_id: int) -> None:
        """Before the flag is set: nothing is sent to a suspended actor, and its server has to hear of this."""
        while True:
            rows = await self._database.fetch(queries.FOLLOWED_HERE, id_=actor_id, most=_AT_ONCE)
            ended = await asyncio.gather(*(self._outbox.remove_follower(row["followed_id"], actor_id) for row in rows))
            # Whoever cannot be parted from by the rules is not asked for ever.
            if len(rows) < _AT_ONCE or all(isinstance(refusal, Refuse) for refusal in ended):
                return
