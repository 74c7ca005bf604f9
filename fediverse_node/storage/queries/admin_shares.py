"""What the dashboard breaks down: by language, app, server; and how much room is taken.

spec: mastodon-client-api#Admin::Dimension. Rows are (name, number), the largest first.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    select,
    text,
)

from fediverse_node.storage.queries.admin_figures import between
from fediverse_node.storage.statement import Statement
from fediverse_node.storage.tables import actors, apps, follows, media, object_tags, objects, user_days, users

_MOST = bindparam("most", type_=Integer())
_HOST = bindparam("host", type_=Text())
_TAG = bindparam("tag_id", type_=BigInteger())


def _largest(
    query: Select[tuple[()]] | Select[tuple[str]], name: ColumnElement[str], number: ColumnElement[int]
) -> Statement:
    shown = query.add_columns(name.label("name"), number.label("number"))
    return Statement(shown.group_by(name).order_by(number.desc(), name).limit(_MOST))


_said = objects.join(actors, actors.c.id == objects.c.actor_id)
_tagged = object_tags.join(objects, objects.c.id == object_tags.c.object_id)
_about_tag = (object_tags.c.tag_id == _TAG, objects.c.visibility == literal_column("0", Integer()))
_there = (actors.c.host == _HOST, actors.c.local.is_(False))
_language = func.coalesce(objects.c.language, literal_column("'und'", Text()))
_app = func.coalesce(apps.c.name, literal_column("''", Text()))

SHARES: Mapping[str, Statement] = {
    "languages": _largest(
        select()
        .select_from(users.join(user_days, user_days.c.user_id == users.c.id))
        .where(users.c.locale != "", *between(user_days.c.day, "day")),
        users.c.locale,
        func.count(users.c.id.distinct()),
    ),
    "sources": _largest(
        select()
        .select_from(users.outerjoin(apps, apps.c.id == users.c.app_id))
        .where(*between(users.c.created_ms, "ms")),
        _app,
        func.count(),
    ),
    "servers": _largest(
        select().select_from(_said).where(*between(objects.c.id, "id")),
        actors.c.host,
        func.count(),
    ),
    "tag_servers": _largest(
        select()
        .select_from(_tagged.join(actors, actors.c.id == objects.c.actor_id))
        .where(*_about_tag, *between(object_tags.c.object_id, "id")),
        actors.c.host,
        func.count(),
    ),
    "tag_languages": _largest(
        select().select_from(_tagged).where(*_about_tag, *between(object_tags.c.object_id, "id")),
        _language,
        func.count(),
    ),
    "instance_languages": _largest(
        select().select_from(_said).where(*_there, objects.c.announce_of_id.is_(None), *between(objects.c.id, "id")),
        _language,
        func.count(),
    ),
}
# Whom people here follow there comes first.
_number = func.sum(case((follows.c.id.is_(None), 0), else_=1))
ACCOUNTS_THERE = Statement(
    select(actors.c.username.label("name"), _number.label("number"))
    .select_from(actors.outerjoin(follows, follows.c.followed_id == actors.c.id))
    .where(*_there, actors.c.deleted_ms.is_(None))
    .group_by(actors.c.id, actors.c.username)
    .order_by(_number.desc(), actors.c.id)
    .limit(_MOST)
)
MEDIA_BYTES = Statement(select(func.coalesce(func.sum(media.c.size_bytes), 0).label("number")).select_from(media))
DATABASE_BYTES = Statement(
    text("SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()"),
    for_postgresql=text("SELECT pg_database_size(current_database()) AS number"),
)
DATABASE_VERSION = Statement(
    text("SELECT sqlite_version() AS name"), for_postgresql=text("SELECT current_setting('server_version') AS name")
)
