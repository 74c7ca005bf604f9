"""Actors as the client API shows them, and how they are found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, case, func, literal, literal_column, or_, select
from sqlalchemy.sql.elements import ColumnElement

from fediverse_node.storage.engine import Database
from fediverse_node.storage.statement import Statement, one_of
from fediverse_node.storage.tables import actors, follows, users

Row = Mapping[str, Any]

# An organisation's actor may have several people; its badge is that of whoever was there first.
_ROLE = (
    select(users.c.role)
    .where(users.c.actor_id == actors.c.id)
    .order_by(users.c.id)
    .limit(literal_column("1"))
    .scalar_subquery()
    .label("role")
)


def _at_least(claimed: str, known: str) -> ColumnElement[Any]:
    """What its server says how many there are, if that is more than are known here."""
    stated = func.coalesce(actors.c[claimed], 0)
    return case((stated > actors.c[known], stated), else_=actors.c[known]).label(known)


ACCOUNT_COLUMNS: tuple[ColumnElement[Any], ...] = (
    actors.c.id,
    actors.c.uri,
    actors.c.type,
    actors.c.local,
    actors.c.username,
    actors.c.host,
    actors.c.name,
    actors.c.summary,
    actors.c.fields,
    actors.c.emojis,
    actors.c.url,
    actors.c.icon_url,
    actors.c.icon_description,
    actors.c.image_url,
    actors.c.image_description,
    actors.c.locked,
    actors.c.discoverable,
    actors.c.indexable,
    actors.c.hide_collections,
    actors.c.memorial,
    actors.c.moved_to_uri,
    _at_least("claimed_followers", "followers_count"),
    _at_least("claimed_following", "following_count"),
    _at_least("claimed_posts", "statuses_count"),
    actors.c.looked_ms,
    actors.c.last_status_ms,
    actors.c.created_ms,
    actors.c.suspended_ms,
    actors.c.silenced_ms,
    actors.c.deleted_ms,
    actors.c.version,
    _ROLE,
)
_BY_ID = Statement(select(*ACCOUNT_COLUMNS).where(actors.c.id == bindparam("id", type_=BigInteger())))
_BY_IDS = Statement(select(*ACCOUNT_COLUMNS).where(one_of(actors.c.id, "ids")))
_BY_URIS = Statement(select(*ACCOUNT_COLUMNS).where(one_of(actors.c.uri, "uris")))

ID_BY_HANDLE = Statement(
    select(actors.c.id)
    .where(func.lower(actors.c.username) == bindparam("username", type_=Text()))
    .where(actors.c.host == bindparam("host", type_=Text()))
    .where(actors.c.deleted_ms.is_(None))
    .order_by(actors.c.id)
)
ID_BY_URI = Statement(
    select(actors.c.id).where(or_(actors.c.uri == bindparam("uri", type_=Text()))).where(actors.c.deleted_ms.is_(None))
)


async def load_account(database: Database, id_: int) -> Row | None:
    """One account, or None; deleted ones do not exist."""
    return (await load_accounts(database, (id_,))).get(id_)


async def load_accounts(database: Database, ids: Iterable[int]) -> dict[int, Row]:
    """Rows by id with `ACCOUNT_COLUMNS` and `moved`: the row of where the actor moved to, or None.

    Ids that do not exist, or of actors that were deleted, are absent.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    if len(wanted) == 1:
        rows = await database.fetch(_BY_ID, id=wanted[0])
    else:
        rows = await database.fetch(_BY_IDS, ids=wanted)
    found: dict[int, Row] = {}
    moved_to: dict[str, Row | None] = {}
    for row in rows:
        if row["deleted_ms"] is None:
            found[row["id"]] = account = dict(row)
            account["moved"] = None
            if row["moved_to_uri"]:
                moved_to[row["moved_to_uri"]] = None
    if moved_to:
        for row in await database.fetch(_BY_URIS, uris=list(moved_to)):
            moved_to[row["uri"]] = {**dict(row), "moved": None}
        found = {id_: {**row, "moved": moved_to.get(row["moved_to_uri"] or "")} for id_, row in found.items()}
    return found


async def load_account_list(database: Database, ids: Iterable[int]) -> list[Row]:
    """Rows in the order of the ids."""
    wanted = list(ids)
    found = await load_accounts(database, wanted)
    return [found[id_] for id_ in wanted if id_ in found]


_PATTERN = bindparam("pattern", type_=Text())
_VIEWER = bindparam("viewer_id", type_=BigInteger())
_IS_FOLLOWED = (
    select(follows.c.id)
    .where(and_(follows.c.follower_id == _VIEWER, follows.c.followed_id == actors.c.id, follows.c.accepted))
    .exists()
)
_EXACT = func.lower(actors.c.username) == bindparam("exact", type_=Text())
_EXACT_HOST = actors.c.host == bindparam("exact_host", type_=Text())


def _search(*, following: bool) -> Statement:
    clause = (
        select(actors.c.id)
        .where(
            or_(
                func.lower(actors.c.username).like(_PATTERN, escape="\\"),
                # The beginning of any word of the name.
                (literal(" ", literal_execute=True) + func.lower(actors.c.name)).like(
                    bindparam("name_pattern", type_=Text()), escape="\\"
                ),
            )
        )
        .where(func.lower(actors.c.host).like(bindparam("host_pattern", type_=Text()), escape="\\"))
        .where(actors.c.deleted_ms.is_(None))
        .where(actors.c.suspended_ms.is_(None))
        # Who is limited is found by those who know the whole handle, or follow.
        .where(or_(actors.c.silenced_ms.is_(None), actors.c.id == _VIEWER, _IS_FOLLOWED, and_(_EXACT, _EXACT_HOST)))
        # The server's own actor is nobody to talk to.
        .where(or_(actors.c.local.is_(False), actors.c.type != "Application"))
        .order_by(
            case((_EXACT, 0), else_=1),
            case((_IS_FOLLOWED, 0), else_=1),
            actors.c.followers_count.desc(),
            actors.c.id.desc(),
        )
        .limit(bindparam("limit", type_=BigInteger()))
        .offset(bindparam("offset", type_=BigInteger()))
    )
    return Statement(clause.where(_IS_FOLLOWED) if following else clause)


_SEARCH = _search(following=False)
_SEARCH_FOLLOWING = _search(following=True)


async def search_accounts(
    database: Database,
    text: str,
    *,
    viewer_id: int | None,
    limit: int,
    offset: int = 0,
    following: bool = False,
) -> list[int]:
    """Ids of known accounts whose user name, or a word of whose name, begins with the text; `user@host` narrows.

    Whom the viewer follows comes first, then who has most followers.
    """
    words = text.strip().removeprefix("@").lower()
    user, _, host = words.partition("@")
    if not user:
        return []
    rows = await database.fetch(
        _SEARCH_FOLLOWING if following else _SEARCH,
        patient=True,
        pattern=f"{escape_like(user)}%",
        name_pattern=f"% {escape_like(user)}%",
        host_pattern=f"{escape_like(host)}%",
        exact=user,
        exact_host=host,
        viewer_id=viewer_id or 0,
        limit=limit,
        offset=offset,
    )
    return [row["id"] for row in rows]


def escape_like(text: str) -> str:
    """Text for LIKE in which nothing is a wildcard."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
