"""Announcements as entities, and open streams told of them.  spec: mastodon-client-api#streaming

They are written by a command, in another process, and one can be due later: so what is shown is compared now and then
with what was shown before, and the difference told. No reaction and no removal needs a message of its own for that.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from fediverse_node.mastodon_api.accounts import find_known
from fediverse_node.mastodon_api.context import Context
from fediverse_node.mastodon_api.entities.account import acct_of
from fediverse_node.mastodon_api.entities.announcement import Reaction, Spoken, render_announcement, render_reaction
from fediverse_node.mastodon_api.entities.tag import render_tag_link
from fediverse_node.mastodon_api.own_posts import find_open_posts
from fediverse_node.mastodon_api.streaming import hub_of
from fediverse_node.outbox.emoji_desk import find_used
from fediverse_node.protocol import plain_text
from fediverse_node.protocol.reactions import is_emoji
from fediverse_node.storage.queries import announcements as queries
from fediverse_node.storage.queries import emojis
from fediverse_node.storage.queries.accounts import load_accounts
from fediverse_node.storage.writer import Writer

_MOST_MENTIONS = 50


async def load_spoken(context: Context, text: str) -> Spoken:
    """What an announcement says: people, hashtags and posts that are known here become links and entities."""
    names = context.world.names
    keys = {plain_text.handle_key(user, host): (user, host) for user, host in plain_text.find_mentions(text)}
    found: dict[str, int] = {}
    for key, (user, host) in list(keys.items())[:_MOST_MENTIONS]:
        id_ = await find_known(context, f"{user}@{host}" if host else user)
        if id_ is not None:
            found[key] = id_
    rows = await load_accounts(context.database, found.values())
    people = {key: rows[id_] for key, id_ in found.items() if id_ in rows and rows[id_]["suspended_ms"] is None}
    links = {
        key: (names.profile_page(row["username"]) if row["local"] else row["url"] or row["uri"], acct_of(row))
        for key, row in people.items()
    }
    mentioned = {row["id"]: (row, links[key]) for key, row in people.items()}
    posts = await find_open_posts(context, plain_text.find_links(text))
    return Spoken(
        content=plain_text.render(text, links, names.hashtag_page),
        mentions=[
            {"id": str(id_), "username": row["username"], "url": url, "acct": acct}
            for id_, (row, (url, acct)) in mentioned.items()
        ],
        statuses=[{"id": str(row["id"]), "url": names.object_page(row["author_username"], row["id"])} for row in posts],
        tags=[render_tag_link(tag.lower(), names) for tag in plain_text.extract_hashtags(text)],
        emojis=[
            {
                "shortcode": emoji["shortcode"],
                "url": emoji["url"],
                "static_url": emoji["static_url"] or emoji["url"],
                "visible_in_picker": True,
                "category": None,
            }
            for emoji in await find_used(context.database, context.world, text)
        ],
    )


async def load_announcement_reactions(context: Context, ids: Sequence[int]) -> dict[int, list[Reaction]]:
    """What was answered to each, in the order in which it was first; a custom emoji that is no more is left out."""
    if not ids:
        return {}
    rows = await context.database.fetch(queries.REACTIONS, ids=list(ids))
    custom = sorted({row["name"] for row in rows if not is_emoji(row["name"])})
    found = await context.database.fetch(emojis.OURS_BY_SHORTCODE, shortcodes=custom) if custom else []
    pictures = {row["shortcode"]: row for row in found}
    reactions: dict[int, list[Reaction]] = {}
    for row in rows:
        name, picture = row["name"], pictures.get(row["name"])
        if picture is not None or is_emoji(name):
            url, static_url = (picture["url"], picture["static_url"]) if picture is not None else (None, None)
            reactions.setdefault(row["announcement_id"], []).append(Reaction(name, row["count"], url, static_url))
    return reactions


async def tell_announcements(context: Context) -> None:
    """Tell open streams what changed since this was called last; the first time nothing is new."""
    watch = _watches.get(context.writer)
    if watch is None:
        watch = _watches[context.writer] = _Watch()
    async with watch.lock:
        await watch.look(context)


@dataclass(slots=True)
class _Watch:
    """What people at open streams have seen."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    seen: dict[int, int] | None = None  # announcement -> when it was changed last
    counts: dict[tuple[int, str], Reaction] = field(default_factory=dict)

    async def look(self, context: Context) -> None:
        rows = await context.database.fetch(queries.SHOWN, now_ms=context.world.clock.now_ms())
        if not rows and not self.seen:  # as on most days
            self.seen = {}
            return
        before, seen = self.seen, {row["id"]: row["updated_ms"] for row in rows}
        reactions = await load_announcement_reactions(context, list(seen))
        counts = {(id_, each.name): each for id_, listed in reactions.items() for each in listed}
        if before is not None:
            for row in rows:
                if before.get(row["id"]) != row["updated_ms"]:
                    await _tell_one(context, row, reactions.get(row["id"], []))
            for id_ in before.keys() - seen.keys():
                hub_of(context).tell_everybody("announcement.delete", str(id_))
            self._tell_counts(context, counts, before.keys() & seen.keys())
        self.seen, self.counts = seen, counts

    def _tell_counts(self, context: Context, counts: Mapping[tuple[int, str], Reaction], among: Any) -> None:
        gone = {key: Reaction(key[1], 0) for key in self.counts.keys() - counts.keys()}
        for (id_, name), reaction in (*counts.items(), *gone.items()):
            if id_ in among and self.counts.get((id_, name)) != reaction:
                payload = render_reaction(reaction) | {"announcement_id": str(id_)}
                hub_of(context).tell_everybody("announcement.reaction", orjson.dumps(payload).decode())


async def _tell_one(context: Context, row: Mapping[str, Any], reactions: Sequence[Reaction]) -> None:
    entity = render_announcement(row, await load_spoken(context, row["content"]), reactions)
    hub_of(context).tell_everybody("announcement", orjson.dumps(entity).decode())


_watches: weakref.WeakKeyDictionary[Writer, _Watch] = weakref.WeakKeyDictionary()
