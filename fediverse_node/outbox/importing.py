"""Takes in what somebody brings along from another server: one line after the other, politely.

Nothing that is here already is asked for or said again, so it can be repeated after it was broken off. Other servers
are asked in turns, each at most once a second, so that a long list of people of one server is no flood for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.domain.effects import Refusal, Refuse
from fediverse_node.domain.facts import World
from fediverse_node.outbox.archives import Entry, Kind
from fediverse_node.outbox.submit import Outbox
from fediverse_node.protocol.uris import host_of
from fediverse_node.protocol.webfinger import Acct
from fediverse_node.storage.engine import Database
from fediverse_node.storage.queries import archives as queries
from fediverse_node.storage.queries import bookmarks, domains, host_marks, lists, relationships
from fediverse_node.storage.queries.accounts import ID_BY_HANDLE
from fediverse_node.storage.queries.inbox import OBJECT_ID
from fediverse_node.storage.writer import Writer

Found = int | Fail | TemporaryFail
_PAUSE_S = 1.0
_MOST_LISTS = 50


@dataclass(slots=True)
class Imported:
    """How it went: lines that were done now, that were so before, and that could not be done, with the cause."""

    done: int = 0
    known: int = 0
    failed: list[tuple[Entry, str]] = field(default_factory=list)


class Importing:
    """One for each file. `find_handle` and `find_object` ask other servers."""

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        world: World,
        outbox: Outbox,
        find_handle: Callable[[str, str], Awaitable[Found]],
        find_object: Callable[[str], Awaitable[Found]],
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._outbox = outbox
        self._find_handle = find_handle
        self._find_object = find_object
        self._pause_s = pause_s
        self._asked_s: dict[str, float] = {}

    async def run(
        self, actor_id: int, kind: Kind, entries: Sequence[Entry], *, progress: Callable[[int, int], None]
    ) -> Imported:
        """All of it; `progress` hears after each line how many are done, and of how many."""
        imported = Imported()
        for number, entry in enumerate(in_turns(entries), 1):
            outcome = await self._one(actor_id, kind, entry)
            if outcome is None:
                imported.done += 1
            elif isinstance(outcome, Refuse) and outcome.reason is Refusal.ALREADY_DONE:
                imported.known += 1
            else:
                imported.failed.append((entry, _cause(outcome)))
            progress(number, len(entries))
        return imported

    async def _one(self, actor_id: int, kind: Kind, entry: Entry) -> Refuse | Fail | TemporaryFail | None:
        if kind is Kind.DOMAIN_BLOCKS:
            return await self._keep_away(actor_id, entry.text)
        if kind is Kind.BOOKMARKS:
            return await self._bookmark(actor_id, entry.text)
        other = await self._person(entry.named)
        if not isinstance(other, int):
            return other
        if other == actor_id:
            return Refuse(Refusal.ALREADY_DONE)
        match kind:
            case Kind.FOLLOWING:
                return await self._follow(actor_id, other, entry)
            case Kind.BLOCKS:
                return await self._outbox.block(actor_id, other)
            case Kind.MUTES:
                id_, also = self._world.ids.next(), entry.hide_notifications
                await self._writer.run(
                    lambda: relationships.mute(id_, actor_id, other, notifications=also, expires_ms=None)
                )
                return None
            case Kind.LISTS:
                return await self._list(actor_id, other, entry.title)
        return Refuse(Refusal.UNSUPPORTED, "followers follow by themselves, or come along when their account moves")

    async def _follow(self, actor_id: int, other: int, entry: Entry) -> Refuse | None:
        if await self._database.fetch_one(queries.IS_FOLLOWING, follower_id=actor_id, followed_id=other) is not None:
            return Refuse(Refusal.ALREADY_DONE)
        return await self._outbox.follow(
            actor_id,
            other,
            show_announces=entry.show_announces,
            notify=entry.notify,
            languages=entry.languages,
        )

    async def _list(self, actor_id: int, other: int, title: str) -> Refuse | None:
        if await self._database.fetch_one(queries.IS_FOLLOWING, follower_id=actor_id, followed_id=other) is None:
            return Refuse(Refusal.NOT_PERMITTED, "only who is followed can be on a list: import the follows first")
        rows = await self._database.fetch(lists.LISTS, owner_id=actor_id)
        list_id = next((int(row["id"]) for row in rows if row["title"] == title), None)
        if list_id is None:
            list_id = self._world.ids.next()
            row = {"id": list_id, "actor_id": actor_id, "title": title, "replies_policy": "list", "exclusive": False}
            if not await self._writer.run(lambda: lists.insert_list(row, _MOST_LISTS)):
                return Refuse(Refusal.NOT_PERMITTED, "there are too many lists")
        members = [(self._world.ids.next(), other)]
        await self._writer.run(lambda: lists.add_members(list_id, members))
        return None

    async def _keep_away(self, actor_id: int, host: str) -> Refuse | None:
        if host == self._world.names.host:
            return Refuse(Refusal.NOT_PERMITTED, "this is the own server")
        known = await self._database.fetch(queries.DOMAIN_BLOCKS, actor_id=actor_id)
        if host in {row["host"] for row in known}:
            return Refuse(Refusal.ALREADY_DONE)
        id_, now_ms = self._world.ids.next(), self._world.clock.now_ms()
        await self._writer.run(lambda: domains.keep_away(id_, actor_id, host, now_ms))
        for row in await self._database.fetch(host_marks.BETWEEN, actor_id=actor_id, host=host):
            if row["follower_id"] == actor_id:
                await self._outbox.unfollow(actor_id, row["followed_id"])
            else:
                await self._outbox.reject_follower(actor_id, row["follower_id"])
        return None

    async def _bookmark(self, actor_id: int, uri: str) -> Fail | TemporaryFail | None:
        row = await self._database.fetch_one(OBJECT_ID, uri=uri)
        found: Found = int(row["id"]) if row is not None else Fail(Refusal.UNKNOWN_OBJECT, uri)
        if row is None:
            await self._wait_for(host_of(uri) or "")
            found = await self._find_object(uri)
        if not isinstance(found, int):
            return found
        id_ = self._world.ids.next()
        await self._writer.run(lambda: bookmarks.bookmark(id_, actor_id, found))
        return None

    async def _person(self, named: Acct | str) -> Found:
        if not isinstance(named, Acct):
            return Fail(Refusal.MALFORMED, named)
        row = await self._database.fetch_one(ID_BY_HANDLE, username=named.user.lower(), host=named.host)
        if row is not None:
            return int(row["id"])
        if named.host == self._world.names.host:
            return Fail(Refusal.UNKNOWN_ACTOR, str(named))
        await self._wait_for(named.host)
        found = await self._find_handle(named.user, named.host)
        if isinstance(found, TemporaryFail):  # once more, when others have had their turn
            await asyncio.sleep(self._pause_s)
            found = await self._find_handle(named.user, named.host)
        return found

    async def _wait_for(self, host: str) -> None:
        clock = asyncio.get_running_loop().time
        pause_s = self._asked_s.get(host, -self._pause_s) + self._pause_s - clock()
        if pause_s > 0:
            await asyncio.sleep(pause_s)
        self._asked_s[host] = clock()


def in_turns(entries: Sequence[Entry]) -> Iterator[Entry]:
    """One of each host, then the next of each, and so on; of a host in its order."""
    by_host: dict[str, list[Entry]] = {}
    for entry in reversed(entries):
        host = entry.named.host if isinstance(entry.named, Acct) else host_of(entry.named) or entry.named
        by_host.setdefault(host, []).append(entry)
    hosts = list(reversed(by_host))
    while hosts:
        for host in hosts:
            yield by_host[host].pop()
        hosts = [host for host in hosts if by_host[host]]


def _cause(outcome: Refuse | Fail | TemporaryFail) -> str:
    if isinstance(outcome, Refuse):
        return f"{outcome.reason.sentence}{f' ({outcome.detail})' if outcome.detail else ''}"
    return str(outcome)
