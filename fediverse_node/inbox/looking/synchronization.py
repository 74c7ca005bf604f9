"""Hears with deliveries whom their authors' servers take for followers, and settles what differs from what we know.

spec: fep-8fcf#on-the-receiving-end. The header is only a reason to look: what counts is the list that the author's own
server shows us, whole. It is asked for in the background, seldom, and for few at a time; a list that is cut, or too
long, changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fediverse_node.base.errors import StorageError
from fediverse_node.base.log import event
from fediverse_node.base.outcome import Fail, Reason, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain import synchronization as rule
from fediverse_node.domain.effect_sentences import Telling
from fediverse_node.domain.facts import World
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.protocol.collections import COLLECTION_TYPES
from fediverse_node.protocol.reading import sequence, types, uri
from fediverse_node.protocol.synchronization import (
    MOST_FOLLOWERS,
    Synchronization,
    digest_of,
    parse_synchronization,
)
from fediverse_node.protocol.uris import same_origin
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.events import Applied
from fediverse_node.storage.queries import follower_digests as queries
from fediverse_node.storage.writer import Decision, Writer
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.dereference import Dereferencer, Document

log = logging.getLogger(__name__)

# So long nobody's list is asked for again, whatever comes; a little less if there was nothing to settle.
_REST_MS = 6 * 3_600_000
_SHORT_REST_MS = 3_600_000
_REMEMBERED = 10_000
_PARALLEL = 4
_WAITING = 200
_PAGES = 30


class Disagreement(Reason):
    """Why a header about followers, or the list it led to, changed nothing."""

    SOMEBODY_ELSES = "it is not about the followers of whoever sent it"
    ELSEWHERE = "the list is not on its author's server"
    TOO_MANY = "there are too many followers to compare"
    ASKED_LATELY = "the list was asked for a short while ago"
    NOT_A_LIST = "what is there is no list of addresses"
    CUT = "the list is not whole"


@dataclass(frozen=True, slots=True)
class _Agreed:
    """This digest was compared with what we know of this actor, and when."""

    actor_id: int
    digest: bytes
    at_ms: int


class FollowersCheck:
    """One for each process."""

    def __init__(
        self, *, database: Database, writer: Writer, world: World, gatherer: Gatherer, dereferencer: Dereferencer
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._gatherer = gatherer
        self._dereferencer = dereferencer
        # By the URI of the followed: digests that were the same here, and when a list may be asked for again.
        self._agreed: OrderedDict[str, _Agreed] = OrderedDict()
        self._uris: dict[int, str] = {}
        self._rests: OrderedDict[str, int] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._few = asyncio.Semaphore(_PARALLEL)
        writer.listen(self._on_commit)

    def hear(self, sender: str, header: str) -> None:
        """A request signed by `sender` brought this header. Returns at once, and costs little if all is well."""
        said = parse_synchronization(header)
        if isinstance(said, Fail):
            note("synchronization.header", said, actor=sender)
            return
        agreed, now_ms = self._agreed.get(sender), self._world.clock.now_ms()
        if agreed is not None and agreed.digest == said.digest and now_ms - agreed.at_ms < _REST_MS:
            return
        if sender in self._under_way or len(self._under_way) >= _WAITING:
            return
        task = asyncio.get_running_loop().create_task(self._check(sender, said))
        self._under_way[sender] = task
        task.add_done_callback(lambda done: self._under_way.pop(sender, None))

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def close(self) -> None:
        """What is under way is heard of again."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _on_commit(self, applied: Applied) -> None:
        for actor_id in applied.followed:
            known = self._uris.pop(actor_id, None)
            if known is not None:
                self._agreed.pop(known, None)

    async def _check(self, sender: str, said: Synchronization) -> None:
        try:
            async with self._few:
                fault = await self._compare(sender, said)
        except StorageError as error:
            event(log, "synchronization.failed", logging.WARNING, actor=sender, error=str(error))
            return
        if fault is not None:
            event(log, "synchronization.ended", actor=sender, cause=str(fault))
        note("synchronization.settled", fault, actor=sender)

    async def _compare(self, sender: str, said: Synchronization) -> Fail | TemporaryFail | None:
        row = await self._database.fetch_one(queries.FOLLOWED, uri=sender)
        fault = _unfit(sender, said, row)
        note("synchronization.header", fault, actor=sender, url=said.url)
        if fault is not None or row is None:
            return fault
        ours = await self._followers(row)
        if ours is None:
            return Fail(Disagreement.TOO_MANY, sender)
        now_ms = self._world.clock.now_ms()
        if digest_of(ours) == said.digest:
            self._agree(row, said.digest, now_ms)
            return None
        if now_ms < self._rests.get(sender, 0):
            return TemporaryFail(Disagreement.ASKED_LATELY, sender)
        self._rest(sender, now_ms + _REST_MS)
        theirs = await self._fetch(said.url)
        if not isinstance(theirs, frozenset):
            return theirs
        # Meanwhile somebody here may have begun or ceased to follow.
        settled = await self._settle(row, theirs, await self._followers(row) or [])
        if not settled:
            self._rest(sender, now_ms + _SHORT_REST_MS)
        return None

    async def _followers(self, row: Row) -> list[str] | None:
        rows = await self._database.fetch(queries.FOLLOWERS_HERE, actor_id=row["id"], most=MOST_FOLLOWERS + 1)
        return [found["uri"] for found in rows] if len(rows) <= MOST_FOLLOWERS else None

    async def _settle(self, row: Row, theirs: frozenset[str], ours: Sequence[str]) -> int:
        """Do what the difference asks for, some at a time; how many people it was about."""
        missing = sorted(set(ours) - theirs)
        listed = await self._people_here(sorted(theirs - set(ours)))
        followed = row["uri"]
        event(log, "synchronization.differs", actor=followed, only_here=len(missing), only_there=len(listed))
        changed = 0
        for start in range(0, max(len(missing), len(listed)), rule.AT_ONCE):
            changed += await self._settle_some(
                followed, listed[start : start + rule.AT_ONCE], missing[start : start + rule.AT_ONCE]
            )
        return changed

    async def _settle_some(self, followed: str, listed: Sequence[str], missing: Sequence[str]) -> int:
        telling = Telling(lambda facts: rule.settle(followed, listed, missing, facts))
        decided = await self._writer.decide(Decision(rule.needs(followed, (*listed, *missing)), telling))
        telling.note(decided.effects, fetched=followed)
        return len(decided.effects) if decided.refusal is None else 0

    async def _people_here(self, uris: Sequence[str]) -> list[str]:
        ours = [each for each in uris if self._world.names.is_ours(each)]
        rows = await self._database.fetch(queries.OURS, uris=ours) if ours else []
        return sorted(found["uri"] for found in rows)

    async def _fetch(self, url: str) -> frozenset[str] | Fail | TemporaryFail:
        """The list, only if it is whole: who is left out of it loses a follow."""
        refusal = self._gatherer.refusal_to_ask(url)
        if refusal is not None:
            return refusal
        budget = Budget(fetches=_PAGES, time_s=60.0, per_domain=_PAGES)
        found: set[str] = set()
        seen: set[str] = set()
        following: str | None = url
        while following is not None:
            if following in seen or len(seen) >= _PAGES or not same_origin(following, url):
                return Fail(Disagreement.CUT, following[:200])
            seen.add(following)
            document = await self._dereferencer.fetch_document(following, budget=budget)
            if not isinstance(document, Document):
                return document
            page = _page(document.body)
            if isinstance(page, Fail):
                return page
            found.update(page[0])
            following = page[1]
            if len(found) > MOST_FOLLOWERS:
                return Fail(Disagreement.TOO_MANY, url)
        return frozenset(found)

    def _agree(self, row: Row, digest: bytes, now_ms: int) -> None:
        self._agreed[row["uri"]] = _Agreed(row["id"], digest, now_ms)
        self._uris[row["id"]] = row["uri"]
        if len(self._agreed) > _REMEMBERED:
            _, oldest = self._agreed.popitem(last=False)
            self._uris.pop(oldest.actor_id, None)

    def _rest(self, sender: str, until_ms: int) -> None:
        self._rests[sender] = until_ms
        if len(self._rests) > _REMEMBERED:
            self._rests.popitem(last=False)


def _unfit(sender: str, said: Synchronization, row: Row | None) -> Fail | None:
    if row is None or row["local"] or row["deleted_ms"] is not None or row["followers_uri"] != said.collection_id:
        return Fail(Disagreement.SOMEBODY_ELSES, said.collection_id[:200])
    # Else anybody could have us ask a third server for whatever we like to be asked for.
    if not same_origin(said.url, sender):
        return Fail(Disagreement.ELSEWHERE, said.url[:200])
    return None


def _page(body: Mapping[str, Any]) -> tuple[list[str], str | None] | Fail:
    """The addresses on a page and where it goes on. Not `parse_collection`, which cuts what is long."""
    if COLLECTION_TYPES.isdisjoint(types(body)):
        return Fail(Disagreement.NOT_A_LIST)
    first = body.get("first")
    holders: list[Mapping[str, Any]] = [body, first] if isinstance(first, Mapping) else [body]
    items = [item if isinstance(item, str) else _id(item) for holder in holders for item in _items(holder)]
    addresses = [item for item in items if item is not None]
    if len(addresses) < len(items):
        return Fail(Disagreement.NOT_A_LIST, "somebody on it has no address")
    following = uri(first.get("next")) if isinstance(first, Mapping) else (uri(body.get("next")) or uri(first))
    is_listed = following is not None or any(name in holder for holder in holders for name in ("orderedItems", "items"))
    return (addresses, following) if is_listed else Fail(Disagreement.NOT_A_LIST, "it shows nobody")


def _id(item: object) -> str | None:
    # Applications on Fedify may show whole actors in place of their ids.
    return uri(item.get("id")) if isinstance(item, Mapping) else None


def _items(holder: Mapping[str, Any]) -> Iterator[Any]:
    listed = holder.get("orderedItems")
    yield from sequence(listed if listed is not None else holder.get("items"))
