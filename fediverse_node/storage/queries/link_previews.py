"""Previews of pages that posts link to: which post shows which, and what is to be asked when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, exists, func, literal_column, not_, select, update

from fediverse_node.base.ids import IdFactory
from fediverse_node.storage.apply.words import put_words
from fediverse_node.storage.queries.federation_documents import OPEN
from fediverse_node.storage.statement import Statement, one_of, upsert
from fediverse_node.storage.tables import actors, link_previews, object_previews, objects
from fediverse_node.storage.unit import Fetch, Insert, Run, Unit

WAITING, THERE, NOTHING = 0, 1, 2
# As long as a page's card is shown before it is asked again for a new post.
FRESH_MS = 14 * 86_400_000
KEPT_MS = 30 * 86_400_000

_ID = bindparam("preview_id", type_=BigInteger())
_NOW = bindparam("now_ms", type_=BigInteger())
_ONE = literal_column("1", Integer())

# Of these objects those that everybody may read, with what may hold a link.
LINKING = Statement(
    select(objects.c.id, objects.c.local, objects.c.content, objects.c.parts, objects.c.attachments).where(
        one_of(objects.c.id, "ids"),
        objects.c.visibility <= OPEN,
        objects.c.announce_of_id.is_(None),
        # No join: it would let the planner begin with all the actors there are.
        exists(
            select(_ONE)
            .select_from(actors)
            .where(actors.c.id == objects.c.actor_id, actors.c.suspended_ms.is_(None))
            .correlate(objects)
        ),
    )
)
DUE = Statement(
    select(link_previews.c.id, link_previews.c.url, link_previews.c.host, link_previews.c.attempts)
    .where(link_previews.c.due_ms <= _NOW, not_(one_of(link_previews.c.host, "busy")))
    .order_by(link_previews.c.due_ms)
    .limit(bindparam("most", type_=Integer()))
)
NEXT_DUE = Statement(
    select(func.min(link_previews.c.due_ms).label("due_ms")).where(link_previews.c.due_ms.is_not(None))
)
CARDS = Statement(
    select(object_previews.c.object_id, link_previews.c.card)
    .select_from(object_previews.join(link_previews, link_previews.c.id == object_previews.c.preview_id))
    .where(one_of(object_previews.c.object_id, "ids"), link_previews.c.card.is_not(None))
)
BY_URL = Statement(
    select(
        link_previews.c.id,
        link_previews.c.state,
        link_previews.c.card,
        link_previews.c.attempts,
        link_previews.c.due_ms,
    ).where(link_previews.c.url == bindparam("url", type_=Text()))
)
_BY_URLS = Statement(
    select(link_previews.c.id, link_previews.c.url, link_previews.c.state).where(one_of(link_previews.c.url, "urls"))
)
_STALE = Statement(
    update(link_previews)
    .where(
        one_of(link_previews.c.url, "urls"),
        link_previews.c.due_ms.is_(None),
        link_previews.c.fetched_ms < bindparam("before_ms", type_=BigInteger()),
    )
    .values(due_ms=bindparam("again_ms", type_=BigInteger()), attempts=0)
)
_SHOW = upsert(object_previews, ("object_id", "preview_id"), ("object_id",))
_SHOWN = Statement(
    select(object_previews.c.object_id, object_previews.c.preview_id).where(one_of(object_previews.c.object_id, "ids"))
)
_HIDE = Statement(delete(object_previews).where(one_of(object_previews.c.object_id, "ids")))
_TOUCH = Statement(update(objects).where(one_of(objects.c.id, "ids")).values(version=objects.c.version + 1))
_TOUCH_SHOWING = Statement(
    update(objects)
    .where(objects.c.id.in_(select(object_previews.c.object_id).where(object_previews.c.preview_id == _ID)))
    .values(version=objects.c.version + 1)
)
# A page that everybody links to is found by its title below the newest posts that do.
_MOST_SHOWING = 100
_SHOWING = Statement(
    select(object_previews.c.object_id)
    .where(object_previews.c.preview_id == _ID)
    .order_by(object_previews.c.object_id.desc())
    .limit(literal_column(str(_MOST_SHOWING)))
)
_CLAIM = Statement(
    update(link_previews)
    .where(link_previews.c.id == _ID, link_previews.c.due_ms <= _NOW)
    .values(due_ms=bindparam("until_ms", type_=BigInteger()), attempts=link_previews.c.attempts + 1)
    .returning(link_previews.c.id)
)
_LATER = Statement(
    update(link_previews).where(link_previews.c.id == _ID).values(due_ms=bindparam("later_ms", type_=BigInteger()))
)
_PRESENT = Statement(select(link_previews.c.card, link_previews.c.state).where(link_previews.c.id == _ID))
_SETTLE = Statement(
    update(link_previews)
    .where(link_previews.c.id == _ID)
    .values(
        state=bindparam("new_state", type_=Integer()),
        card=bindparam("new_card", type_=Text()),
        due_ms=None,
        fetched_ms=_NOW,
    )
)
_FORGET = Statement(
    delete(link_previews).where(
        link_previews.c.due_ms.is_(None),
        link_previews.c.fetched_ms < bindparam("before_ms", type_=BigInteger()),
        not_(
            exists(
                select(_ONE)
                .select_from(object_previews)
                .where(object_previews.c.preview_id == link_previews.c.id)
                .correlate(link_previews)
            )
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a post links to; None where it links to nothing that has a card. `due_ms`: when to ask, if nobody has."""

    object_id: int
    url: str | None
    host: str = ""
    due_ms: int = 0


def notice(links: Sequence[Link], ids: IdFactory, now_ms: int) -> Unit[bool]:
    """Posts show the previews of these links from now on; whether something is to be asked that was not known."""
    linked = [link for link in links if link.url is not None]
    shown = yield Fetch(_SHOWN, {"ids": [link.object_id for link in links]})
    before = {row["object_id"]: row["preview_id"] for row in shown}
    bare = [link.object_id for link in links if link.url is None and link.object_id in before]
    if bare:
        yield Run(_HIDE, [{"ids": bare}])
        yield Run(_TOUCH, [{"ids": bare}])
        yield from put_words(bare)
    if not linked:
        return False
    first = {link.url: link for link in reversed(linked)}
    rows = [{"id": ids.next(), "url": link.url, "host": link.host, "due_ms": link.due_ms} for link in first.values()]
    new = yield Insert(link_previews, rows)
    urls = sorted(str(url) for url in first)
    yield Run(_STALE, [{"urls": urls, "before_ms": now_ms - FRESH_MS, "again_ms": now_ms}])
    known = {row["url"]: row for row in (yield Fetch(_BY_URLS, {"urls": urls}))}
    changed = [link for link in linked if before.get(link.object_id) != known[link.url]["id"]]
    yield Run(_SHOW, [{"object_id": link.object_id, "preview_id": known[link.url]["id"]} for link in changed])
    seen = [x.object_id for x in changed if known[x.url]["state"] == THERE or x.object_id in before]
    if seen:
        yield Run(_TOUCH, [{"ids": seen}])
        yield from put_words(seen)
    return bool(new)


def claim(preview_id: int, now_ms: int, until_ms: int) -> Unit[bool]:
    """Whether the page is this process's to ask; nobody else does until then."""
    rows = yield Fetch(_CLAIM, {"preview_id": preview_id, "now_ms": now_ms, "until_ms": until_ms})
    return bool(rows)


def put_off(preview_id: int, later_ms: int) -> Unit[None]:
    """Ask later."""
    yield Run(_LATER, [{"preview_id": preview_id, "later_ms": later_ms}])


def settle(preview_id: int, card: str | None, now_ms: int) -> Unit[None]:
    """The page was asked: what its card says, or that there is none now; then one that was there stays."""
    rows = yield Fetch(_PRESENT, {"preview_id": preview_id})
    if not rows:
        return
    kept = card if card is not None else rows[0]["card"]
    values = {"new_state": NOTHING if kept is None else THERE, "new_card": kept, "now_ms": now_ms}
    yield Run(_SETTLE, [{"preview_id": preview_id, **values}])
    if kept != rows[0]["card"]:
        yield Run(_TOUCH_SHOWING, [{"preview_id": preview_id}])
        yield from put_words([row["object_id"] for row in (yield Fetch(_SHOWING, {"preview_id": preview_id}))])


def forget_previews(now_ms: int) -> Unit[None]:
    """Those that no post shows any more."""
    yield Run(_FORGET, [{"before_ms": now_ms - KEPT_MS}])
