"""What the profile of somebody elsewhere shows beside its document: pinned posts, hashtags, and how many there are.

spec: toot#featured, toot#featuredTags. Read when somebody opens the profile, at most once a day, or when its owner
says that something was pinned that we do not have. Counts are what its server claims; posts are believed as ever: if
they are its own, from its own server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fediverse_node.base.clock import Clock
from fediverse_node.base.outcome import Fail, TemporaryFail
from fediverse_node.base.trace import note
from fediverse_node.domain.effects import Refusal
from fediverse_node.domain.facts import World
from fediverse_node.inbox.gather import Gatherer
from fediverse_node.inbox.looking.opened import Opened
from fediverse_node.protocol.collections import CollectionPage, parse_collection
from fediverse_node.protocol.objects import ObjectDocument, parse_object
from fediverse_node.protocol.reading import uri
from fediverse_node.protocol.tags import parse_tags
from fediverse_node.protocol.uris import same_origin, strip_fragment
from fediverse_node.storage.engine import Database, Row
from fediverse_node.storage.queries import profiles_elsewhere as queries
from fediverse_node.storage.writer import Writer
from fediverse_node.transport.budget import Budget
from fediverse_node.transport.collection_fetch import Collected, Item, fetch_collection
from fediverse_node.transport.dereference import Dereferencer, Document

# More than any server lets people pin or show.
MOST_PINNED = 10
MOST_TAGS = 10
_FRESH_MS = 24 * 3_600_000
_AGAIN_MS = 3_600_000
_COUNTED = (
    ("followers_uri", "claimed_followers"),
    ("following_uri", "claimed_following"),
    ("outbox", "claimed_posts"),
)


class Featured:
    """One for each process."""

    def __init__(
        self, *, database: Database, writer: Writer, world: World, gatherer: Gatherer, dereferencer: Dereferencer
    ) -> None:
        self._database = database
        self._writer = writer
        self._world = world
        self._gatherer = gatherer
        self._dereferencer = dereferencer
        self._clock: Clock = world.clock
        self.profiles = Opened(self.look, world.clock, rest_ms=_AGAIN_MS, name="profile")

    def opened(self, actor: Mapping[str, Any], *, is_stranger: bool) -> None:
        """Somebody opens a profile: a row with `id`, `local`, `looked_ms`, `suspended_ms`, `deleted_ms`."""
        is_here = actor["local"] or actor["suspended_ms"] is not None or actor["deleted_ms"] is not None
        if not is_here and self._clock.now_ms() - (actor["looked_ms"] or 0) >= _FRESH_MS:
            self.profiles.soon(int(actor["id"]), is_stranger=is_stranger)

    async def read(self, actor_uri: str) -> int | Fail | TemporaryFail:
        """The same for an actor by its URI (a fragment does not count), because it said that something is new."""
        row = await self._database.fetch_one(queries.BY_URI, uri=strip_fragment(actor_uri))
        return await self.look(int(row["id"])) if row is not None else Fail(Refusal.UNKNOWN_ACTOR, actor_uri)

    async def look(self, actor_id: int) -> int | Fail | TemporaryFail:
        """Read it all now; the actor's id, or why nothing could be read."""
        row = await self._database.fetch_one(queries.PROFILE, actor_id=actor_id)
        if row is None or row["local"]:
            return Fail(Refusal.UNKNOWN_ACTOR)
        renewed = await self._gatherer.actor(row["uri"], refresh=True)
        row = await self._database.fetch_one(queries.PROFILE, actor_id=actor_id)
        if not isinstance(renewed, int) or row is None or row["suspended_ms"] is not None:
            return renewed if not isinstance(renewed, int) else Fail(Refusal.SUSPENDED)
        if row["deleted_ms"] is not None:
            return Fail(Refusal.DELETED, row["uri"])
        budget = Budget(fetches=40, time_s=60.0, per_domain=40)
        counts = await self._counts(row, budget)
        pinned = await self._pinned(row, budget)
        tags = await self._tags(row, budget)
        seen = queries.Seen(counts, pinned, tags)
        ids = [self._world.ids.next() for _ in range(len(pinned or ()) + 2 * len(tags or ()))]
        now_ms = self._clock.now_ms()
        await self._writer.run(lambda: queries.store(actor_id, seen, ids, now_ms))
        note("profile.looked", None, actor=row["uri"], pinned=len(pinned or ()), tags=len(tags or ()))
        return actor_id

    async def _counts(self, row: Row, budget: Budget) -> dict[str, int | bool | None]:
        found: dict[str, int | bool | None] = {}
        hidden: list[bool] = []
        for column, count in _COUNTED:
            page = await self._page(row[column], budget)
            if page is None:
                continue
            found[count] = page.total
            if column != "outbox":
                hidden.append(page.first is None and page.first_page is None and not page.items and page.total != 0)
        if hidden:
            found["hide_collections"] = all(hidden)
        return found

    async def _page(self, address: str | None, budget: Budget) -> CollectionPage | None:
        if not address:
            return None
        document = await self._dereferencer.fetch_document(address, budget=budget)
        page = parse_collection(document.body) if isinstance(document, Document) else None
        return page if isinstance(page, CollectionPage) else None

    async def _pinned(self, row: Row, budget: Budget) -> list[int] | None:
        """Ids of its own posts, in its order; None where the collection could not be read."""
        listed = await self._collection(row["featured_uri"], budget, most=MOST_PINNED)
        if listed is None:
            return None
        ids: list[int] = []
        for item in listed:
            found = await self._object(item, row["uri"], budget)
            if isinstance(found, int) and found not in ids:
                ids.append(found)
        if not ids:
            return []
        own = await self._database.fetch(queries.OWN, ids=ids, actor_id=row["id"])
        kept = {each["id"] for each in own}
        return [id_ for id_ in ids if id_ in kept]

    async def _object(self, item: Item, owner: str, budget: Budget) -> int | Fail | TemporaryFail:
        address = item if isinstance(item, str) else uri(item.get("id"))
        if address is None or not same_origin(address, owner):
            return Fail(Refusal.WRONG_ORIGIN)
        embedded = parse_object(item) if isinstance(item, Mapping) else None
        if isinstance(embedded, ObjectDocument) and embedded.attributed_to == owner:
            known = await self._database.fetch_one(queries.OBJECT, uri=embedded.id)
            # spec: fep-fe34#embedding: whoever served the collection speaks for what is in it, being the same server.
            return int(known["id"]) if known is not None else await self._gatherer.store_object(embedded, budget=budget)
        return await self._gatherer.object(address, budget=budget)

    async def _tags(self, row: Row, budget: Budget) -> list[str] | None:
        listed = await self._collection(row["featured_tags_uri"], budget, most=MOST_TAGS)
        if listed is None:
            return None
        named = parse_tags([item for item in listed if isinstance(item, Mapping)]).hashtags
        return list(dict.fromkeys(name.lower() for name in named))[:MOST_TAGS]

    async def _collection(self, address: str | None, budget: Budget, *, most: int) -> Sequence[Item] | None:
        if not address:
            return []
        read = await fetch_collection(self._dereferencer, address, budget=budget, max_items=most, max_pages=2)
        return read.items if isinstance(read, Collected) else None
